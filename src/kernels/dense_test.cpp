// Dense's kernels on every target: each sum is the chain of fused multiply-adds that table.hpp promises, to the bit,
// whatever tiles and vectors it is cut into.
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include <rondo/random.hpp>

#include "kernels/table.hpp"

namespace rondo::kernels {
namespace {

constexpr Index kSteps = 2, kBatch = 7;

// (batch, steps, features) with rows padded for whole vectors.
template <class T>
struct Numbers {
  explicit Numbers(Index features)
      : stride(round_up(features, kRowPadding)), elements(static_cast<std::size_t>(kBatch * kSteps * stride)) {}
  Rows<T> rows() { return {elements.data(), stride, kBatch * stride}; }
  T& at(Index b, Index t, Index f) { return rows().at(b, t)[f]; }

  Index stride;
  std::vector<T> elements;
};

template <class T>
class DenseProblem {
 public:
  DenseProblem(const KernelTable& table, Index inputs, Index units, bool use_bias)
      : ops_(table.ops<T>()),
        layout_{.inputs = inputs, .units = units, .use_bias = use_bias, .lanes = ops_.lanes},
        weights_(static_cast<std::size_t>(layout_.size() + kRowPadding)),
        x_(inputs),
        dy_(units) {
    for (Index row = 0; row < layout_.rows(); ++row) {
      for (Index u = 0; u < units; ++u) weight(row, u) = draw();
    }
    fill(x_, inputs);
    fill(dy_, units);
  }

  void check_forward() {
    Numbers<T> y(layout_.units);
    ops_.dense_forward({.layout = layout_, .steps = kSteps, .weights = weights_.data(), .x = x_.rows(), .y = y.rows()},
                       {0, kBatch});
    for_each([&](Index b, Index t) {
      for (Index u = 0; u < layout_.units; ++u) {
        T sum = layout_.use_bias ? weight(0, u) : T{0};
        for (Index i = 0; i < layout_.inputs; ++i) sum = std::fma(x_.at(b, t, i), kernel(i, u), sum);
        ASSERT_EQ(y.at(b, t, u), sum) << "y of row " << b << ", step " << t << ", unit " << u;
      }
    });
  }

  void check_backward() {
    std::vector<T> transposed(static_cast<std::size_t>(dense_transposed_size(layout_) + kRowPadding));
    ops_.dense_transpose(layout_, weights_.data(), transposed.data());
    Numbers<T> dx(layout_.inputs);
    ops_.dense_backward(
        {.layout = layout_, .steps = kSteps, .transposed = transposed.data(), .dy = dy_.rows(), .dx = dx.rows()},
        {0, kBatch});
    for_each([&](Index b, Index t) {
      for (Index i = 0; i < layout_.inputs; ++i) {
        T sum = 0;
        for (Index u = 0; u < layout_.units; ++u) sum = std::fma(dy_.at(b, t, u), kernel(i, u), sum);
        ASSERT_EQ(dx.at(b, t, i), sum) << "dx of row " << b << ", step " << t << ", input " << i;
      }
    });
  }

  // From the last step to the first, in each the batch rows in order.
  void check_gradients(bool add) {
    std::vector<T> gradient(weights_.size(), T{3});
    ops_.dense_gradients({.layout = layout_,
                          .steps = kSteps,
                          .batch = kBatch,
                          .add = add,
                          .x = x_.rows(),
                          .dy = dy_.rows(),
                          .gradient = gradient.data()},
                         {0, ops_.dense_gradient_tiles(layout_)});
    for (Index row = 0; row < layout_.rows(); ++row) {
      for (Index u = 0; u < layout_.units; ++u) {
        T sum = add ? T{3} : T{0};
        for (Index t = kSteps - 1; t >= 0; --t) {
          for (Index b = 0; b < kBatch; ++b) {
            const T x = row < layout_.first_input() ? T{1} : x_.at(b, t, row - layout_.first_input());
            sum = std::fma(x, dy_.at(b, t, u), sum);
          }
        }
        ASSERT_EQ(gradient[static_cast<std::size_t>(layout_.index(row, u))], sum) << "row " << row << ", unit " << u;
      }
    }
  }

 private:
  T draw() { return static_cast<T>(random_.normal(drawn_++)); }
  void fill(Numbers<T>& numbers, Index features) {
    for_each([&](Index b, Index t) {
      for (Index f = 0; f < features; ++f) numbers.at(b, t, f) = draw();
    });
  }
  template <class F>
  static void for_each(F f) {
    for (Index t = 0; t < kSteps; ++t) {
      for (Index b = 0; b < kBatch; ++b) f(b, t);
    }
  }
  T& weight(Index row, Index unit) { return weights_[static_cast<std::size_t>(layout_.index(row, unit))]; }
  T& kernel(Index input, Index unit) { return weight(layout_.first_input() + input, unit); }

  const Ops<T>& ops_;
  DenseLayout layout_;
  RandomStream random_{1, Purpose::user};
  std::uint64_t drawn_ = 0;
  std::vector<T> weights_;
  Numbers<T> x_, dy_;
};

template <class T>
void check_all_sizes() {
  for (const KernelTable* table : tables()) {
    // One, within a vector, a whole one of some target and one more, beyond a group of four.
    for (const Index units : {1, 2, 5, 8, 17, 67}) {
      for (const Index inputs : {1, 3, 16, 33, 70}) {
        for (const bool use_bias : {false, true}) {
          SCOPED_TRACE(std::string(table->target) + ", " + std::to_string(inputs) + " inputs, " +
                       std::to_string(units) + " units" + (use_bias ? ", bias" : ""));
          DenseProblem<T> problem(*table, inputs, units, use_bias);
          problem.check_forward();
          problem.check_backward();
          problem.check_gradients(/*add=*/false);
          problem.check_gradients(/*add=*/true);
          if (testing::Test::HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(DenseKernels, SumInThePromisedOrderInFloat32) { check_all_sizes<float>(); }
TEST(DenseKernels, SumInThePromisedOrderInFloat64) { check_all_sizes<double>(); }

}  // namespace
}  // namespace rondo::kernels
