// Where the elements of a parameter stand in its packed block.
#pragma once

#include <functional>
#include <vector>

#include <rondo/shape.hpp>

#include "core/range.hpp"

namespace rondo::engine {

// A parameter as a matrix: the last axis are the columns, all others together the rows. A row stands in a few runs of
// contiguous elements; from row to row each run moves on by the same number of elements. So a map is small, and walking
// a parameter in its logical order is as fast as copying.
class PackedMap {
 public:
  struct Run {
    Index column, count;      // of the row
    Index first, row_stride;  // element of the block where it begins in row 0, and from there to the next row
  };
  using Place = std::function<Index(Index row, Index column)>;

  // From the place of each element; std::logic_error where the first rows and the last are not equally far apart.
  PackedMap(const Shape& shape, const Place& place);
  // Element after element, from `first` on.
  static PackedMap contiguous(const Shape& shape, Index first = 0);

  Index rows() const { return rows_; }
  Index columns() const { return columns_; }
  const std::vector<Run>& runs() const { return runs_; }

  // The place of a logical row-major element.
  Index operator()(Index element) const;
  // Where the elements of a column stand: the first one, and so far apart from row to row.
  struct Column {
    Index first, stride;
  };
  Column column(Index column) const;

  // f(element, place, count) for the runs of some rows in logical order: so many elements from a logical row-major one
  // on stand from a place on.
  template <class F>
  void for_runs(Range rows, F&& f) const {
    for (Index row = rows.begin; row < rows.end; ++row) {
      for (const Run& run : runs_) f(row * columns_ + run.column, run.first + row * run.row_stride, run.count);
    }
  }
  template <class F>
  void for_runs(F&& f) const {
    for_runs({0, rows_}, f);
  }

 private:
  Index rows_, columns_;
  std::vector<Run> runs_;
};

}  // namespace rondo::engine
