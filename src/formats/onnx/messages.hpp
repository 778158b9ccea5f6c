// The messages of ONNX (onnx.proto), with the fields that say what a model computes.
//
// A file that is read is not trusted. What would change the meaning and is not here (numbers in other files, quantized
// or sparse tensors, functions of the model's own) is a FileError that names it; texts for people are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <rondo/shape.hpp>

#include "formats/onnx/wire.hpp"

namespace rondo::onnx {

// TensorProto::DataType.
enum class ElementType : std::int64_t { none = 0, float32 = 1, int32 = 6, int64 = 7, boolean = 9, float64 = 11 };

// "float16" for 10; "type 99" for what is none.
std::string name_of(ElementType type);

struct TensorProto {
  std::string name;
  std::vector<Index> dims;
  ElementType type = ElementType::none;
  // The numbers stand in one of these. Raw ones are little-endian, in memory of the file's or of whoever writes it.
  Bytes raw;
  std::vector<float> floats;
  std::vector<std::int64_t> integers;  // int32_data and int64_data
  std::vector<double> doubles;
};

struct AttributeProto {
  enum class Type : std::int64_t {
    none = 0,
    number = 1,
    integer = 2,
    text = 3,
    tensor = 4,
    numbers = 6,
    integers = 7,
    texts = 8
  };

  std::string name;
  Type type = Type::none;  // others are read as what they are, without their value
  float f = 0;
  std::int64_t i = 0;
  std::string s;
  std::optional<TensorProto> t;
  std::vector<float> floats;
  std::vector<std::int64_t> ints;
  std::vector<std::string> strings;
};

struct NodeProto {
  std::string name, op_type, domain;
  std::vector<std::string> inputs, outputs;  // "": left out
  std::vector<AttributeProto> attributes;
};

// An axis: of a known size, of one with a name, or of any.
struct Dimension {
  std::int64_t size = -1;
  std::string name = {};
};

struct ValueInfoProto {
  std::string name;
  ElementType type = ElementType::none;  // none: no tensor, or not told
  std::optional<std::vector<Dimension>> shape = {};
};

struct GraphProto {
  std::string name;
  std::vector<NodeProto> nodes;
  std::vector<TensorProto> initializers;
  std::vector<ValueInfoProto> inputs, outputs;
};

struct ModelProto {
  std::int64_t ir_version = 0;
  std::int64_t opset = 0;  // of ONNX's own operators; 0: not told
  std::string producer_name, producer_version;
  GraphProto graph;
  std::vector<std::pair<std::string, std::string>> metadata;
};

// FileError for what is no model.
ModelProto parse_model(Bytes file);

std::vector<std::byte> serialize(const ModelProto& model);

}  // namespace rondo::onnx
