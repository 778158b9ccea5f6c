// Operators that take parts of a tensor, or join tensors: of sizes and constants what they say; of tensors the last
// step, one direction, the order of time, and Concatenate.
#include <algorithm>
#include <cstdint>

#include <rondo/layers.hpp>

#include "formats/onnx/operators.hpp"
#include "formats/onnx/tensors.hpp"

namespace rondo::onnx {

namespace {

// The tensor's place along one axis, which becomes one of size 1.
Traced place(const Node& node, const Traced& x, std::size_t axis, Index index) {
  Traced y = x;
  y.axes[axis] = kOne;
  const Index what = x.axes[axis];
  if (what == kOne && (index == 0 || index == -1)) return y;
  if (what == kDirections && x.symbols.size() == 2 && index >= -2 && index < 2) {
    y.symbols = {x.symbols[static_cast<std::size_t>(index < 0 ? index + 2 : index)]};
    return y;
  }
  if (what == 1 && index == -1 && x.last) {
    y.symbols = {*x.last};
    y.last.reset();
    for (Index& a : y.axes) a = a > 1 ? a - 1 : a;
    return y;
  }
  node.fail(
      "takes a part of a tensor that Rondo has no layer for; the last step of a recurrent layer's output, and one "
      "of its directions, are read");
}

struct Range {
  Index axis, begin, end, step;
};

std::vector<Range> ranges_of(const Node& node, std::size_t rank) {
  std::vector<Index> starts, ends, axes, steps;
  if (node.import().opset() < 10) {
    starts = node.if_list("starts").value_or(std::vector<Index>{});
    ends = node.if_list("ends").value_or(std::vector<Index>{});
    axes = node.if_list("axes").value_or(std::vector<Index>{});
  } else {
    starts = node.integers(1, "starts");
    ends = node.integers(2, "ends");
    if (node.has(3)) axes = node.integers(3, "axes");
    if (node.has(4)) steps = node.integers(4, "steps");
  }
  if (axes.empty()) {
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<Index>(i));
  }
  if (steps.empty()) steps.resize(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size()) {
    node.fail("has starts, ends, axes and steps of different numbers");
  }
  std::vector<Range> ranges;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    ranges.push_back({static_cast<Index>(node.axis(axes[i], rank)), starts[i], ends[i], steps[i]});
  }
  return ranges;
}

constexpr Index kFar = INT32_MAX;  // exporters write any number from here on for "to the end"

}  // namespace

void import_slice(const Node& node) {
  const Item& item = node.operand(0);
  if (const auto* filled = std::get_if<Filled>(&item)) return node.put(*filled);
  if (const auto values = node.if_integers(0)) {
    const auto rank = static_cast<Index>(values->size());
    const std::vector<Range> ranges = ranges_of(node, 1);
    if (ranges.size() != 1 || ranges[0].step != 1) node.fail("takes sizes other than one behind the other");
    const auto at = [&](Index i) { return std::clamp<Index>(i < 0 ? i + rank : i, 0, rank); };
    const Index begin = at(ranges[0].begin), end = std::max(begin, at(ranges[0].end));
    return node.put(Sizes{{values->begin() + begin, values->begin() + end}});
  }
  const Traced* x = node.if_traced(0);
  if (x == nullptr) node.fail("takes a part of numbers of the file");
  Traced y = *x;
  for (const Range& range : ranges_of(node, x->axes.size())) {
    const auto axis = static_cast<std::size_t>(range.axis);
    const bool to_end = range.end >= kFar;
    if (range.begin == 0 && to_end && range.step == 1) continue;
    if (range.step == -1 && range.begin == -1 && range.end <= -kFar && y.axes[axis] == 1) {
      y.backwards = !y.backwards;
      y.last.reset();
    } else if (range.step == 1 && (to_end ? range.begin == -1 : range.begin < kFar && range.end == range.begin + 1)) {
      y = place(node, y, axis, range.begin);
    } else {
      node.fail(
          "takes a part of a tensor that Rondo has no layer for; the last step, one direction, and the opposite "
          "order of time are read");
    }
  }
  node.put(y);
}

void import_gather(const Node& node) {
  const Index axis_given = node.integer("axis", 0);
  const std::vector<Index> indices = node.integers(1, "indices");
  if (const auto values = node.if_integers(0)) {
    std::vector<Index> taken;
    for (const Index i : indices) taken.push_back((*values)[node.axis(i, values->size())]);
    const TensorProto* constant = node.if_constant(1);
    const bool is_scalar = constant != nullptr && constant->dims.empty();
    return node.put(Sizes{taken, is_scalar});
  }
  const Traced* x = node.if_traced(0);
  if (x == nullptr || indices.size() != 1) node.fail("takes several places of a tensor");
  const std::size_t axis = node.axis(axis_given, x->axes.size());
  Traced y = place(node, *x, axis, indices[0]);
  const TensorProto* constant = node.if_constant(1);
  if (constant == nullptr || constant->dims.empty()) y.axes.erase(y.axes.begin() + static_cast<std::ptrdiff_t>(axis));
  node.put(y);
}

void import_split(const Node& node) {
  const Traced* x = node.if_traced(0);
  if (x == nullptr) node.fail("takes numbers of the file apart");
  const std::size_t axis = node.axis(node.integer("axis", 0), x->axes.size());
  (void)node.integer("num_outputs", 2);
  (void)node.if_list("split");
  if (x->axes[axis] != kDirections || node.proto().outputs.size() != 2) {
    node.fail("takes a tensor apart; of a recurrent operator's two directions that is read");
  }
  for (Index d = 0; d < 2; ++d) node.put(place(node, *x, axis, d), static_cast<std::size_t>(d));
}

namespace {

// Each (1, batch, units) of a direction becomes one of both.
void put_directions(const Node& node, const Traced& a, const Traced& b, std::size_t axis) {
  if (node.operands() != 2 || a.axes != b.axes || a.symbols[0].shape() != b.symbols[0].shape()) {
    node.fail("joins tensors of different axes along one that Rondo's tensors do not have");
  }
  Traced y{{a.symbols[0], b.symbols[0]}, a.axes};
  y.axes[axis] = kDirections;
  node.put(y);
}

}  // namespace

void import_concat(const Node& node) {
  const Index given = node.integer("axis", 0);
  if (node.if_traced(0) == nullptr) {
    Sizes all;
    for (std::size_t i = 0; i < node.operands(); ++i) {
      const std::vector<Index> part = node.integers(i, "part");
      all.values.insert(all.values.end(), part.begin(), part.end());
    }
    return node.put(all);
  }
  const Traced& first = node.traced(0);
  const std::size_t axis = node.axis(given, first.axes.size());
  if (first.axes[axis] == kOne && node.operands() == 2) return put_directions(node, first, node.traced(1), axis);
  std::vector<Symbol> parts;
  for (std::size_t i = 0; i < node.operands(); ++i) {
    const Traced& part = node.traced(i);
    if (part.axes != first.axes || part.has(kDirections))
      node.fail("joins tensors whose axes stand in different orders");
    parts.push_back(part.symbols[0]);
  }
  if (first.axes[axis] < 1) node.fail("joins tensors along the batch, or an axis that Rondo's tensors do not have");
  if (parts.size() == 1) return node.put(first);
  const Concatenate layer(
      {.axis = first.axes[axis], .dtype = node.import().dtype(), .name = node.layer_name("concatenate")});
  node.put_like(first, layer(parts));
}

// One step n times, as RepeatVector does it. Of constants: the same number in another shape.
void import_expand(const Node& node) {
  if (const auto* filled = std::get_if<Filled>(&node.operand(0))) return node.put(*filled);
  if (const TensorProto* constant = node.if_constant(0)) {
    const std::vector<double> numbers = numbers_of(*constant);
    if (numbers.size() != 1) node.fail("stretches numbers of the file");
    return node.put(Filled{numbers[0]});
  }
  const Traced& x = node.traced(0);
  const std::vector<Index> shape = node.integers(1, "shape");
  const bool is_step = x.axes == std::vector<Index>{0, kOne, 1};
  if (!is_step || shape.size() != 3 || shape[1] < 1 || shape[2] != 1) {
    node.fail("stretches a tensor; (batch, 1, features) to (batch, n, features) is read");
  }
  const RepeatVector layer(shape[1], {.dtype = node.import().dtype(), .name = node.layer_name("repeat_vector")});
  node.put(Traced{{layer(x.symbols[0])}, {0, 1, 2}});
}

}  // namespace rondo::onnx
