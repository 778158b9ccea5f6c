// GRU. The formulas are in <rondo/layers.hpp>, forward and backward beside each other in kernels/gru_cell-inl.h; all
// else is in SequenceNode.
#include <rondo/layers.hpp>

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
        reset_after_(options.reset_after) {}

  graph::Json config() const override {
    graph::Json config = SequenceNode::config();
    append_keras_rest(config);
    config["reset_after"] = reset_after_;
    append_seed(config);
    return config;
  }

 private:
  bool reset_after_;
};

}  // namespace

GRU::GRU(Dim units, const GRUOptions& options)
    : Layer(graph::make_layer<GruNode>(units, options,
                                       graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::gru_from_config(const graph::Json& config) {
  auto options = sequence_options_from_config<GRUOptions>("GRU", config);
  options.reset_after = config.value("reset_after", true);
  return std::make_shared<GruNode>(config.at("units").get<Index>(), options, common_options(config));
}

}  // namespace rondo
