// Dense, and TimeDistributed of what works on each time step by itself.
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>

#include "formats/c_header/layers.hpp"
#include "formats/c_header/operations.hpp"
#include "layers/parts/activations.hpp"

namespace rondo::c_header {

// y = f(x K + b)
Value add_dense(Program& program, const graph::LayerNode& layer, const Value& x) {
  const kernels::Activation f = layers::kernel_of(layer.config(), "activation");
  const std::vector<double> kernel = weight(layer, "kernel");
  std::vector<double> bias = weight(layer, "bias");
  if (bias.empty()) bias.resize(kernel.size() / static_cast<std::size_t>(x.size));
  const bool linear = f.kind == kernels::ActivationKind::linear;
  const Kind kind = linear ? Kind::signal : kernels::is_elementwise(f.kind) ? Kind::sums : Kind::fine;
  const Value sums = add_products(program, {{x, kernel}}, bias, kind);
  return add_activation(program, layer.where(), sums, f, Kind::signal);
}

Value add_time_distributed(Program& program, const graph::LayerNode& layer, const Value& x) {
  const graph::LayerNode& inside = *layer.children()[0];
  if (!inside.works_row_by_row()) {
    throw ConfigError("export_header: " + layer.where() + " has no C form around " + inside.where() +
                      ", only around layers that take each row of features by itself, as Dense");
  }
  const std::string name = inside.class_name();
  if (name == "Dense") return add_dense(program, inside, x);
  if (name == "Activation") return add_activation_layer(program, inside, x);
  throw ConfigError("export_header: " + layer.where() + " has no C form around " + inside.where() +
                    "; it has around Dense and Activation");
}

}  // namespace rondo::c_header
