// Updates that look at whole weights. Formulas: Keras's lamb.py and adafactor.py.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/row_updates.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/table.hpp"
#include "kernels/tiles-inl.h"  // RONDO_UNROLL

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr Index kChains = 8;  // of a row

// Where a round is few vectors its sums live in registers; elsewhere the code would be long.
#undef RONDO_UNROLL_ROUND
#if HWY_TARGET <= HWY_AVX2
#define RONDO_UNROLL_ROUND RONDO_UNROLL
#else
#define RONDO_UNROLL_ROUND
#endif

// Numbers of T as doubles, and back.
template <class D>
HWY_INLINE hn::Vec<D> LoadDoubles(D d, const double* from) {
  return hn::LoadU(d, from);
}
template <class D>
HWY_INLINE hn::Vec<D> LoadDoubles(D d, const float* from) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), from));
}
template <class D>
HWY_INLINE hn::Vec<D> AsDoubles(D, hn::Vec<D> x) {
  return x;
}
template <class D>
HWY_INLINE hn::Vec<D> AsDoubles(D d, hn::Vec<hn::Rebind<float, D>> x) {
  return hn::PromoteTo(d, x);
}
template <class D>
HWY_INLINE void StoreDoubles(D d, hn::Vec<D> x, double* to) {
  hn::StoreU(x, d, to);
}
template <class D>
HWY_INLINE void StoreDoubles(D, hn::Vec<D> x, float* to) {
  const hn::Rebind<float, D> narrow;
  hn::StoreU(hn::DemoteTo(narrow, x), narrow, to);
}

// f(d, i) for n elements in vectors, then one by one.
template <class D, class F>
HWY_INLINE void ForElements(D d, Index n, const F& f) {
  const hn::CappedTag<hn::TFromD<D>, 1> one;
  const Index lanes = static_cast<Index>(hn::Lanes(d));
  Index i = 0;
  for (; i + lanes <= n; i += lanes) f(d, i);
  for (; i < n; ++i) f(one, i);
}

// Adds term(d, i, set), doubles, to the chains of so many sums, one behind the other: element by element where a round
// of chains has begun or does not end, else in rounds. A sum waits for itself in each round, so some at once take the
// time of one.
template <int kSums, class F>
HWY_INLINE void AddToChains(Index column, Index n, double* HWY_RESTRICT chains, const F& term) {
  const hn::CappedTag<double, kChains> d;
  constexpr Index kLanes = static_cast<Index>(hn::MaxLanes(hn::CappedTag<double, kChains>()));
  constexpr Index kParts = kChains / kLanes;
  Index i = 0;
  while (i < n) {
    if ((column + i) % kChains != 0 || i + kChains > n) {
      const hn::CappedTag<double, 1> one;
      for (int k = 0; k < kSums; ++k) chains[k * kChains + (column + i) % kChains] += hn::GetLane(term(one, i, k));
      ++i;
      continue;
    }
    hn::Vec<decltype(d)> sums[kSums * kParts];
    RONDO_UNROLL_ROUND
    for (Index k = 0; k < kSums * kParts; ++k) sums[k] = hn::LoadU(d, chains + k * kLanes);
    for (; i + kChains <= n; i += kChains) {
      RONDO_UNROLL_ROUND
      for (Index part = 0; part < kParts; ++part) {
        RONDO_UNROLL_ROUND
        for (int k = 0; k < kSums; ++k) {
          auto& sum = sums[k * kParts + part];
          sum = hn::Add(sum, term(d, i + part * kLanes, k));
        }
      }
    }
    RONDO_UNROLL_ROUND
    for (Index k = 0; k < kSums * kParts; ++k) hn::StoreU(sums[k], d, chains + k * kLanes);
  }
}

template <class D, class T>
HWY_INLINE hn::Vec<D> Square(D d, const T* x, double more) {
  const auto xi = LoadDoubles(d, x);
  return hn::Add(hn::Mul(xi, xi), hn::Set(d, more));
}

template <class T>
void AddSquares(double more, Index column, const T* x, Index n, double* chains) {
  AddToChains<1>(column, n, chains, [&](auto d, Index i, int) HWY_ATTR { return Square(d, x + i, more); });
}

template <class T>
void AddColumnSquares(double more, const T* x, Index n, double* sums) {
  ForElements(hn::ScalableTag<double>(), n, [&](auto d, Index i) HWY_ATTR {
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), Square(d, x + i, more)), d, sums + i);
  });
}

template <int kRows, class T>
HWY_INLINE void AddAllSquaresOf(double more, Index column, const T* w, const T* g, Index next_row, Index n,
                                double* chains, double* sums) {
  AddToChains<2 * kRows>(column, n, chains, [&](auto d, Index i, int sum) HWY_ATTR {
    const Index element = i + sum / 2 * next_row;
    if (sum % 2 == 0) return Square(d, w + element, 0);
    const auto square = Square(d, g + element, more);
    hn::StoreU(hn::Add(hn::LoadU(d, sums + i), square), d, sums + i);
    return square;
  });
}

template <class T>
void AddAllSquares(double more, Index column, const T* w, const T* g, Index rows, Index next_row, Index n,
                   double* chains, double* sums) {
  if (rows == 1) return AddAllSquaresOf<1>(more, column, w, g, next_row, n, chains, sums);
  AddAllSquaresOf<kRowsAtOnce>(more, column, w, g, next_row, n, chains, sums);
}

template <int kRows, class T>
HWY_INLINE void AddScaledSquaresOf(Index column, const T* x, Index next_row, const double* factors, Index n,
                                   double* chains) {
  AddToChains<kRows>(column, n, chains, [&](auto d, Index i, int row) HWY_ATTR {
    const auto u = hn::Mul(LoadDoubles(d, x + i + row * next_row), hn::LoadU(d, factors + i));
    return hn::Mul(u, u);
  });
}

template <class T>
void AddScaledSquares(Index column, const T* x, Index rows, Index next_row, const double* factors, Index n,
                      double* chains) {
  if (rows == 1) return AddScaledSquaresOf<1>(column, x, next_row, factors, n, chains);
  AddScaledSquaresOf<kRowsAtOnce>(column, x, next_row, factors, n, chains);
}

template <class T>
void ScaledStep(double factor, const double* factors, const T* g, T* w, Index n) {
  ForElements(hn::ScalableTag<double>(), n, [&](auto d, Index i) HWY_ATTR {
    const auto u = hn::Mul(LoadDoubles(d, g + i), hn::Mul(hn::Set(d, factor), hn::LoadU(d, factors + i)));
    StoreDoubles(d, hn::Sub(LoadDoubles(d, w + i), u), w + i);
  });
}

template <class D, class V = hn::Vec<D>>
HWY_INLINE V LambUpdate(D d, const LambArgs& p, V m, V v) {
  using T = hn::TFromD<D>;
  const V root =
      hn::Add(hn::Sqrt(hn::Mul(v, hn::Set(d, static_cast<T>(p.of_velocity)))), hn::Set(d, static_cast<T>(p.epsilon)));
  const V quotient = hn::Div(hn::Mul(m, hn::Set(d, static_cast<T>(p.of_mean))), root);
  return hn::IfThenZeroElse(hn::Eq(m, hn::Zero(d)), quotient);
}

template <class T>
void LambMeans(const LambArgs& p, Index column, const T* g, T* m, T* v, Index n, double* chains) {
  const LambArgs args = p;
  const T new_1 = static_cast<T>(1 - args.beta_1), new_2 = static_cast<T>(1 - args.beta_2);
  AddToChains<1>(column, n, chains, [&](auto doubles, Index i, int) HWY_ATTR {
    const hn::Rebind<T, decltype(doubles)> d;
    const auto gi = hn::LoadU(d, g + i), m0 = hn::LoadU(d, m + i), v0 = hn::LoadU(d, v + i);
    const auto mi = hn::Add(m0, hn::Mul(hn::Sub(gi, m0), hn::Set(d, new_1)));
    const auto vi = hn::Add(v0, hn::Mul(hn::Sub(hn::Mul(gi, gi), v0), hn::Set(d, new_2)));
    hn::StoreU(mi, d, m + i);
    hn::StoreU(vi, d, v + i);
    const auto u = AsDoubles(doubles, LambUpdate(d, args, mi, vi));
    return hn::Mul(u, u);
  });
}

template <class T>
void LambStep(const LambArgs& p, T step, const T* m, const T* v, T* w, Index n) {
  const LambArgs args = p;
  ForElements(hn::ScalableTag<T>(), n, [&](auto d, Index i) HWY_ATTR {
    const auto u = LambUpdate(d, args, hn::LoadU(d, m + i), hn::LoadU(d, v + i));
    hn::StoreU(hn::Sub(hn::LoadU(d, w + i), hn::Mul(hn::Set(d, step), u)), d, w + i);
  });
}

template <class T>
void Fill(Ops<T>& ops) {
  ops.rows = {AddSquares<T>, AddColumnSquares<T>, AddAllSquares<T>, AddScaledSquares<T>,
              ScaledStep<T>, LambMeans<T>,        LambStep<T>};
}

void FillRowUpdates(KernelTable& table) {
  Fill(table.f32);
  Fill(table.f64);
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
