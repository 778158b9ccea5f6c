// The rows of a batch, one after the other.
#pragma once

#include <algorithm>
#include <variant>
#include <vector>

#include <rondo/extend.hpp>

#include "core/thread_buffers.hpp"
#include "training/metrics/batch.hpp"

namespace rondo::training {

// A row as doubles.
struct MetricRow {
  Row truth, prediction;
  double weight;
  Row element_weights = {};  // none, or as many as predictions
  double weight_of(std::size_t element) const {
    return element_weights.empty() ? weight : weight * element_weights[element];
  }
};

namespace batch {

struct RowBuffers {
  std::vector<double> truth, prediction, weights;
};

inline Row as_doubles(const double* from, Index n, std::vector<double>&) { return {from, static_cast<std::size_t>(n)}; }
inline Row as_doubles(const float* from, Index n, std::vector<double>& buffer) {
  buffer.assign(from, from + n);
  return buffer;
}

}  // namespace batch

// f(row) of each row that is there, in order.
template <class F>
void for_rows(const MetricBatch& any, const F& f) {
  core::ThreadBuffers<batch::RowBuffers> buffers;
  const auto walk = [&](const auto& b) {
    for (Index t = 0; t < b.steps; ++t) {
      for (Index r = 0; r < b.rows; ++r) {
        const double weight = b.weights == nullptr ? 1 : static_cast<double>(b.weights[t * b.stride + r]);
        if (weight == 0) continue;
        f(MetricRow{
            batch::as_doubles(b.truth.at(r, t), b.labels, buffers->truth),
            batch::as_doubles(b.prediction.at(r, t), b.features, buffers->prediction), weight,
            b.element_weights ? batch::as_doubles(b.element_weights.at(r, t), b.features, buffers->weights) : Row()});
      }
    }
  };
  std::visit(walk, any);
}

// Whether holds(label) of every label, also of rows that are not there.
template <class Predicate>
bool all_labels(const MetricBatch& any, const Predicate& holds) {
  const auto look = [&](const auto& b) {
    for (Index t = 0; t < b.steps; ++t) {
      for (Index r = 0; r < b.rows; ++r) {
        const auto* labels = b.truth.at(r, t);
        if (!std::all_of(labels, labels + b.labels, holds)) return false;
      }
    }
    return true;
  };
  return std::visit(look, any);
}

}  // namespace rondo::training
