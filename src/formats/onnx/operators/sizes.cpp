// What is known without an input: constants, and sizes of axes, as exporters compute shapes from them.
#include <algorithm>
#include <optional>

#include "formats/onnx/operators.hpp"
#include "formats/onnx/tensors.hpp"

namespace rondo::onnx {

void import_constant(const Node& node) {
  using Type = AttributeProto::Type;
  TensorProto tensor;
  if (const AttributeProto* a = node.attribute("value", Type::tensor)) {
    if (!a->t) node.fail("has no value");
    return node.put(&*a->t);
  }
  const AttributeProto* one = node.attribute("value_int", Type::integer);
  const AttributeProto* many = node.attribute("value_ints", Type::integers);
  if (one != nullptr || many != nullptr) {
    tensor.type = ElementType::int64;
    tensor.integers = one != nullptr ? std::vector<Index>{one->i} : many->ints;
    if (many != nullptr) tensor.dims = {static_cast<Index>(many->ints.size())};
    return node.put(node.import().keep(std::move(tensor)));
  }
  const AttributeProto* number = node.attribute("value_float", Type::number);
  const AttributeProto* numbers = node.attribute("value_floats", Type::numbers);
  if (number == nullptr && numbers == nullptr) node.fail("has no value that is read");
  tensor.type = ElementType::float32;
  tensor.floats = number != nullptr ? std::vector<float>{number->f} : numbers->floats;
  if (numbers != nullptr) tensor.dims = {static_cast<Index>(numbers->floats.size())};
  node.put(node.import().keep(std::move(tensor)));
}

void import_constant_of_shape(const Node& node) {
  (void)node.integers(0, "shape");
  double value = 0;
  if (const AttributeProto* a = node.attribute("value", AttributeProto::Type::tensor)) {
    const bool is_number = a->t && !has_integers(*a->t);
    const std::vector<double> numbers = is_number ? numbers_of(*a->t) : std::vector<double>{};
    if (numbers.size() != 1) node.fail("has a value that is no single number");
    value = numbers[0];
  }
  node.put(Filled{value});
}

void import_shape(const Node& node) {
  const Traced* x = node.if_traced(0);
  if (x == nullptr || x->symbols.empty()) node.fail("asks for the shape of what is no tensor that is read");
  const Shape shape = x->symbols[0].shape();
  Sizes sizes;
  for (const Index axis : x->axes) {
    if (axis == kOne || axis == kDirections) {
      sizes.values.push_back(axis == kOne ? 1 : 2);
    } else {
      sizes.values.push_back(shape[axis] == Shape::kUnknown ? kSizeOfAxis - axis : shape[axis]);
    }
  }
  const auto rank = static_cast<Index>(sizes.values.size());
  const auto place = [&](Index given) { return std::clamp<Index>(given < 0 ? given + rank : given, 0, rank); };
  const Index begin = place(node.integer("start", 0)), end = place(node.integer("end", rank));
  sizes.values = {sizes.values.begin() + begin, sizes.values.begin() + std::max(begin, end)};
  node.put(sizes);
}

}  // namespace rondo::onnx
