#include <nlohmann/json.hpp>

#include "formats/c_header/layers.hpp"
#include "formats/c_header/operations.hpp"
#include "layers/parts/activations.hpp"

namespace rondo::c_header {

// i, f, o = r(x K + h R + b)   g = a(...)   c = f c + i g   h = o a(c). Keras's columns are i f g o; here those of r
// lie together.
Value add_lstm(Program& program, const graph::LayerNode& layer, const Value& x) {
  const std::vector<double> kernel = weight(layer, "kernel"), recurrent = weight(layer, "recurrent_kernel");
  const Index n4 = static_cast<Index>(kernel.size()) / x.size, n = n4 / 4;
  std::vector<double> bias = weight(layer, "bias");
  bias.resize(static_cast<std::size_t>(n4));
  const std::vector<std::pair<Index, Index>> order = {{0, 2 * n}, {3 * n, n}, {2 * n, n}};

  const Value h = program.state(n, Kind::signal), c = program.state(n, Kind::fine);
  const Value z = add_products(program, {{x, columns(kernel, n4, order)}, {h, columns(recurrent, n4, order)}},
                               columns(bias, n4, order), Kind::sums);
  const kernels::Activation a = layers::kernel_of(layer.config(), "activation"),
                            r = layers::kernel_of(layer.config(), "recurrent_activation");
  const Value gates = add_activation(program, layer.where(), z.part(0, 3 * n), r, Kind::fine);
  const Value g = add_activation(program, layer.where(), z.part(3 * n, n), a, Kind::fine);
  const Value i = gates.part(0, n), f = gates.part(n, n), o = gates.part(2 * n, n);
  add_combination(program, f, c, i, g, c);
  add_combination(program, o, add_activation(program, layer.where(), c, a, Kind::fine), {}, {}, h);
  return h;
}

}  // namespace rondo::c_header
