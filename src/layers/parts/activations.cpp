#include "layers/parts/activations.hpp"

#include <limits>
#include <map>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>

#include "core/keras_names.hpp"
#include "core/names.hpp"

namespace rondo {

namespace {

using Kind = kernels::ActivationKind;
using kernels::Activation;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Keras's names with Keras's default parameters.
const std::map<std::string, Activation>& known_activations() {
  static const std::map<std::string, Activation> known = {
      {"celu", {Kind::celu, 1.0}},
      {"elu", {Kind::elu, 1.0}},
      {"exponential", {Kind::exponential}},
      {"gelu", {Kind::gelu}},
      {"glu", {Kind::glu}},
      {"hard_shrink", {Kind::hard_shrink, 0.5}},
      {"hard_sigmoid", {Kind::hard_sigmoid}},
      {"hard_silu", {Kind::hard_silu}},
      {"hard_swish", {Kind::hard_silu}},
      {"hard_tanh", {Kind::hard_tanh}},
      {"leaky_relu", {Kind::relu, 0.2, kInfinity, 0}},
      {"linear", {Kind::linear}},
      {"log_sigmoid", {Kind::log_sigmoid}},
      {"log_softmax", {Kind::log_softmax}},
      {"mish", {Kind::mish}},
      {"relu", {Kind::relu, 0, kInfinity, 0}},
      {"relu6", {Kind::relu, 0, 6, 0}},
      {"selu", {Kind::selu}},
      {"sigmoid", {Kind::sigmoid}},
      {"silu", {Kind::silu}},
      {"soft_shrink", {Kind::soft_shrink, 0.5}},
      {"softmax", {Kind::softmax}},
      {"softplus", {Kind::softplus}},
      {"softsign", {Kind::softsign}},
      {"sparse_plus", {Kind::sparse_plus}},
      {"sparse_sigmoid", {Kind::sparse_sigmoid}},
      {"sparsemax", {Kind::sparsemax}},
      {"squareplus", {Kind::squareplus, 4.0}},
      {"swish", {Kind::silu}},
      {"tanh", {Kind::tanh}},
      {"tanh_shrink", {Kind::tanh_shrink}},
      {"threshold", {Kind::threshold, 1.0, 0.0}},
  };
  return known;
}

}  // namespace

namespace detail {

kernels::Activation ActivationAccess::kernel(const ActivationFn& fn) {
  return {static_cast<Kind>(fn.kind_), fn.a_, fn.b_, fn.c_};
}

ActivationFn ActivationAccess::make(std::string name, const kernels::Activation& kernel) {
  ActivationFn fn;
  fn.name_ = std::move(name);
  fn.kind_ = static_cast<int>(kernel.kind);
  fn.a_ = kernel.a;
  fn.b_ = kernel.b;
  fn.c_ = kernel.c;
  return fn;
}

}  // namespace detail

std::vector<std::string> activation_names() {
  std::vector<std::string> names;
  for (const auto& [name, kernel] : known_activations()) names.push_back(name);
  return names;
}

ActivationFn::ActivationFn(const std::string& name) {
  const auto found = known_activations().find(name);
  if (found == known_activations().end()) {
    const std::vector<std::string> names = activation_names();
    throw ConfigError(unknown_name(NameKind::activation, name, names));
  }
  *this = detail::ActivationAccess::make(name, found->second);
}

namespace activations {

using detail::ActivationAccess;

ActivationFn relu(ReluOptions o) {
  return ActivationAccess::make("relu", {Kind::relu, o.negative_slope, o.max_value, o.threshold});
}
ActivationFn leaky_relu(LeakyReluOptions o) {
  return ActivationAccess::make("leaky_relu", {Kind::relu, o.negative_slope, kInfinity, 0});
}
ActivationFn elu(EluOptions o) { return ActivationAccess::make("elu", {Kind::elu, o.alpha}); }
ActivationFn celu(EluOptions o) { return ActivationAccess::make("celu", {Kind::celu, o.alpha}); }
ActivationFn gelu(GeluOptions o) {
  return ActivationAccess::make("gelu", {o.approximate ? Kind::gelu_tanh : Kind::gelu});
}
ActivationFn squareplus(SquareplusOptions o) { return ActivationAccess::make("squareplus", {Kind::squareplus, o.b}); }
ActivationFn soft_shrink(ShrinkOptions o) {
  return ActivationAccess::make("soft_shrink", {Kind::soft_shrink, o.threshold});
}
ActivationFn hard_shrink(ShrinkOptions o) {
  return ActivationAccess::make("hard_shrink", {Kind::hard_shrink, o.threshold});
}
ActivationFn threshold(ThresholdOptions o) {
  return ActivationAccess::make("threshold", {Kind::threshold, o.threshold, o.default_value});
}

}  // namespace activations

namespace layers {

kernels::Activation kernel_of(const ActivationFn& fn) { return detail::ActivationAccess::kernel(fn); }

ActivationFn activation_from_config(const nlohmann::ordered_json& config) {
  if (config.is_null()) return "linear";
  if (!config.is_string()) {
    throw ConfigError("activation " + config.dump() + ": only activations by name can be read from a configuration");
  }
  return config.get<std::string>();
}

// Parameters that differ from the name's defaults have no place in Keras's configuration.
nlohmann::ordered_json activation_config(const ActivationFn& fn) {
  if (!(fn == ActivationFn(fn.name()))) {
    throw ConfigError("activation '" + fn.name() + "' with parameters of its own cannot be written to a configuration");
  }
  return fn.name();
}

}  // namespace layers
}  // namespace rondo
