// Kernels of the optimizers that look at the rows and columns of whole weights.
//
// Sums along a row go into chains of the row, which the caller has: the term of column c into chain c % 8, as
// engine/sum_of_row.hpp has it. Terms are products and sums in double precision, rounded one by one.
#pragma once

#include <rondo/shape.hpp>

namespace rondo::kernels {

struct LambArgs {
  double beta_1 = 0, beta_2 = 0, epsilon = 0;
  double of_mean = 1, of_velocity = 1;  // bias corrections
};

// What rows share, the columns' sums or factors, is read once for so many of them.
inline constexpr Index kRowsAtOnce = 4;

// Each takes n elements that stand side by side; those with chains begin in this column of their row.
template <class T>
struct RowUpdates {
  // To the chains: x^2 + more.
  void (*add_squares)(double more, Index column, const T* x, Index n, double* chains) = nullptr;
  // To the sums of as many columns: x^2 + more.
  void (*add_column_squares)(double more, const T* x, Index n, double* sums) = nullptr;
  // Of one row, or of kRowsAtOnce, each `next_row` elements behind the one before. All of the above at once: to the
  // chains of a row w^2, to those behind them g^2 + more, to the columns' sums g^2 + more.
  void (*add_all_squares)(double more, Index column, const T* w, const T* g, Index rows, Index next_row, Index n,
                          double* chains, double* sums) = nullptr;
  // Of as many rows: to the chains of each (x factor)^2.
  void (*add_scaled_squares)(Index column, const T* x, Index rows, Index next_row, const double* factors, Index n,
                             double* chains) = nullptr;
  // w -= g (factor factors).
  void (*scaled_step)(double factor, const double* factors, const T* g, T* w, Index n) = nullptr;

  // With u = of_mean m / (sqrt(of_velocity v) + epsilon), and 0 where m is 0: a weight that never had a gradient stays,
  // also without epsilon. m += (g - m)(1 - beta_1); v += (g^2 - v)(1 - beta_2); to the chains: u^2.
  void (*lamb_means)(const LambArgs&, Index column, const T* g, T* m, T* v, Index n, double* chains) = nullptr;
  // w -= step u.
  void (*lamb_step)(const LambArgs&, T step, const T* m, const T* v, T* w, Index n) = nullptr;
};

}  // namespace rondo::kernels
