// Node: what operators ask of the node at work.
#include <algorithm>

#include <rondo/error.hpp>

#include "formats/onnx/import.hpp"
#include "formats/onnx/tensors.hpp"

namespace rondo::onnx {

bool Traced::has(Index axis) const { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

bool Traced::is_plain() const {
  if (symbols.size() != 1 || backwards) return false;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (axes[i] != static_cast<Index>(i)) return false;
  }
  return true;
}

std::string Node::where() const {
  std::string name = proto_.name;
  for (const std::string& output : proto_.outputs) name = name.empty() ? output : name;
  return "node '" + name + "' (" + proto_.op_type + ")";
}

void Node::fail(const std::string& why) const { throw FileError(where() + " " + why); }

// ---- operands -------------------------------------------------------------------------------------------------------

const Item& Node::operand(std::size_t i) const {
  if (!has(i)) fail("has no operand " + std::to_string(i));
  const Item* item = import_.find(proto_.inputs[i]);
  if (item == nullptr) fail("reads '" + proto_.inputs[i] + "', which no node before it makes");
  return *item;
}

const Traced* Node::if_traced(std::size_t i) const { return has(i) ? std::get_if<Traced>(&operand(i)) : nullptr; }

const Traced& Node::traced(std::size_t i) const {
  const Traced* x = if_traced(i);
  if (x == nullptr) fail("has numbers for operand " + std::to_string(i) + " that do not depend on the inputs");
  if (x->symbols.size() != 1) {
    fail(x->symbols.empty() ? "takes steps of a sequence of which Rondo has the last one alone"
                            : "takes both directions of a recurrent operator, which are not joined yet");
  }
  if (x->backwards) {
    fail(
        "takes a sequence in the order of time that is made backwards; Rondo returns it in the order in which it is "
        "made, as a Slice behind it would");
  }
  return *x;
}

const TensorProto* Node::if_constant(std::size_t i) const {
  const auto* constant = has(i) ? std::get_if<const TensorProto*>(&operand(i)) : nullptr;
  return constant == nullptr ? nullptr : *constant;
}

const TensorProto& Node::constant(std::size_t i, const char* what) const {
  const TensorProto* tensor = if_constant(i);
  if (tensor == nullptr) fail(std::string("has no ") + what + " whose numbers are in the file");
  return *tensor;
}

std::optional<std::vector<Index>> Node::if_integers(std::size_t i) const {
  if (!has(i)) return std::nullopt;
  if (const auto* sizes = std::get_if<Sizes>(&operand(i))) return sizes->values;
  const TensorProto* tensor = if_constant(i);
  if (tensor == nullptr || !has_integers(*tensor)) return std::nullopt;
  return integers_of(*tensor);
}

std::vector<Index> Node::integers(std::size_t i, const char* what) const {
  std::optional<std::vector<Index>> values = if_integers(i);
  if (!values) fail(std::string("has no ") + what + " that is known from the file");
  return *values;
}

bool Node::is_zero(std::size_t i) const {
  if (const auto* filled = std::get_if<Filled>(&operand(i))) return filled->value == 0;
  const TensorProto* tensor = if_constant(i);
  if (tensor == nullptr) return false;
  const std::vector<double> values = numbers_of(*tensor);
  return std::all_of(values.begin(), values.end(), [](double v) { return v == 0; });
}

void Node::put(Item item, std::size_t output) const {
  if (output < proto_.outputs.size() && !proto_.outputs[output].empty())
    import_.set(proto_.outputs[output], std::move(item));
}

void Node::put_like(const Traced& x, const Symbol& symbol) const { put(Traced{{symbol}, x.axes}); }

// ---- attributes -----------------------------------------------------------------------------------------------------

const AttributeProto* Node::attribute(const char* name, AttributeProto::Type type) const {
  asked_.insert(name);
  for (const AttributeProto& a : proto_.attributes) {
    if (a.name != name) continue;
    if (a.type != type) fail(std::string("has an attribute '") + name + "' of another type than ONNX gives it");
    return &a;
  }
  return nullptr;
}

Index Node::integer(const char* name, Index otherwise) const {
  const AttributeProto* a = attribute(name, AttributeProto::Type::integer);
  return a == nullptr ? otherwise : a->i;
}

double Node::number(const char* name, double otherwise) const {
  const AttributeProto* a = attribute(name, AttributeProto::Type::number);
  return a == nullptr ? otherwise : a->f;
}

std::string Node::text(const char* name, const char* otherwise) const {
  const AttributeProto* a = attribute(name, AttributeProto::Type::text);
  return a == nullptr ? otherwise : a->s;
}

std::optional<std::vector<Index>> Node::if_list(const char* name) const {
  const AttributeProto* a = attribute(name, AttributeProto::Type::integers);
  return a == nullptr ? std::nullopt : std::optional(a->ints);
}

std::vector<float> Node::numbers(const char* name) const {
  const AttributeProto* a = attribute(name, AttributeProto::Type::numbers);
  return a == nullptr ? std::vector<float>{} : a->floats;
}

std::vector<std::string> Node::texts(const char* name) const {
  const AttributeProto* a = attribute(name, AttributeProto::Type::texts);
  return a == nullptr ? std::vector<std::string>{} : a->strings;
}

void Node::require_all_attributes_known() const {
  for (const AttributeProto& a : proto_.attributes) {
    if (!asked_.contains(a.name)) fail("has an attribute '" + a.name + "', which is not read");
  }
}

std::size_t Node::axis(Index given, std::size_t rank) const {
  const Index counted = given < 0 ? given + static_cast<Index>(rank) : given;
  if (counted < 0 || counted >= static_cast<Index>(rank)) {
    fail("has axis " + std::to_string(given) + " of a tensor of " + std::to_string(rank) + " axes");
  }
  return static_cast<std::size_t>(counted);
}

}  // namespace rondo::onnx
