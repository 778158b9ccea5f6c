#include <nlohmann/json.hpp>

#include "formats/c_header/layers.hpp"
#include "formats/c_header/operations.hpp"
#include "layers/parts/activations.hpp"

namespace rondo::c_header {

// z, r = s(x K + h R + b)   h = z h + (1 - z) g, where r comes behind the product of the state or before it:
// g = a(x K_g + b_g + r (h R_g + c_g))   or   g = a(x K_g + (r h) R_g + b_g)
Value add_gru(Program& program, const graph::LayerNode& layer, const Value& x) {
  const std::vector<double> kernel = weight(layer, "kernel"), recurrent = weight(layer, "recurrent_kernel");
  const Index n3 = static_cast<Index>(kernel.size()) / x.size, n = n3 / 3;
  // Of the inputs and, if there is a second row, of the state.
  std::vector<double> bias = weight(layer, "bias");
  bias.resize(static_cast<std::size_t>(2 * n3));
  std::vector<double> both = {bias.begin(), bias.begin() + 2 * n};
  for (std::size_t j = 0; j < both.size(); ++j) both[j] += bias[static_cast<std::size_t>(n3) + j];
  const std::vector<double> of_inputs(bias.begin() + 2 * n, bias.begin() + n3), of_state(bias.end() - n, bias.end());
  const std::vector<std::pair<Index, Index>> gate_columns = {{0, 2 * n}}, candidate_columns = {{2 * n, n}};
  const auto of_gates = [&](const std::vector<double>& w) { return columns(w, n3, gate_columns); };
  const auto of_candidate = [&](const std::vector<double>& w) { return columns(w, n3, candidate_columns); };
  const kernels::Activation a = layers::kernel_of(layer.config(), "activation"),
                            s = layers::kernel_of(layer.config(), "recurrent_activation");

  const Value h = program.state(n, Kind::fine);
  const Value before = as_signal(program, h);
  const Value gates = add_activation(
      program, layer.where(),
      add_products(program, {{x, of_gates(kernel)}, {before, of_gates(recurrent)}}, both, Kind::sums), s, Kind::fine);
  const Value z = gates.part(0, n), r = gates.part(n, n);

  Value sum;
  if (layer.config().at("reset_after").get<bool>()) {
    const Value from_input = add_products(program, {{x, of_candidate(kernel)}}, of_inputs, Kind::fine);
    const Value from_state = add_products(program, {{before, of_candidate(recurrent)}}, of_state, Kind::fine);
    sum = program.vector(n, Kind::sums);
    add_combination(program, r, from_state, from_input, {}, sum);
  } else {
    const Value reset = program.vector(n, Kind::signal);
    add_combination(program, r, h, {}, {}, reset);
    sum = add_products(program, {{x, of_candidate(kernel)}, {reset, of_candidate(recurrent)}}, of_inputs, Kind::sums);
  }
  add_blend(program, z, add_activation(program, layer.where(), sum, a, Kind::fine), h);
  return as_signal(program, h);
}

}  // namespace rondo::c_header
