// A graph on its way to becoming a model: node by node, each by the function of its operator (operators/).
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <rondo/model.hpp>

#include "formats/onnx/composites.hpp"
#include "formats/onnx/messages.hpp"
#include "formats/onnx/traced.hpp"

namespace rondo::onnx {

class Import {
 public:
  // FileError for a graph that is none. The model must stay.
  explicit Import(const ModelProto& model);

  // What came in and what went out, of Rondo's layers.
  std::vector<Symbol> run();
  const std::vector<Symbol>& inputs() const { return inputs_; }

  DType dtype() const { return dtype_; }
  Index opset() const { return model_.opset; }
  // Of a file whose inputs have a batch of one size; kUnknown for others.
  Index batch_size() const { return batch_size_; }

  // Null if nothing of that name is there.
  const Item* find(const std::string& name) const;
  void set(const std::string& name, Item item);
  // A tensor that the import has computed.
  const TensorProto* keep(TensorProto tensor) { return &computed_.emplace_back(std::move(tensor)); }

  // The nodes that read a tensor.
  const std::vector<const NodeProto*>& readers(const std::string& name) const;
  bool goes_out(const std::string& name) const { return outputs_.contains(name); }
  bool is_read(const std::string& name) const { return goes_out(name) || !readers(name).empty(); }
  // The one that does, if the tensor goes nowhere else; null otherwise.
  const NodeProto* only_reader(const std::string& name) const;
  // A node whose work has been done with that of another.
  void pass_over(const NodeProto& node) { done_.insert(&node); }

  // The tensor with its axes behind the batch in the graph's order: with a Permute, where the graph has turned them.
  Traced arranged(const Traced& x);
  // A name for a layer, which no other has: the given one, if there is one, else the other.
  std::string layer_name(std::string given, const std::string& otherwise);
  // The layer that reads such weights and options as one before, or the one that `make` makes.
  template <class Make>
  Layer layer(const std::string& key, Make make) {
    const auto found = layers_.find(key);
    return found != layers_.end() ? found->second : layers_.emplace(key, make()).first->second;
  }

 private:
  void add_inputs();
  void add_input(const ValueInfoProto& input);
  std::vector<Symbol> outputs();
  void run(const NodeProto& proto);

  const ModelProto& model_;
  DType dtype_ = DType::float32;
  Index batch_size_ = Shape::kUnknown;
  Composites composites_;
  std::map<std::string, Item> items_;
  std::map<std::string, std::vector<const NodeProto*>> readers_;
  const std::vector<const NodeProto*> no_readers_ = {};
  std::set<std::string> outputs_;
  std::deque<TensorProto> computed_;
  std::set<const NodeProto*> done_;
  std::set<std::string> names_;
  std::map<std::string, Layer> layers_;
  std::vector<Symbol> inputs_;
};

// What import_onnx makes of a file's bytes.
Model model_of(core::Bytes file);

// A node at work: its operands, attributes and outputs, with errors that name it.
class Node {
 public:
  Node(Import& import, const NodeProto& proto) : import_(import), proto_(proto) {}

  Import& import() const { return import_; }
  const NodeProto& proto() const { return proto_; }
  const std::string& op() const { return proto_.op_type; }

  // Whether an operand is there.
  bool has(std::size_t i) const { return i < proto_.inputs.size() && !proto_.inputs[i].empty(); }
  std::size_t operands() const { return proto_.inputs.size(); }
  // Null for what is left out.
  const Item& operand(std::size_t i) const;
  // A tensor that hangs on the inputs, with a symbol.
  const Traced& traced(std::size_t i) const;
  const Traced* if_traced(std::size_t i) const;
  // Numbers that are in the file; null for others.
  const TensorProto* if_constant(std::size_t i) const;
  const TensorProto& constant(std::size_t i, const char* what) const;
  // Integers that are in the file, or sizes of axes.
  std::optional<std::vector<Index>> if_integers(std::size_t i) const;
  std::vector<Index> integers(std::size_t i, const char* what) const;
  bool is_zero(std::size_t i) const;

  void put(Item item, std::size_t output = 0) const;
  // The same tensor with another symbol in the place of its own.
  void put_like(const Traced& x, const Symbol& symbol) const;

  // Attributes. What was not asked for when the operator is done is an error.
  Index integer(const char* name, Index otherwise) const;
  double number(const char* name, double otherwise) const;
  std::string text(const char* name, const char* otherwise) const;
  std::optional<std::vector<Index>> if_list(const char* name) const;
  std::vector<float> numbers(const char* name) const;
  std::vector<std::string> texts(const char* name) const;
  const AttributeProto* attribute(const char* name, AttributeProto::Type type) const;
  void require_all_attributes_known() const;
  // An axis of a tensor, counted from its end where it is negative.
  std::size_t axis(Index given, std::size_t rank) const;

  std::string layer_name(const std::string& otherwise) const { return import_.layer_name(proto_.name, otherwise); }
  // "node 'lstm' (LSTM)".
  std::string where() const;
  [[noreturn]] void fail(const std::string& why) const;

 private:
  Import& import_;
  const NodeProto& proto_;
  mutable std::set<std::string> asked_;
};

}  // namespace rondo::onnx
