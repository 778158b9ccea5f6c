// GRU. The formulas are in <rondo/layers/recurrent.hpp>, forward and backward beside each other in
// kernels/gru_cell-inl.h; all else is in SequenceNode.
#include <rondo/layers/recurrent.hpp>

#include "layers/nodes.hpp"
#include "layers/recurrent/sequence_node.hpp"

namespace rondo {

namespace {

class GruNode final : public layers::SequenceNode {
 public:
  GruNode(Index units, const GRUOptions& options, const graph::LayerOptions& common)
      : SequenceNode("GRU",
                     options.reset_after ? kernels::RecurrentCell::gru : kernels::RecurrentCell::gru_reset_before,
                     units, layers::sequence_options(options), common),
        options_(options) {}

  graph::Json config() const override { return core::with_fields(LayerNode::config(), units(), options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<GruNode>(units(), layers::with_recurrence(options_, changes), options_for_copy(changes));
  }

 private:
  GRUOptions options_;
};

}  // namespace

GRU::GRU(Dim units, const GRUOptions& options)
    : Layer(graph::make_layer<GruNode>(units, options,
                                       graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::gru_from_config(const graph::Json& config) {
  return node_from_config<GruNode, Index, GRUOptions>("GRU", config);
}

}  // namespace rondo
