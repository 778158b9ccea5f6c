// LSTM. The formulas are in <rondo/layers.hpp>, forward and backward beside each other in kernels/lstm_cell-inl.h; all
// else is in SequenceNode.
#include <rondo/layers.hpp>

#include "layers/nodes.hpp"
#include "layers/recurrent/sequence_node.hpp"

namespace rondo {

namespace {

class LstmNode final : public layers::SequenceNode {
 public:
  LstmNode(Index units, const LSTMOptions& options, const graph::LayerOptions& common)
      : SequenceNode("LSTM", kernels::RecurrentCell::lstm, units, layers::sequence_options(options), common),
        unit_forget_bias_(options.unit_forget_bias) {}

  graph::Json config() const override {
    graph::Json config = SequenceNode::config();
    config["unit_forget_bias"] = unit_forget_bias_;
    append_keras_rest(config);
    append_seed(config);
    return config;
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    SequenceNode::create_parameters(inputs);
    if (unit_forget_bias_) layers::set_forget_bias(own_parameters(), units());
  }

 private:
  bool unit_forget_bias_;
};

}  // namespace

LSTM::LSTM(Dim units, const LSTMOptions& options)
    : Layer(graph::make_layer<LstmNode>(units, options,
                                        graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::lstm_from_config(const graph::Json& config) {
  auto options = sequence_options_from_config<LSTMOptions>("LSTM", config);
  options.unit_forget_bias = config.value("unit_forget_bias", true);
  return std::make_shared<LstmNode>(config.at("units").get<Index>(), options, common_options(config));
}

}  // namespace rondo
