// import_onnx: a graph, node by node.
#include "formats/onnx/import.hpp"

#include <algorithm>
#include <cstdint>

#include <rondo/layers.hpp>
#include <rondo/onnx.hpp>

#include "core/file_bytes.hpp"
#include "core/keras_compat.hpp"
#include "formats/onnx/operators.hpp"
#include "formats/onnx/orientation.hpp"
#include "graph/loading.hpp"

namespace rondo {

namespace onnx {

namespace {

constexpr Index kOldest = 7, kNewest = 28;

// So that sums of sizes are numbers.
void require_size(const std::string& name, const Shape& shape) {
  constexpr Index kLongest = INT32_MAX;
  for (const Index size : shape) {
    if (size > kLongest) throw FileError("the tensor '" + name + "' has an axis of size " + std::to_string(size));
  }
}

const ModelProto& checked(const ModelProto& model) {
  if (model.opset < kOldest || model.opset > kNewest) {
    throw FileError("it is of opset " + std::to_string(model.opset) + "; " + std::to_string(kOldest) + " to " +
                    std::to_string(kNewest) + " are read");
  }
  return model;
}

}  // namespace

Import::Import(const ModelProto& model) : model_(checked(model)), composites_(model.graph) {
  for (const NodeProto& node : model_.graph.nodes) {
    for (const std::string& input : node.inputs) readers_[input].push_back(&node);
  }
  for (const ValueInfoProto& output : model_.graph.outputs) outputs_.insert(output.name);
  for (const TensorProto& tensor : model_.graph.initializers) set(tensor.name, &tensor);
}

const Item* Import::find(const std::string& name) const {
  const auto found = items_.find(name);
  return found == items_.end() ? nullptr : &found->second;
}

void Import::set(const std::string& name, Item item) {
  if (const auto* traced = std::get_if<Traced>(&item)) {
    for (const Symbol& symbol : traced->symbols) require_size(name, symbol.shape());
  }
  if (items_.emplace(name, std::move(item)).second) return;
  throw FileError("two tensors have the name '" + name + "'");
}

const std::vector<const NodeProto*>& Import::readers(const std::string& name) const {
  const auto found = readers_.find(name);
  return found == readers_.end() ? no_readers_ : found->second;
}

const NodeProto* Import::only_reader(const std::string& name) const {
  const std::vector<const NodeProto*>& all = readers(name);
  return all.size() == 1 && !goes_out(name) ? all.front() : nullptr;
}

std::string Import::layer_name(std::string given, const std::string& otherwise) {
  if (given.empty()) given = otherwise;
  std::replace(given.begin(), given.end(), '/', '_');
  std::string free = given;
  for (int number = 1; !names_.insert(free).second; ++number) free = given + "_" + std::to_string(number);
  return free;
}

Traced Import::arranged(const Traced& x) {
  std::vector<Index> order;
  for (const Index axis : x.axes) {
    if (axis > 0) order.push_back(axis);
  }
  if (std::is_sorted(order.begin(), order.end()) || x.symbols.size() != 1 || x.has(kDirections)) return x;
  const Layer layer = Permute(order, {.dtype = dtype_, .name = layer_name("", "permute")});
  Traced y{{layer(x.symbols[0])}, x.axes, x.backwards};
  Index next = 1;
  for (Index& axis : y.axes) axis = axis > 0 ? next++ : axis;
  return y;
}

// ---- what goes in ---------------------------------------------------------------------------------------------------

// Of a tensor that goes in: its axes as Rondo has them, and their sizes.
void Import::add_input(const ValueInfoProto& input) {
  const auto fail = [&](const std::string& why) { throw FileError("the input '" + input.name + "' " + why); };
  if (input.type != ElementType::float32 && input.type != ElementType::float64) {
    fail("is of " + name_of(input.type) + "; float32 and float64 are read");
  }
  const DType dtype = input.type == ElementType::float32 ? DType::float32 : DType::float64;
  if (!inputs_.empty() && dtype != dtype_) fail("is of another type than the inputs before it");
  dtype_ = dtype;
  if (!input.shape || input.shape->size() < 2) fail("has no axes behind the batch, or they are not told");
  if (input.shape->size() > static_cast<std::size_t>(Shape::kMaxRank)) {
    fail("has " + std::to_string(input.shape->size()) + " axes; up to " + std::to_string(Shape::kMaxRank) +
         " are read");
  }

  Traced traced{{}, axes_of_input(*this, input)};
  std::vector<Index> sample(input.shape->size());
  Index count = 1;  // of axes
  for (std::size_t i = 0; i < traced.axes.size(); ++i) {
    const Index axis = traced.axes[i], size = (*input.shape)[i].size;
    if (axis < 0) continue;
    if (axis == 0 && size > 0) batch_size_ = size;
    sample[static_cast<std::size_t>(axis)] = size > 0 ? size : Shape::kUnknown;
    count = std::max(count, axis + 1);
  }
  const Shape shape(std::vector<Index>(sample.begin() + 1, sample.begin() + count));
  const std::string name = layer_name(input.name, "input");
  const std::size_t directions = traced.has(kDirections) ? 2 : 1;
  for (std::size_t d = 0; d < directions; ++d) {
    const std::string end = directions == 1 ? "" : d == 0 ? "_forward" : "_backward";
    inputs_.push_back(Input(shape, {.dtype = dtype_, .name = name + end}));
    traced.symbols.push_back(inputs_.back());
  }
  set(input.name, std::move(traced));
}

void Import::add_inputs() {
  for (const ValueInfoProto& input : model_.graph.inputs) {
    if (find(input.name) == nullptr) add_input(input);  // those of older files have the weights among them
  }
  if (inputs_.empty()) throw FileError("its graph has no inputs");
}

// ---- the nodes ------------------------------------------------------------------------------------------------------

void Import::run(const NodeProto& proto) {
  if (done_.contains(&proto) || composites_.is_inside(proto)) return;
  const Node node(*this, proto);
  if (proto.outputs.empty()) node.fail("has no outputs");
  try {
    if (const Composites::Found* formula = composites_.found(proto)) return import_formula(node, *formula);
    import_operator(node);
    node.require_all_attributes_known();
  } catch (const FileError&) {
    throw;
  } catch (const Error& error) {
    node.fail("has no form in Rondo: " + std::string(error.what()));
  }
}

std::vector<Symbol> Import::outputs() {
  std::vector<Symbol> outputs;
  for (const ValueInfoProto& output : model_.graph.outputs) {
    const Item* item = find(output.name);
    if (item == nullptr) throw FileError("no node makes the output '" + output.name + "'");
    const auto* made = std::get_if<Traced>(item);
    if (made == nullptr || made->symbols.empty()) {
      throw FileError("the output '" + output.name + "' does not depend on the inputs in a way that is read");
    }
    if (made->backwards) {
      throw FileError(
          "the output '" + output.name +
          "' stands in the order of time and is made backwards; Rondo returns it in the order in which it is "
          "made");
    }
    const Traced y = arranged(*made);
    if (y.symbols.size() == 1) {
      outputs.push_back(y.symbols[0]);
    } else {
      outputs.push_back(Concatenate({.dtype = dtype_, .name = layer_name(output.name, "concatenate")})(y.symbols));
    }
  }
  if (outputs.empty()) throw FileError("its graph has no outputs");
  return outputs;
}

std::vector<Symbol> Import::run() {
  add_inputs();
  // Numbers first: a Dense is made at its product, and its bias may stand behind that.
  const auto is_constant = [](const NodeProto& node) { return node.op_type == "Constant" && node.inputs.empty(); };
  for (const NodeProto& node : model_.graph.nodes) {
    if (is_constant(node)) run(node);
  }
  for (const NodeProto& node : model_.graph.nodes) {
    if (!is_constant(node)) run(node);
  }
  return outputs();
}

Model model_of(core::Bytes file) {
  const ModelProto proto = parse_model(file);
  const graph::Loading loading(graph::FirstWeights::from_file, graph::Loading::bytes_for(file.size()));
  const core::WithKerasDefaults defaults(core::keras_defaults_of("3"));  // names of activations mean what they say
  Import import(proto);
  const std::vector<Symbol> outputs = import.run();
  std::string name = proto.graph.name;
  std::replace(name.begin(), name.end(), '/', '_');
  return Model(import.inputs(), outputs, {.name = name});
}

}  // namespace onnx

Model import_onnx(const std::string& path) {
  const core::FileBytes file(path);
  try {
    return onnx::model_of(file.bytes());
  } catch (const Error& error) {
    throw FileError("'" + path + "': " + error.what());
  }
}

}  // namespace rondo
