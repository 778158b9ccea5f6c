// Operators that turn, drop and add axes, which change what a tensor's axes are and make no layer.
#include <algorithm>

#include <rondo/layers.hpp>

#include "formats/onnx/operators.hpp"
#include "formats/onnx/tensors.hpp"

namespace rondo::onnx {

namespace {

// Axes that are given as an attribute or, in newer files, as an operand; none.
std::optional<std::vector<Index>> axes_of(const Node& node) {
  std::optional<std::vector<Index>> axes = node.if_list("axes");
  if (!axes && node.has(1)) axes = node.integers(1, "axes");
  return axes;
}

// Numbers of the file with their axes in another order.
const TensorProto* turned(const Node& node, const TensorProto& tensor, const std::vector<Index>& perm) {
  if (tensor.dims.size() != 2 || perm != std::vector<Index>{1, 0} || checked_count(tensor) == 0) {
    node.fail("turns numbers of the file that are no matrix");
  }
  TensorProto out;
  out.name = tensor.name + " turned";
  out.type = ElementType::float64;
  out.dims = {tensor.dims[1], tensor.dims[0]};
  const std::vector<double> values = numbers_of(tensor);
  for (Index column = 0; column < tensor.dims[1]; ++column) {
    for (Index row = 0; row < tensor.dims[0]; ++row) {
      out.doubles.push_back(values[static_cast<std::size_t>(row * tensor.dims[1] + column)]);
    }
  }
  return node.import().keep(std::move(out));
}

}  // namespace

void import_identity(const Node& node) {
  const Index to = node.integer("to", 0);
  const Item& item = node.operand(0);
  if (const auto* x = std::get_if<Traced>(&item); x != nullptr && node.op() == "Cast") {
    const bool stays =
        to == static_cast<Index>(node.import().dtype() == DType::float32 ? ElementType::float32 : ElementType::float64);
    if (!stays) node.fail("changes the type of a tensor to " + name_of(static_cast<ElementType>(to)));
  }
  (void)node.integer("saturate", 1);
  node.put(item);
}

void import_transpose(const Node& node) {
  const Item& item = node.operand(0);
  const TensorProto* constant = node.if_constant(0);
  const Traced* x = std::get_if<Traced>(&item);
  const std::size_t rank = x != nullptr ? x->axes.size() : constant != nullptr ? constant->dims.size() : 0;
  std::optional<std::vector<Index>> perm = node.if_list("perm");
  if (!perm) {
    perm.emplace();
    for (std::size_t i = rank; i-- > 0;) perm->push_back(static_cast<Index>(i));
  }
  std::vector<Index> sorted = *perm;
  std::sort(sorted.begin(), sorted.end());
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    if (sorted[i] != static_cast<Index>(i)) node.fail("has a perm that does not have each axis once");
  }
  if (rank == 0 || sorted.size() != rank) node.fail("has a perm for another number of axes");
  if (constant != nullptr) return node.put(turned(node, *constant, *perm));
  Traced y = *x;
  for (std::size_t i = 0; i < rank; ++i) y.axes[i] = x->axes[static_cast<std::size_t>((*perm)[i])];
  node.put(y);
}

namespace {

// Whether it is of size 1, as one of Rondo's.
bool is_unit(const Traced& x, std::size_t position) {
  const Index axis = x.axes[position];
  return axis > 0 && !x.symbols.empty() && x.symbols[0].shape()[axis] == 1;
}

// Without an axis of size 1 that is one of Rondo's as well. The features of (batch, 1) stay, as what the graph's tensor
// has no axis for: outputs have them again.
Traced without_unit(const Node& node, const Traced& x, std::size_t position) {
  const Shape shape = x.symbols.empty() ? Shape{} : x.symbols[0].shape();
  if (x.symbols.size() == 1 && shape.rank() == 2 && is_unit(x, position)) {
    Traced y = x;
    y.axes.erase(y.axes.begin() + static_cast<std::ptrdiff_t>(position));
    return y;
  }
  if (!x.is_plain() || position == 0 || shape[static_cast<Index>(position)] != 1 || shape.rank() < 3) {
    node.fail("drops an axis whose size is not 1, or the batch's");
  }
  std::vector<Index> sample;
  for (std::size_t i = 1; i < x.axes.size(); ++i) {
    if (i != position) sample.push_back(shape[static_cast<Index>(i)]);
  }
  const Layer layer = Reshape(Shape(sample), {.dtype = node.import().dtype(), .name = node.layer_name("reshape")});
  Traced y{{layer(x.symbols[0])}, {}};
  for (std::size_t i = 0; i + 1 < x.axes.size(); ++i) y.axes.push_back(static_cast<Index>(i));
  return y;
}

}  // namespace

void import_squeeze(const Node& node) {
  std::optional<std::vector<Index>> axes = axes_of(node);
  if (const auto* sizes = std::get_if<Sizes>(&node.operand(0))) return node.put(Sizes{sizes->values, true});
  if (node.if_traced(0) == nullptr) return node.put(node.operand(0));  // a number, whatever its axes
  Traced y = *node.if_traced(0);
  if (!axes) {
    axes.emplace();
    for (std::size_t i = 0; i < y.axes.size(); ++i) {
      if (y.axes[i] == kOne || is_unit(y, i)) axes->push_back(static_cast<Index>(i));
    }
  }
  for (Index& axis : *axes) axis = static_cast<Index>(node.axis(axis, y.axes.size()));
  std::sort(axes->rbegin(), axes->rend());
  for (const Index axis : *axes) {
    const auto position = static_cast<std::size_t>(axis);
    if (position >= y.axes.size()) node.fail("drops an axis twice");
    if (y.axes[position] == kOne) {
      y.axes.erase(y.axes.begin() + axis);
    } else {
      y = without_unit(node, y, position);
    }
  }
  node.put(y);
}

void import_unsqueeze(const Node& node) {
  std::vector<Index> axes = axes_of(node).value_or(std::vector<Index>{});
  if (const auto* sizes = std::get_if<Sizes>(&node.operand(0))) return node.put(Sizes{sizes->values, false});
  if (const auto* filled = std::get_if<Filled>(&node.operand(0))) return node.put(*filled);
  if (const TensorProto* constant = node.if_constant(0)) {
    TensorProto out = *constant;
    if (!constant->dims.empty() || axes.size() != 1) node.fail("adds an axis to numbers of the file that have some");
    out.dims = {1};
    return node.put(node.import().keep(std::move(out)));
  }
  Traced y = *node.if_traced(0);
  const std::size_t rank = y.axes.size() + axes.size();
  if (rank > static_cast<std::size_t>(Shape::kMaxRank)) node.fail("makes a tensor of too many axes");
  for (Index& axis : axes) axis = static_cast<Index>(node.axis(axis, rank));
  std::sort(axes.begin(), axes.end());
  for (const Index axis : axes) {
    if (axis > static_cast<Index>(y.axes.size())) node.fail("adds an axis twice");
    y.axes.insert(y.axes.begin() + axis, kOne);
  }
  node.put(y);
}

void import_flatten(const Node& node) {
  const Traced x = node.import().arranged(node.traced(0));
  if (node.axis(node.integer("axis", 1), x.axes.size() + 1) != 1) node.fail("has an axis other than 1");
  if (x.axes.size() == 2) return node.put(x);
  if (!x.is_plain()) node.fail("takes a tensor whose axes are not (batch, time, ...)");
  const Symbol y = Flatten({.dtype = node.import().dtype(), .name = node.layer_name("flatten")})(x.symbols[0]);
  node.put(Traced{{y}, {0, 1}});
}

void import_dropout(const Node& node) {
  const Traced& x = node.traced(0);
  double rate = node.number("ratio", 0.5);
  if (const TensorProto* given = node.if_constant(1)) {
    if (checked_count(*given) != 1) node.fail("has a ratio that is no single number");
    rate = numbers_of(*given).front();
  }
  const auto is_off = [](Index mode) { return mode == 0; };
  if (node.has(2) && !std::ranges::all_of(node.integers(2, "training_mode"), is_off)) node.fail("is in training mode");
  (void)node.integer("seed", 0);
  const Dropout layer(rate, {.dtype = node.import().dtype(), .name = node.layer_name("dropout")});
  node.put_like(x, layer(x.symbols[0]));
}

}  // namespace rondo::onnx
