#include "formats/onnx/graph_writer.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <iterator>
#include <type_traits>

#include "core/names.hpp"

namespace rondo::onnx {

namespace {

template <class T>
void put(std::vector<std::byte>& to, T value) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const Bits bits = std::bit_cast<Bits>(value);
  for (std::size_t i = 0; i < sizeof(T); ++i) to.push_back(static_cast<std::byte>(bits >> (8 * i)));
}

AttributeProto made(const std::string& name, AttributeProto::Type type) {
  AttributeProto a;
  a.name = name;
  a.type = type;
  return a;
}

}  // namespace

AttributeProto attribute(const std::string& name, float value) {
  AttributeProto a = made(name, AttributeProto::Type::number);
  a.f = value;
  return a;
}
AttributeProto attribute(const std::string& name, Index value) {
  AttributeProto a = made(name, AttributeProto::Type::integer);
  a.i = value;
  return a;
}
AttributeProto attribute(const std::string& name, const char* value) {
  AttributeProto a = made(name, AttributeProto::Type::text);
  a.s = value;
  return a;
}
AttributeProto attribute(const std::string& name, std::vector<float> values) {
  AttributeProto a = made(name, AttributeProto::Type::numbers);
  a.floats = std::move(values);
  return a;
}
AttributeProto attribute(const std::string& name, std::vector<Index> values) {
  AttributeProto a = made(name, AttributeProto::Type::integers);
  a.ints = std::move(values);
  return a;
}
AttributeProto attribute(const std::string& name, std::vector<std::string> values) {
  AttributeProto a = made(name, AttributeProto::Type::texts);
  a.strings = std::move(values);
  return a;
}

std::string GraphWriter::unique(const std::string& name) {
  const int number = ++taken_[name];
  return number == 1 ? name : unique(name + "_" + std::to_string(number));
}

Names GraphWriter::add(const std::string& op, const Names& inputs, std::size_t outputs, Attributes attributes) {
  NodeProto node;
  node.name = unique(scope_ + "/" + op);
  node.op_type = op;
  node.inputs = inputs;
  for (std::size_t i = 0; i < outputs; ++i) {
    node.outputs.push_back(node.name + ":" + std::to_string(i));
  }
  node.attributes = std::move(attributes);
  graph_.nodes.push_back(std::move(node));
  return graph_.nodes.back().outputs;
}

Names GraphWriter::add_layer(const std::string& op, const Names& inputs, std::size_t outputs, Attributes attributes) {
  Names made = add(op, inputs, outputs, std::move(attributes));
  graph_.nodes.back().name = unique(scope_);
  return made;
}

void GraphWriter::add_initializer(const std::string& name, const std::vector<Index>& dims, ElementType type,
                                  std::vector<std::byte> raw) {
  numbers_.push_back(std::move(raw));
  TensorProto& tensor = graph_.initializers.emplace_back();
  tensor.name = name;
  tensor.dims = dims;
  tensor.type = type;
  tensor.raw = numbers_.back();
  known_.insert(name);
}

std::string GraphWriter::weight(const std::string& name, const std::vector<Index>& dims,
                                const std::vector<double>& values) {
  const std::string full = scope_ + "/" + name;
  if (known_.contains(full)) return full;
  std::vector<std::byte> raw;
  raw.reserve(values.size() * (dtype_ == DType::float32 ? 4 : 8));
  for (const double v : values) {
    if (dtype_ == DType::float32) {
      put(raw, static_cast<float>(v));
    } else {
      put(raw, v);
    }
  }
  add_initializer(full, dims, type(), std::move(raw));
  return full;
}

std::string GraphWriter::integers(const std::vector<Index>& values) {
  std::string name = "integers:";
  for (const Index v : values) name += " " + std::to_string(v);
  if (known_.contains(name)) return name;
  std::vector<std::byte> raw;
  for (const Index v : values) put(raw, v);
  add_initializer(name, {static_cast<Index>(values.size())}, ElementType::int64, std::move(raw));
  return name;
}

std::string GraphWriter::integer(Index value) {
  const std::string name = "integer: " + std::to_string(value);
  if (known_.contains(name)) return name;
  std::vector<std::byte> raw;
  put(raw, value);
  add_initializer(name, {}, ElementType::int64, std::move(raw));
  return name;
}

std::string GraphWriter::number(double value) {
  const std::string name = "number: " + exact_text(value);
  if (known_.contains(name)) return name;
  std::vector<std::byte> raw;
  dtype_ == DType::float32 ? put(raw, static_cast<float>(value)) : put(raw, value);
  add_initializer(name, {}, type(), std::move(raw));
  return name;
}

bool GraphWriter::is_made(const std::string& name) const {
  return std::any_of(graph_.nodes.begin(), graph_.nodes.end(), [&](const NodeProto& node) {
    return std::find(node.outputs.begin(), node.outputs.end(), name) != node.outputs.end();
  });
}

void GraphWriter::rename(const std::string& from, const std::string& to) {
  for (NodeProto& node : graph_.nodes) {
    std::replace(node.inputs.begin(), node.inputs.end(), from, to);
    std::replace(node.outputs.begin(), node.outputs.end(), from, to);
  }
}

bool GraphWriter::is_output(const std::string& name) const {
  return std::any_of(graph_.outputs.begin(), graph_.outputs.end(),
                     [&](const ValueInfoProto& output) { return output.name == name; });
}

// An input that goes out, and a tensor that goes out twice, are copied.
void GraphWriter::add_output(const ValueInfoProto& output, const std::string& made) {
  const auto renamed = now_.find(made);
  std::string tensor = renamed == now_.end() ? made : renamed->second;
  if (!is_made(tensor) || is_output(tensor)) {
    set_scope(output.name);
    tensor = add("Identity", {tensor});
  } else {
    now_[tensor] = output.name;
  }
  rename(tensor, output.name);
  graph_.outputs.push_back(output);
}

GraphProto& GraphWriter::finish(const std::string& name) {
  graph_.name = name;
  std::set<std::string> needed;
  for (const ValueInfoProto& output : graph_.outputs) needed.insert(output.name);
  const auto is_needed = [&](const std::string& tensor) { return needed.contains(tensor); };
  std::vector<NodeProto> nodes;
  for (auto node = graph_.nodes.rbegin(); node != graph_.nodes.rend(); ++node) {  // each behind what it needs
    if (std::none_of(node->outputs.begin(), node->outputs.end(), is_needed)) continue;
    needed.insert(node->inputs.begin(), node->inputs.end());
    nodes.push_back(std::move(*node));
  }
  graph_.nodes.assign(std::make_move_iterator(nodes.rbegin()), std::make_move_iterator(nodes.rend()));
  std::erase_if(graph_.initializers, [&](const TensorProto& tensor) { return !is_needed(tensor.name); });
  return graph_;
}

}  // namespace rondo::onnx
