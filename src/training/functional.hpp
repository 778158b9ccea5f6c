// FunctionalNode: a model that is any graph of layers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "training/model_node.hpp"

namespace rondo::training {

class FunctionalNode final : public ModelNode {
 public:
  FunctionalNode(const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs,
                 const graph::LayerOptions& common);

  const Shape& declared(std::size_t input) const override { return declared_[input]; }
  std::vector<Symbol> input_symbols() const override;
  std::string input_name(std::size_t input) const override;
  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override;
  // A graph of {x, states...} to {y, new states...} is a cell.
  std::vector<Shape> state_shapes() const override;
  graph::Json config() const override;
  const char* keras_module() const override { return "keras.src.models.functional"; }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override;

 protected:
  // As in Keras: the layers were built before there was a model.
  std::string path_to(const graph::LayerNode&) const override { return ""; }

 private:
  std::vector<Shape> declared_;
};

}  // namespace rondo::training
