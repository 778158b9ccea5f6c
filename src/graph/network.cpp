#include "graph/network.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <rondo/error.hpp>

#include "graph/input_node.hpp"
#include "graph/loading.hpp"

namespace rondo::graph {

namespace {

// Walks symbols back to the inputs and writes down what makes them, each behind what it needs: calls, and the inputs
// themselves. Iterative, as a graph may be deeper than the stack.
class Tracer {
 public:
  using CallPtr = std::shared_ptr<const Call>;

  Tracer(const std::string& where, const std::vector<Symbol>& inputs) : where_(where), inputs_(inputs) {
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (input_numbers_.emplace(identity(inputs[i]), i).second) continue;
      throw ConfigError(where + ": the input '" + inputs[i].layer_name() + "' was given twice");
    }
  }

  void trace(const Symbol& output) {
    std::vector<Visit> path;
    enter(output, path);
    while (!path.empty()) {
      Visit& visit = path.back();
      if (visit.next < visit.call->inputs.size()) {
        enter(visit.call->inputs[visit.next++], path);
        continue;
      }
      finish(visit.call);
      path.pop_back();
    }
  }

  // Behind what they need. Inputs among them have no inputs of their own.
  const std::vector<CallPtr>& entries() const { return entries_; }
  // Where the maker of a symbol stands among them.
  std::size_t position(const Symbol& symbol) const {
    const auto number = input_number(symbol);
    return positions_.at(number ? input_entries_.at(*number).get() : symbol.call().get());
  }
  std::optional<std::size_t> input_number(const Symbol& symbol) const {
    const auto found = input_numbers_.find(identity(symbol));
    if (found == input_numbers_.end()) return std::nullopt;
    return found->second;
  }
  // Of an entry that is an input; of one that leads to no output too.
  CallPtr input_entry(std::size_t number) {
    CallPtr& entry = input_entries_[number];
    if (entry == nullptr) {
      const Symbol& input = inputs_[number];
      const bool inside = !input.call()->inputs.empty();  // another network's, from the middle
      entry = inside ? input_symbol(std::make_shared<InputNode>(input.shape().from(1), options_of(input))).call()
                     : input.call();
    }
    return entry;
  }
  // Layers in the order in which they were met.
  const std::vector<std::shared_ptr<LayerNode>>& met() const { return met_; }

 private:
  struct Visit {
    CallPtr call;
    std::size_t next = 0;
  };

  // The dtype of a model is that of its layers, whatever its policy.
  static LayerOptions options_of(const Symbol& symbol) {
    const DTypePolicy& policy = symbol.call()->layer->policy();
    return {.name = "",
            .dtype = policy.variable_dtype() == symbol.dtype() ? policy : DTypePolicy(symbol.dtype()),
            .trainable = true};
  }

  void meet(const std::shared_ptr<LayerNode>& layer) {
    if (known_.insert(layer.get()).second) met_.push_back(layer);
  }

  void enter(const Symbol& symbol, std::vector<Visit>& path) {
    if (const auto number = input_number(symbol)) {
      const CallPtr entry = input_entry(*number);
      if (positions_.contains(entry.get())) return;
      meet(entry->layer);
      return finish(entry);
    }
    if (positions_.contains(symbol.call().get())) return;
    const std::shared_ptr<LayerNode>& layer = symbol.call()->layer;
    if (symbol.call()->inputs.empty()) {
      throw ConfigError(where_ + " is not connected: its output hangs on " + layer->where() + ", of shape " +
                        to_string(symbol.shape()) +
                        ", which is not among the inputs. Give it too: Model({..., x}, "
                        "{...})");
    }
    meet(layer);
    path.push_back({symbol.call()});
  }

  void finish(const CallPtr& call) {
    positions_[call.get()] = entries_.size();
    entries_.push_back(call);
  }

  const std::string& where_;
  const std::vector<Symbol>& inputs_;
  std::map<Identity, std::size_t> input_numbers_;
  std::map<std::size_t, CallPtr> input_entries_;
  std::map<const Call*, std::size_t> positions_;
  std::vector<CallPtr> entries_;
  std::vector<std::shared_ptr<LayerNode>> met_;
  std::set<const LayerNode*> known_;  // those
};

// Keras's order: by the longest way from any call of a layer to an output, the longest first; then as met. Inputs that
// lead to no output stand before all others of the last rank.
std::vector<std::shared_ptr<LayerNode>> in_keras_order(const Tracer& tracer,
                                                       const std::vector<std::shared_ptr<LayerNode>>& inputs) {
  const auto& entries = tracer.entries();
  std::vector<std::size_t> depth(entries.size(), 0);
  std::map<const LayerNode*, std::size_t> layer_depth;
  for (std::size_t i = entries.size(); i-- > 0;) {
    std::size_t& of_layer = layer_depth[entries[i]->layer.get()];
    of_layer = depth[i] = std::max(depth[i], of_layer);
    for (const Symbol& input : entries[i]->inputs) {
      std::size_t& before = depth[tracer.position(input)];
      before = std::max(before, depth[i] + 1);
    }
  }
  std::vector<std::shared_ptr<LayerNode>> layers;
  std::copy_if(inputs.begin(), inputs.end(), std::back_inserter(layers),
               [&](const auto& input) { return !layer_depth.contains(input.get()); });
  layers.insert(layers.end(), tracer.met().begin(), tracer.met().end());
  std::stable_sort(layers.begin(), layers.end(),
                   [&](const auto& a, const auto& b) { return layer_depth[a.get()] > layer_depth[b.get()]; });
  return layers;
}

}  // namespace

Network::Network(const std::string& where, const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs)
    : inputs_(inputs.size()), outputs_() {
  if (inputs.empty() || outputs.empty()) throw ConfigError(where + ": give at least one input and one output");
  Tracer tracer(where, inputs);
  for (const Symbol& output : outputs) tracer.trace(output);

  std::vector<TensorNumber> first_output;
  TensorNumber next = inputs_;
  const auto number = [&](const Symbol& symbol) {
    const auto input = tracer.input_number(symbol);
    return input ? *input : first_output[tracer.position(symbol)] + symbol.output();
  };
  for (const auto& entry : tracer.entries()) {
    first_output.push_back(next);
    if (entry->inputs.empty()) continue;
    std::vector<TensorNumber> from;
    for (const Symbol& input : entry->inputs) from.push_back(number(input));
    calls_.push_back({entry->layer, std::move(from), next, entry->outputs.size(), entry->arguments});
    next += entry->outputs.size();
  }
  for (const Symbol& output : outputs) outputs_.push_back(number(output));

  for (std::size_t i = 0; i < inputs_; ++i) input_layers_.push_back(tracer.input_entry(i)->layer);
  layers_ = in_keras_order(tracer, input_layers_);
  std::set<std::string> names;
  for (const LayerPtr& layer : layers_) {
    if (names.insert(layer->name()).second) continue;
    throw ConfigError(where + ": the name '" + layer->name() + "' is taken; names of layers must be unique");
  }
}

void Network::append(const LayerPtr& layer) {
  const TensorNumber next = calls_.empty() ? inputs_ : calls_.back().first_output + 1;
  calls_.push_back({layer, outputs_, next, 1});
  outputs_ = {next};
  layers_.push_back(layer);
}

void Network::pop() {
  outputs_ = calls_.back().inputs;
  calls_.pop_back();
  layers_.pop_back();
}

const Network::Call* Network::maker(TensorNumber tensor) const {
  const auto behind = std::upper_bound(calls_.begin(), calls_.end(), tensor,
                                       [](TensorNumber t, const Call& call) { return t < call.first_output; });
  return behind == calls_.begin() ? nullptr : &*std::prev(behind);
}

std::vector<Network::TensorName> Network::tensor_names() const {
  std::vector<TensorName> names;
  for (const LayerPtr& input : input_layers_) names.push_back({input->name(), 0, 0});
  std::map<const LayerNode*, std::size_t> calls;
  for (const Call& call : calls_) {
    const std::size_t number = calls[call.layer.get()]++;
    for (std::size_t i = 0; i < call.outputs; ++i) names.push_back({call.layer->name(), number, i});
  }
  return names;
}

namespace {

std::vector<Shape> inputs_of(const Network::Call& call, const std::vector<Shape>& all) {
  std::vector<Shape> inputs;
  for (const Network::TensorNumber n : call.inputs) inputs.push_back(all[n]);
  return inputs;
}

}  // namespace

std::vector<Shape> Network::shapes_after(const Call& call, const std::vector<Shape>& known) const {
  Loading::step();
  const Call* before = maker(call.inputs.front());
  std::vector<Shape> outputs =
      call.layer->output_shapes_behind(before == nullptr ? nullptr : before->layer.get(), inputs_of(call, known));
  if (outputs.size() == call.outputs) return outputs;
  throw ShapeError(call.layer->where() + " returns " + std::to_string(outputs.size()) +
                   " tensors (return_state); the model was made for one that returns " + std::to_string(call.outputs) +
                   (call.outputs == 1 ? ", as every layer of a Sequential must" : ""));
}

std::vector<Shape> Network::shapes(const std::vector<Shape>& inputs) const {
  std::vector<Shape> all = inputs;
  for (const Call& call : calls_) {
    for (Shape& shape : shapes_after(call, all)) all.push_back(std::move(shape));
  }
  return all;
}

const LayerNode* Network::first_to_mix_time(const std::vector<Shape>& inputs) const {
  const std::vector<Shape> all = shapes(inputs);
  for (const Call& call : calls_) {
    if (!call.layer->keeps_time(inputs_of(call, all))) return call.layer.get();
  }
  return nullptr;
}

bool Network::works_row_by_row() const {
  return inputs_ == 1 && outputs_.size() == 1 && std::all_of(calls_.begin(), calls_.end(), [](const Call& call) {
           return call.inputs.size() == 1 && call.outputs == 1 && call.layer->works_row_by_row();
         });
}

std::vector<Shape> Network::output_shapes(const std::vector<Shape>& inputs) const {
  const std::vector<Shape> all = shapes(inputs);
  std::vector<Shape> out;
  for (const TensorNumber n : outputs_) out.push_back(all[n]);
  return out;
}

std::vector<Symbol> Network::outputs_for(const std::vector<Symbol>& inputs, const Substitute& substitute) const {
  std::vector<Symbol> all = inputs;
  for (const Call& made : calls_) {
    std::vector<Symbol> from;
    for (const TensorNumber n : made.inputs) from.push_back(all[n]);
    const LayerPtr layer = substitute ? substitute(made.layer) : made.layer;
    for (const Symbol& out : call(layer, from, made.arguments)) all.push_back(out);
  }
  std::vector<Symbol> out;
  for (const TensorNumber n : outputs_) out.push_back(all[n]);
  return out;
}

void Network::build(const std::vector<Shape>& inputs) const {
  std::vector<Shape> all = inputs;
  for (const Call& call : calls_) {
    const std::vector<Shape> after = shapes_after(call, all);
    call.layer->build(inputs_of(call, all));
    all.insert(all.end(), after.begin(), after.end());
  }
}

std::vector<engine::Value> Network::plan(engine::PlanBuilder& builder, const std::vector<engine::Value>& inputs,
                                         std::vector<engine::Value>* first_outputs) const {
  const TensorNumber tensors = calls_.empty() ? inputs_ : calls_.back().first_output + calls_.back().outputs;
  std::vector<std::size_t> readers(tensors, 0);
  for (const Call& call : calls_) {
    for (const TensorNumber n : call.inputs) ++readers[n];
  }
  for (const TensorNumber n : outputs_) ++readers[n];

  // A value for each reader of a tensor, taken from the front.
  std::vector<std::vector<engine::Value>> values;
  const auto add = [&](engine::Value v) {
    const std::size_t count = readers[values.size()];
    values.push_back(builder.fan_out(v, count));
    std::reverse(values.back().begin(), values.back().end());
  };
  const auto take = [&](TensorNumber n) {
    const engine::Value v = values[n].back();
    values[n].pop_back();
    return v;
  };
  for (const engine::Value v : inputs) add(v);
  for (const Call& call : calls_) {
    std::vector<engine::Value> from;
    for (const TensorNumber n : call.inputs) from.push_back(take(n));
    builder.begin_call(call.arguments.as_in_training);
    const std::vector<engine::Value> made = call.layer->plan(builder, from);
    for (const engine::Value v : made) add(v);
    // Held for each reader that comes.
    for (std::size_t i = 0; i < made.size(); ++i) {
      for (const engine::Value v : values[call.first_output + i]) builder.hold(v);
    }
    if (first_outputs != nullptr) {
      builder.hold(made.front());
      first_outputs->push_back(made.front());
    }
    builder.end_call();
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (call.inputs[i] >= inputs_) builder.release(from[i]);
    }
  }
  std::vector<engine::Value> out;
  for (const TensorNumber n : outputs_) {
    out.push_back(take(n));
    if (n >= inputs_) builder.release_after_call(out.back());
  }
  return out;
}

}  // namespace rondo::graph
