#include "layers/parts/activations.hpp"

#include <limits>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>
#include <rondo/keras_compat.hpp>

#include "core/fields.hpp"
#include "core/fork_safe.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"

namespace rondo {

namespace {

using Kind = kernels::ActivationKind;
using kernels::Activation;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

using KnownActivations = core::Registry<NameKind::activation, Activation>;

// Keras's names with Keras's default parameters.
const KnownActivations& known_activations() {
  static constinit Lazy<KnownActivations> known;
  return known.get([] {
    return KnownActivations{
        {{"celu"}, {Kind::celu, 1.0}},
        {{"elu"}, {Kind::elu, 1.0}},
        {{"exponential"}, {Kind::exponential}},
        {{"gelu"}, {Kind::gelu}},
        {{"glu"}, {Kind::glu}},
        {{"hard_shrink"}, {Kind::hard_shrink, 0.5}},
        {{"hard_sigmoid"}, {Kind::hard_sigmoid}},
        {{"hard_sigmoid_2"}, {Kind::hard_sigmoid_2}},
        {{"hard_silu", "hard_swish"}, {Kind::hard_silu}},
        {{"hard_tanh"}, {Kind::hard_tanh}},
        {{"leaky_relu"}, {Kind::relu, 0.2, kInfinity, 0}},
        {{"linear"}, {Kind::linear}},
        {{"log_sigmoid"}, {Kind::log_sigmoid}},
        {{"log_softmax"}, {Kind::log_softmax}},
        {{"mish"}, {Kind::mish}},
        {{"relu"}, {Kind::relu, 0, kInfinity, 0}},
        {{"relu6"}, {Kind::relu, 0, 6, 0}},
        {{"selu"}, {Kind::selu}},
        {{"sigmoid"}, {Kind::sigmoid}},
        {{"silu", "swish"}, {Kind::silu}},
        {{"soft_shrink"}, {Kind::soft_shrink, 0.5}},
        {{"softmax"}, {Kind::softmax}},
        {{"softplus"}, {Kind::softplus}},
        {{"softsign"}, {Kind::softsign}},
        {{"sparse_plus"}, {Kind::sparse_plus}},
        {{"sparse_sigmoid"}, {Kind::sparse_sigmoid}},
        {{"sparsemax"}, {Kind::sparsemax}},
        {{"squareplus"}, {Kind::squareplus, 4.0}},
        {{"tanh"}, {Kind::tanh}},
        {{"tanh_shrink"}, {Kind::tanh_shrink}},
        {{"threshold"}, {Kind::threshold, 1.0, 0.0}},
    };
  });
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

std::vector<std::string> activation_names() { return known_activations().names(); }

ActivationFn::ActivationFn(const std::string& given) {
  const std::string name = given == "hard_sigmoid" ? detail::keras_defaults().hard_sigmoid : given;
  *this = detail::ActivationAccess::make(name, known_activations().at(name));
}

namespace activations {

using detail::ActivationAccess;

namespace {

double finite(const char* function, const char* option, Real value) {
  return checked_option(function, option, value, Allowed::finite);
}
double zero_or_more(const char* function, const char* option, Real value) {
  return checked_option(function, option, value, Allowed::zero_or_more);
}

}  // namespace

ActivationFn relu(ReluOptions o) {
  const double most = o.max_value == kInfinity ? kInfinity : zero_or_more("relu", "max_value", o.max_value);
  return ActivationAccess::make("relu", {Kind::relu, finite("relu", "negative_slope", o.negative_slope), most,
                                         finite("relu", "threshold", o.threshold)});
}
ActivationFn leaky_relu(LeakyReluOptions o) {
  const double slope = finite("leaky_relu", "negative_slope", o.negative_slope);
  return ActivationAccess::make("leaky_relu", {Kind::relu, slope, kInfinity, 0});
}
ActivationFn elu(EluOptions o) { return ActivationAccess::make("elu", {Kind::elu, finite("elu", "alpha", o.alpha)}); }
ActivationFn celu(EluOptions o) {
  if (o.alpha == 0) throw ConfigError("celu: alpha is 0, by which it divides; it must be another number");
  return ActivationAccess::make("celu", {Kind::celu, finite("celu", "alpha", o.alpha)});
}
ActivationFn gelu(GeluOptions o) {
  return ActivationAccess::make("gelu", {o.approximate ? Kind::gelu_tanh : Kind::gelu});
}
ActivationFn squareplus(SquareplusOptions o) {
  return ActivationAccess::make("squareplus", {Kind::squareplus, zero_or_more("squareplus", "b", o.b)});
}
ActivationFn soft_shrink(ShrinkOptions o) {
  const double threshold = zero_or_more("soft_shrink", "threshold", o.threshold);
  return ActivationAccess::make("soft_shrink", {Kind::soft_shrink, threshold});
}
ActivationFn hard_shrink(ShrinkOptions o) {
  const double threshold = zero_or_more("hard_shrink", "threshold", o.threshold);
  return ActivationAccess::make("hard_shrink", {Kind::hard_shrink, threshold});
}
ActivationFn threshold(ThresholdOptions o) {
  return ActivationAccess::make("threshold", {Kind::threshold, finite("threshold", "threshold", o.threshold),
                                              finite("threshold", "default_value", o.default_value)});
}

}  // namespace activations

kernels::Activation layers::kernel_of(const ActivationFn& fn) { return detail::ActivationAccess::kernel(fn); }

kernels::Activation layers::kernel_of(const nlohmann::ordered_json& config, const char* option) {
  ActivationFn fn = "linear";
  from_config(config.at(option), fn);
  return kernel_of(fn);
}

nlohmann::ordered_json to_config(const ActivationFn& fn) {
  if (!(fn == ActivationFn(fn.name()))) {
    throw ConfigError("activation '" + fn.name() + "' with parameters of its own cannot be written to a configuration");
  }
  return fn.name();
}

void from_config(const nlohmann::ordered_json& config, ActivationFn& fn) {
  if (!config.is_null() && !config.is_string()) {
    throw ConfigError("activation " + core::value_text(config) +
                      ": only activations by name can be read from a configuration");
  }
  fn = config.is_null() ? std::string("linear") : config.get<std::string>();
}

}  // namespace rondo
