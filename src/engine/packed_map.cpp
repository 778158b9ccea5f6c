#include "engine/packed_map.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>

namespace rondo::engine {

PackedMap::PackedMap(const Shape& shape, const Place& place)
    : rows_(1), columns_(shape.rank() == 0 ? 1 : shape.back()) {
  rows_ = shape.elements() / columns_;
  for (Index column = 0; column < columns_; ++column) {
    const Index first = place(0, column), stride = rows_ > 1 ? place(1, column) - first : 0;
    if (place(rows_ - 1, column) != first + (rows_ - 1) * stride) {
      throw std::logic_error("the rows of a packed parameter are not equally far apart");
    }
    const bool goes_on = !runs_.empty() && runs_.back().first + runs_.back().count == first &&
                         (runs_.back().row_stride == stride || rows_ == 1);
    if (goes_on) {
      ++runs_.back().count;
    } else {
      runs_.push_back({.column = column, .count = 1, .first = first, .row_stride = stride});
    }
  }
}

PackedMap PackedMap::contiguous(const Shape& shape, Index first) {
  const Index columns = shape.rank() == 0 ? 1 : shape.back();
  return {shape, [=](Index row, Index column) { return first + row * columns + column; }};
}

PackedMap::Column PackedMap::column(Index column) const {
  const auto behind =
      std::upper_bound(runs_.begin(), runs_.end(), column, [](Index c, const Run& run) { return c < run.column; });
  const Run& run = *std::prev(behind);
  return {run.first + column - run.column, run.row_stride};
}

Index PackedMap::operator()(Index element) const {
  const Column at = column(element % columns_);
  return at.first + element / columns_ * at.stride;
}

}  // namespace rondo::engine
