// The state that a stateful layer carries from batch to batch: tensors (rows, units), h and, of an LSTM, c.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include <rondo/error.hpp>
#include <rondo/tensor.hpp>

#include "core/aligned.hpp"
#include "core/element_size.hpp"
#include "core/range.hpp"
#include "kernels/rows.hpp"

namespace rondo::layers {

class RecurrentState {
 public:
  RecurrentState(std::string where, Index tensors, Index units, DType dtype)
      : where_(std::move(where)), tensors_(tensors), units_(units), element_(element_size(dtype)) {}

  // The first batch fixes the number of rows; ShapeError if a later one has another, until reset().
  void require_rows(Index rows) {
    if (rows_ == rows) return;
    if (rows_ != 0) {
      throw ShapeError(where_ + " is stateful and carries the state of " + std::to_string(rows_) +
                       " rows; a batch of " + std::to_string(rows) +
                       " rows cannot go on from it. Call reset_states() first, or use a batch_size that divides the "
                       "number of samples");
    }
    memory_ = AlignedBytes(static_cast<std::size_t>(tensors_ * rows * units_) * element_, "the state of " + where_);
    rows_ = rows;
  }

  void reset() {
    rows_ = 0;
    memory_ = AlignedBytes();
  }

  // Copies rows between the state (which: 0 is h, 1 is c) and a plan's buffer.
  template <class T>
  void load(Index which, kernels::Rows<T> to, Range rows) const {
    for (Index b = rows.begin; b < rows.end; ++b) std::copy_n(row<T>(which, b), units_, to.at(b, 0));
  }
  template <class T>
  void store(Index which, kernels::Rows<T> from, Range rows) const {
    for (Index b = rows.begin; b < rows.end; ++b) std::copy_n(from.at(b, 0), units_, row<T>(which, b));
  }

 private:
  template <class T>
  T* row(Index which, Index b) const {
    return reinterpret_cast<T*>(memory_.data()) + (which * rows_ + b) * units_;
  }

  std::string where_;
  Index tensors_, units_;
  std::size_t element_;
  Index rows_ = 0;
  AlignedBytes memory_;
};

}  // namespace rondo::layers
