#include "formats/c_header/layers.hpp"
#include "formats/c_header/operations.hpp"

namespace rondo::c_header {

Value add_activation_layer(Program& program, const graph::LayerNode& layer, const Value& x) {
  return add_activation(program, layer.where(), x, activation(layer, "activation"), Kind::signal);
}

}  // namespace rondo::c_header
