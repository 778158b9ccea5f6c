// A graph of ONNX in the making: nodes one behind the other, each with a name of its own, and the numbers they read.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <rondo/tensor.hpp>

#include "formats/onnx/messages.hpp"

namespace rondo::onnx {

// Attributes: {"alpha", 0.5f}, {"axis", 1}, {"direction", "reverse"}, lists of these.
AttributeProto attribute(const std::string& name, float value);
AttributeProto attribute(const std::string& name, Index value);
AttributeProto attribute(const std::string& name, const char* value);
AttributeProto attribute(const std::string& name, std::vector<float> values);
AttributeProto attribute(const std::string& name, std::vector<Index> values);
AttributeProto attribute(const std::string& name, std::vector<std::string> values);

using Names = std::vector<std::string>;
using Attributes = std::vector<AttributeProto>;

class GraphWriter {
 public:
  // Numbers of layers are of this type.
  explicit GraphWriter(DType dtype) : dtype_(dtype) {}
  ElementType type() const { return dtype_ == DType::float32 ? ElementType::float32 : ElementType::float64; }

  // What names of nodes begin with from here on: "model/lstm". The first node of a layer's own operator takes it alone.
  void set_scope(const std::string& scope) { scope_ = scope; }
  const std::string& scope() const { return scope_; }

  // Adds a node and returns the name of its output, or of the first of several.
  std::string add(const std::string& op, const Names& inputs, Attributes attributes = {}) {
    return add(op, inputs, 1, std::move(attributes)).front();
  }
  Names add(const std::string& op, const Names& inputs, std::size_t outputs, Attributes attributes = {});
  // The same of a layer's own operator: the node has the name of the layer.
  Names add_layer(const std::string& op, const Names& inputs, std::size_t outputs, Attributes attributes = {});

  // Numbers that nodes read. Weights get the scope in front of their name; asked for twice, they stand there once.
  std::string weight(const std::string& name, const std::vector<Index>& dims, const std::vector<double>& values);
  // Equal ones are one.
  std::string integers(const std::vector<Index>& values);
  std::string integer(Index value);
  std::string number(double value);

  void add_input(const ValueInfoProto& input) { graph_.inputs.push_back(input); }
  // A tensor that was made goes out, under this name, which nothing has yet.
  void add_output(const ValueInfoProto& output, const std::string& made);

  // The graph without what leads to no output. Its numbers are in memory of the writer's.
  GraphProto& finish(const std::string& name);

 private:
  std::string unique(const std::string& name);
  void add_initializer(const std::string& name, const std::vector<Index>& dims, ElementType type,
                       std::vector<std::byte> raw);
  bool is_made(const std::string& name) const;
  bool is_output(const std::string& name) const;
  void rename(const std::string& from, const std::string& to);

  DType dtype_;
  std::string scope_;
  std::map<std::string, int> taken_;
  std::deque<std::vector<std::byte>> numbers_;
  std::set<std::string> known_;             // numbers that stand there
  std::map<std::string, std::string> now_;  // names of tensors that go out
  GraphProto graph_;
};

}  // namespace rondo::onnx
