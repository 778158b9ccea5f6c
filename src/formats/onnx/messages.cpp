#include "formats/onnx/messages.hpp"

#include <array>
#include <utility>

#include <rondo/error.hpp>

#include "formats/protobuf/writer.hpp"

namespace rondo::onnx {

namespace {

using protobuf::Message;

// A message of two bytes becomes a struct of hundreds.
constexpr std::size_t kMostOfAKind = 20'000, kMostNames = 1000, kMostAttributes = 32, kMostAxes = 32;

// The fields' numbers, as onnx.proto has them.
namespace model {
enum { ir_version = 1, producer_name, producer_version, graph = 7, opset_import, metadata_props = 14, functions = 25 };
}
namespace graph {
enum { node = 1, name, initializer = 5, input = 11, output, sparse_initializer = 15 };
}
namespace node {
enum { input = 1, output, name, op_type, attribute, domain = 7 };
}
namespace attribute {
enum { name = 1, f, i, s, t, floats = 7, ints, strings, type = 20, ref_attr_name };
}
namespace tensor {
enum {
  dims = 1,
  data_type,
  segment,
  float_data,
  int32_data,
  string_data,
  int64_data,
  name,
  raw_data,
  double_data,
  uint64_data,
  external_data = 13,
  data_location
};
}
namespace value_info {
enum { name = 1, type };
}
namespace type_proto {
enum { tensor_type = 1, element_type = 1, shape = 2, dim = 1, dim_value = 1, dim_param = 2 };
}
namespace pair {
enum { first = 1, second };  // key and value, or domain and version
}

template <class T>
T& added(std::vector<T>& list, const WireReader& in, std::size_t most = kMostOfAKind) {
  if (list.size() == most) in.fail("it has more than " + std::to_string(most) + " of a kind");
  return list.emplace_back();
}

// ---- reading --------------------------------------------------------------------------------------------------------

TensorProto parse_tensor(Bytes bytes) {
  TensorProto t;
  WireReader in(bytes, "a TensorProto");
  while (in.next()) {
    switch (in.field()) {
      case tensor::dims: in.add_to(t.dims); break;
      case tensor::data_type: t.type = static_cast<ElementType>(in.integer()); break;
      case tensor::segment: in.fail("a tensor in segments is not read");
      case tensor::float_data: in.add_to(t.floats); break;
      case tensor::int32_data:
      case tensor::int64_data: in.add_to(t.integers); break;
      case tensor::name: t.name = in.name(); break;
      case tensor::raw_data: t.raw = in.bytes(); break;
      case tensor::double_data: in.add_to(t.doubles); break;
      case tensor::string_data:
      case tensor::uint64_data: in.fail("texts and unsigned numbers of a tensor are not read");
      case tensor::external_data:
        throw FileError("the tensor '" + t.name +
                        "' has its numbers in another file (external data), which is not followed; save the model as "
                        "one file");
      case tensor::data_location:
        if (in.integer() != 0) throw FileError("the tensor '" + t.name + "' has its numbers in another file");
        break;
      default: break;
    }
  }
  return t;
}

AttributeProto parse_attribute(Bytes bytes) {
  AttributeProto a;
  WireReader in(bytes, "an AttributeProto");
  while (in.next()) {
    switch (in.field()) {
      case attribute::name: a.name = in.name(); break;
      case attribute::f: a.f = in.number(); break;
      case attribute::i: a.i = in.integer(); break;
      case attribute::s: a.s = in.name(); break;
      case attribute::t: a.t = parse_tensor(in.bytes()); break;
      case attribute::floats: in.add_to(a.floats); break;
      case attribute::ints: in.add_to(a.ints); break;
      case attribute::strings: added(a.strings, in, kMostNames) = in.name(); break;
      case attribute::type: a.type = static_cast<AttributeProto::Type>(in.integer()); break;
      case attribute::ref_attr_name: in.fail("attributes of functions are not read");
      default: break;
    }
  }
  return a;
}

NodeProto parse_node(Bytes bytes) {
  NodeProto n;
  WireReader in(bytes, "a NodeProto");
  while (in.next()) {
    switch (in.field()) {
      case node::input: added(n.inputs, in, kMostNames) = in.name(); break;
      case node::output: added(n.outputs, in, kMostNames) = in.name(); break;
      case node::name: n.name = in.name(); break;
      case node::op_type: n.op_type = in.name(); break;
      case node::attribute: added(n.attributes, in, kMostAttributes) = parse_attribute(in.bytes()); break;
      case node::domain: n.domain = in.name(); break;
      default: break;
    }
  }
  return n;
}

Dimension parse_dimension(Bytes bytes) {
  Dimension d;
  WireReader in(bytes, "a Dimension");
  while (in.next()) {
    if (in.field() == type_proto::dim_value) d.size = in.integer();
    if (in.field() == type_proto::dim_param) d.name = in.name();
  }
  return d;
}

std::vector<Dimension> parse_shape(Bytes bytes) {
  std::vector<Dimension> shape;
  WireReader in(bytes, "a TensorShapeProto");
  while (in.next()) {
    if (in.field() == type_proto::dim) added(shape, in, kMostAxes) = parse_dimension(in.bytes());
  }
  return shape;
}

void parse_tensor_type(Bytes bytes, ValueInfoProto& value) {
  WireReader in(bytes, "a TypeProto");
  while (in.next()) {
    if (in.field() == type_proto::element_type) value.type = static_cast<ElementType>(in.integer());
    if (in.field() == type_proto::shape) value.shape = parse_shape(in.bytes());
  }
}

ValueInfoProto parse_value(Bytes bytes) {
  ValueInfoProto value;
  WireReader in(bytes, "a ValueInfoProto");
  while (in.next()) {
    if (in.field() == value_info::name) value.name = in.name();
    if (in.field() != value_info::type) continue;
    WireReader type(in.bytes(), "a TypeProto");
    while (type.next()) {
      if (type.field() == type_proto::tensor_type) parse_tensor_type(type.bytes(), value);
    }
  }
  return value;
}

GraphProto parse_graph(Bytes bytes) {
  GraphProto g;
  WireReader in(bytes, "a GraphProto");
  while (in.next()) {
    switch (in.field()) {
      case graph::node: added(g.nodes, in) = parse_node(in.bytes()); break;
      case graph::name: g.name = in.name(); break;
      case graph::initializer: added(g.initializers, in) = parse_tensor(in.bytes()); break;
      case graph::input: added(g.inputs, in) = parse_value(in.bytes()); break;
      case graph::output: added(g.outputs, in) = parse_value(in.bytes()); break;
      case graph::sparse_initializer: in.fail("sparse tensors are not read");
      default: break;
    }
  }
  return g;
}

// {domain, version} of a set of operators.
void parse_opset(Bytes bytes, ModelProto& m) {
  std::string domain;
  std::int64_t version = 0;
  WireReader in(bytes, "an OperatorSetIdProto");
  while (in.next()) {
    if (in.field() == pair::first) domain = in.name();
    if (in.field() == pair::second) version = in.integer();
  }
  if (domain.empty() || domain == "ai.onnx") m.opset = version;
}

// ---- writing --------------------------------------------------------------------------------------------------------

Message written(const TensorProto& t) {
  Message out;
  for (const Index size : t.dims) out.integer(tensor::dims, size);
  out.integer(tensor::data_type, static_cast<std::int64_t>(t.type));
  out.text(tensor::name, t.name);
  out.bytes(tensor::raw_data, t.raw);
  return out;
}

Message written(const AttributeProto& a) {
  Message out;
  out.text(attribute::name, a.name);
  switch (a.type) {
    case AttributeProto::Type::number: out.number(attribute::f, a.f); break;
    case AttributeProto::Type::integer: out.integer(attribute::i, a.i); break;
    case AttributeProto::Type::text: out.text(attribute::s, a.s); break;
    default: break;
  }
  for (const float f : a.floats) out.number(attribute::floats, f);
  for (const std::int64_t i : a.ints) out.integer(attribute::ints, i);
  for (const std::string& s : a.strings) out.text(attribute::strings, s);
  out.integer(attribute::type, static_cast<std::int64_t>(a.type));
  return out;
}

Message written(const NodeProto& n) {
  Message out;
  for (const std::string& name : n.inputs) out.text(node::input, name);
  for (const std::string& name : n.outputs) out.text(node::output, name);
  out.text(node::name, n.name);
  out.text(node::op_type, n.op_type);
  for (const AttributeProto& a : n.attributes) out.message(node::attribute, written(a));
  return out;
}

Message written(const Dimension& d) {
  Message out;
  if (d.size >= 0) {
    out.integer(type_proto::dim_value, d.size);
  } else if (!d.name.empty()) {
    out.text(type_proto::dim_param, d.name);
  }
  return out;
}

Message written(const ValueInfoProto& value) {
  Message shape, tensor_type, type, out;
  for (const Dimension& d : *value.shape) shape.message(type_proto::dim, written(d));
  tensor_type.integer(type_proto::element_type, static_cast<std::int64_t>(value.type));
  tensor_type.message(type_proto::shape, shape);
  type.message(type_proto::tensor_type, tensor_type);
  out.text(value_info::name, value.name);
  out.message(value_info::type, type);
  return out;
}

Message written(const GraphProto& g) {
  Message out;
  for (const NodeProto& n : g.nodes) out.message(graph::node, written(n));
  out.text(graph::name, g.name);
  for (const TensorProto& t : g.initializers) out.message(graph::initializer, written(t));
  for (const ValueInfoProto& v : g.inputs) out.message(graph::input, written(v));
  for (const ValueInfoProto& v : g.outputs) out.message(graph::output, written(v));
  return out;
}

}  // namespace

std::string name_of(ElementType type) {
  constexpr std::array kNames = {"none",   "float32", "uint8",     "int8",       "uint16",  "int16",
                                 "int32",  "int64",   "text",      "boolean",    "float16", "float64",
                                 "uint32", "uint64",  "complex64", "complex128", "bfloat16"};
  const auto number = static_cast<std::int64_t>(type);
  if (number >= 0 && number < static_cast<std::int64_t>(kNames.size())) return kNames[static_cast<std::size_t>(number)];
  return "type " + std::to_string(number);
}

ModelProto parse_model(Bytes file) {
  ModelProto m;
  bool has_graph = false;
  WireReader in(file, "the ModelProto");
  while (in.next()) {
    switch (in.field()) {
      case model::ir_version: m.ir_version = in.integer(); break;
      case model::producer_name: m.producer_name = in.name(); break;
      case model::producer_version: m.producer_version = in.name(); break;
      case model::graph:
        if (std::exchange(has_graph, true)) in.fail("it has two graphs");
        m.graph = parse_graph(in.bytes());
        break;
      case model::opset_import: parse_opset(in.bytes(), m); break;
      case model::functions:
        throw FileError("it has functions of its own, which are not read; export it with its functions inlined");
      default: break;
    }
  }
  if (!has_graph) throw FileError("it has no graph: it is no ONNX model, or was cut off");
  return m;
}

std::vector<std::byte> serialize(const ModelProto& m) {
  Message out, opset;
  out.integer(model::ir_version, m.ir_version);
  out.text(model::producer_name, m.producer_name);
  out.text(model::producer_version, m.producer_version);
  out.message(model::graph, written(m.graph));
  opset.text(pair::first, "");
  opset.integer(pair::second, m.opset);
  out.message(model::opset_import, opset);
  for (const auto& [key, value] : m.metadata) {
    Message entry;
    entry.text(pair::first, key);
    entry.text(pair::second, value);
    out.message(model::metadata_props, entry);
  }
  return out.bytes();
}

}  // namespace rondo::onnx
