// Reshape: where it drops or adds axes of size 1, or joins both directions, the axes change; else it is Keras's
// Reshape.
#include <algorithm>

#include <rondo/layers.hpp>

#include "core/sizes.hpp"
#include "formats/onnx/operators.hpp"
#include "formats/onnx/tensors.hpp"

namespace rondo::onnx {

namespace {

// The sizes of a tensor's axes, as Shape says them.
Index size_of(const Traced& x, std::size_t i) {
  const Index axis = x.axes[i];
  if (axis == kOne) return 1;
  if (axis == kDirections) return 2;
  const Index size = x.symbols.empty() ? Shape::kUnknown : x.symbols[0].shape()[axis];
  return size == Shape::kUnknown ? kSizeOfAxis - axis : size;
}

// Whether both directions and the features behind them become one axis.
bool joins(const Traced& x, std::size_t i) {
  return x.axes[i] == kDirections && i + 2 == x.axes.size() && i + 1 < x.axes.size() && x.axes[i + 1] > 0;
}

// Goes along both lists of axes, which differ by axes of size 1 and by joined directions. None: they differ by more.
std::optional<std::vector<Index>> walked(const Traced& x, const std::vector<Index>& target, Index batch_size) {
  std::vector<Index> axes;
  std::size_t from = 0;
  for (std::size_t to = 0; to < target.size(); ++to) {
    const std::size_t left = target.size() - to;
    while (from < x.axes.size() && x.axes[from] == kOne && x.axes.size() - from > left) ++from;
    if (from == x.axes.size()) {
      if (target[to] != 1) return std::nullopt;
      axes.push_back(kOne);
      continue;
    }
    const Index size = size_of(x, from), wanted = target[to];
    if (joins(x, from) && left == 1) {
      const Index units = size_of(x, from + 1), both = x.symbols.size() == 1 ? units : 2 * units;
      if (wanted != -1 && wanted != both) return std::nullopt;
      axes.push_back(x.axes[from + 1]);
      from += 2;
      continue;
    }
    const bool kept = wanted == size || (wanted == 0 && from == to) || (wanted == -1 && x.axes.size() - from == left);
    // A file of one batch size has it in its shapes.
    const bool batch = x.axes[from] == 0 && wanted == batch_size && x.axes.size() - from >= left;
    if (kept || batch) {
      axes.push_back(x.axes[from++]);
    } else if (wanted == 1) {
      axes.push_back(kOne);
    } else {
      return std::nullopt;
    }
  }
  while (from < x.axes.size() && x.axes[from] == kOne) ++from;
  if (from != x.axes.size()) return std::nullopt;
  return axes;
}

Traced joined(const Node& node, const Traced& x, std::vector<Index> axes) {
  if (!x.has(kDirections) || x.symbols.size() == 1) return {x.symbols, std::move(axes), x.backwards, x.last};
  const Layer layer = Concatenate({.dtype = node.import().dtype(), .name = node.layer_name("concatenate")});
  return {{layer(x.symbols)}, std::move(axes)};
}

// Whether a sample has as many numbers as these sizes say, so that the batch stays as it is.
bool is_sample(const Shape& shape, const std::vector<Index>& sizes) {
  if (!shape.fully_known() || std::find(sizes.begin(), sizes.end(), -1) != sizes.end()) return false;
  const Size count = Size::product(sizes);
  return count.known() && count.count("numbers") == shape.elements();
}

}  // namespace

void import_reshape(const Node& node) {
  const bool keeps_zeros = node.integer("allowzero", 0) != 0;
  std::vector<Index> target = node.integers(1, "shape");
  if (node.if_traced(0) == nullptr) {
    if (std::holds_alternative<Sizes>(node.operand(0))) return node.put(node.operand(0));
    node.fail("takes numbers of the file, or what is not read");
  }
  if (target.empty() || target.size() > static_cast<std::size_t>(Shape::kMaxRank) ||
      (keeps_zeros && std::find(target.begin(), target.end(), 0) != target.end())) {
    node.fail("has a shape that is not read");
  }
  const Traced x = node.import().arranged(*node.if_traced(0));
  if (const auto axes = walked(x, target, node.import().batch_size())) {
    const std::size_t batch = static_cast<std::size_t>(std::count(axes->begin(), axes->end(), 0));
    if (batch == 1 && !(x.has(kDirections) && std::count(axes->begin(), axes->end(), kDirections) == 1)) {
      return node.put(joined(node, x, *axes));
    }
  }
  (void)node.traced(0);  // says why not, where it is none
  const Traced& plain = x;
  const Index first = target.front();
  if (!plain.is_plain() || target.size() < 2) node.fail("takes a tensor whose axes are not (batch, time, ...)");
  if (first != 0 && first != kSizeOfAxis && first != -1 && first != node.import().batch_size()) {
    node.fail("does not keep the batch in front; a Reshape of each sample is read");
  }
  std::vector<Index> sample;
  for (std::size_t i = 1; i < target.size(); ++i) {
    Index size = target[i];
    if (size == 0 && i < plain.axes.size()) size = size_of(plain, i);
    sample.push_back(size < 0 ? -1 : size);
  }
  if (first == -1 && !is_sample(plain.symbols[0].shape().from(1), sample)) {
    node.fail("makes rows of the batch of other axes, as a TimeDistributed would; a Reshape of each sample is read");
  }
  const Layer layer = Reshape(Shape(sample), {.dtype = node.import().dtype(), .name = node.layer_name("reshape")});
  Traced y{{layer(plain.symbols[0])}, {}};
  for (std::size_t i = 0; i < target.size(); ++i) y.axes.push_back(static_cast<Index>(i));
  node.put(y);
}

}  // namespace rondo::onnx
