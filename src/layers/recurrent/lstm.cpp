// LSTM. The formulas are in <rondo/layers/recurrent.hpp>, forward and backward beside each other in
// kernels/lstm_cell-inl.h; all else is in SequenceNode.
#include <rondo/layers/recurrent.hpp>

#include "layers/nodes.hpp"
#include "layers/recurrent/sequence_node.hpp"

namespace rondo {

namespace {

class LstmNode final : public layers::SequenceNode {
 public:
  LstmNode(Index units, const LSTMOptions& options, const graph::LayerOptions& common)
      : SequenceNode("LSTM", kernels::RecurrentCell::lstm, units, layers::sequence_options(options), common),
        options_(options) {}

  graph::Json config() const override { return core::with_fields(LayerNode::config(), units(), options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<LstmNode>(units(), layers::with_recurrence(options_, changes), options_for_copy(changes));
  }

 private:
  LSTMOptions options_;
};

}  // namespace

LSTM::LSTM(Dim units, const LSTMOptions& options)
    : Layer(graph::make_layer<LstmNode>(units, options,
                                        graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::lstm_from_config(const graph::Json& config) {
  return node_from_config<LstmNode, Index, LSTMOptions>("LSTM", config);
}

}  // namespace rondo
