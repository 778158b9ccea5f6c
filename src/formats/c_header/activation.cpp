#include <nlohmann/json.hpp>

#include "formats/c_header/layers.hpp"
#include "formats/c_header/operations.hpp"
#include "layers/parts/activations.hpp"

namespace rondo::c_header {

Value add_activation_layer(Program& program, const graph::LayerNode& layer, const Value& x) {
  return add_activation(program, layer.where(), x, layers::kernel_of(layer.config(), "activation"), Kind::signal);
}

}  // namespace rondo::c_header
