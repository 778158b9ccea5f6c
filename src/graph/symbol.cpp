#include "graph/symbol.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace rondo {

namespace graph {

Call::~Call() {
  std::vector<Symbol> rest = std::move(inputs);
  while (!rest.empty()) {
    const Symbol last = std::move(rest.back());
    rest.pop_back();
    if (last.call().use_count() > 1) continue;
    std::vector<Symbol>& its = const_cast<Call&>(*last.call()).inputs;  // nobody else has it
    std::move(its.begin(), its.end(), std::back_inserter(rest));
    its.clear();
  }
}

Symbols call(const std::shared_ptr<LayerNode>& layer, const std::vector<Symbol>& inputs,
             const CallArguments& arguments) {
  if (layer->is_input()) throw ConfigError(layer->where() + " is where data enter; it cannot be called");
  std::vector<Shape> samples;
  for (const Symbol& input : inputs) samples.push_back(input.shape().from(1));
  if (samples.empty()) throw ShapeError(layer->where() + ": no input was given");
  const LayerNode& first = *inputs.front().call()->layer;
  auto made = std::make_shared<Call>(
      layer, inputs, layer->output_shapes_behind(first.is_input() ? nullptr : &first, samples), arguments);
  layer->build(samples);
  std::vector<Symbol> outputs;
  for (std::size_t i = 0; i < made->outputs.size(); ++i) outputs.emplace_back(made, i);
  return Symbols(std::move(outputs));
}

Symbol input_symbol(const std::shared_ptr<LayerNode>& input) {
  return {std::make_shared<Call>(input, std::vector<Symbol>{}, std::vector<Shape>{input->declared_input()}), 0};
}

Identity identity(const Symbol& symbol) {
  const Call& call = *symbol.call();
  if (call.inputs.empty()) return {call.layer.get(), 0};
  return {&call, symbol.output()};
}

}  // namespace graph

Shape Symbol::shape() const { return call_->outputs[output_].prepend(Shape::kUnknown); }
DType Symbol::dtype() const { return call_->layer->dtype(); }
const std::string& Symbol::layer_name() const { return call_->layer->name(); }

Symbols::operator Symbol() const {
  require(1);
  return all_.front();
}

Symbol Symbols::operator[](std::size_t i) const {
  if (i < all_.size()) return all_[i];
  throw ShapeError(all_.front().call()->layer->where() + " has " + std::to_string(all_.size()) +
                   " outputs, numbered from 0; there is none with the number " + std::to_string(i));
}

void Symbols::require(std::size_t count) const {
  if (all_.size() == count) return;
  const std::string given = std::to_string(all_.size());
  throw ShapeError(all_.front().call()->layer->where() + " has " + given + " outputs where " + std::to_string(count) +
                   (count == 1 ? " is" : " are") + " wanted; take them apart: .unpack<" + given + ">()");
}

}  // namespace rondo
