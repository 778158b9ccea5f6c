#include "training/function_rows.hpp"

#include <algorithm>
#include <vector>

#include "core/thread_buffers.hpp"

namespace rondo::training {

namespace {

// A row's numbers as doubles.
struct RowBuffers {
  std::vector<double> truth, prediction, gradient;
};

// Rows of a plan's numbers as rows of doubles.
template <class T>
void for_rows(const kernels::LossArgs<T>& a, Index labels, const LossFunction& function) {
  core::ThreadBuffers<RowBuffers> buffers;
  auto& [truth, prediction, gradient] = *buffers;
  gradient.resize(a.gradient != nullptr ? static_cast<std::size_t>(a.features) : 0);
  for (Index r = 0; r < a.rows; ++r) {
    const T* t = a.truth + r * a.truth_stride;
    const T* p = a.prediction + r * a.prediction_stride;
    truth.assign(t, t + labels);
    prediction.assign(p, p + a.features);
    std::fill(gradient.begin(), gradient.end(), 0.0);  // what the function leaves alone is none
    a.value[r] = static_cast<T>(function(truth, prediction, gradient));
    const double weight = a.row_weights == nullptr ? 1 : static_cast<double>(a.row_weights[r]);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      T& out = a.gradient[r * a.gradient_stride + static_cast<Index>(i)];
      out = weight == 0 ? T{0} : static_cast<T>(gradient[i] * static_cast<double>(a.scale) * weight);
    }
  }
}

}  // namespace

void FunctionRows::rows(const kernels::Ops<float>&, kernels::LossArgs<float> args) const {
  for_rows(args, labels_in_row(args.features), function_);
}
void FunctionRows::rows(const kernels::Ops<double>&, kernels::LossArgs<double> args) const {
  for_rows(args, labels_in_row(args.features), function_);
}

}  // namespace rondo::training
