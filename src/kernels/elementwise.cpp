// Sums of tensors, element by element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/elementwise.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "kernels/activations-inl.h"
#include "kernels/row_sums-inl.h"
#include "kernels/table.hpp"

HWY_BEFORE_NAMESPACE();
namespace rondo::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
void Add(const AddArgs<T>& p, Range rows) {
  const hn::ScalableTag<T> d;
  for (Index step = 0; step < p.steps; ++step) {
    for (Index b = rows.begin; b < rows.end; ++b) {
      const T *first = p.first.at(b, step), *second = p.second.at(b, step);
      T* sum = p.sum.at(b, step);
      ForVectors(d, p.features, [&](Index i) HWY_ATTR {
        StorePart(d, hn::Add(LoadPart(d, first, i, p.features), LoadPart(d, second, i, p.features)), sum, i,
                  p.features);
      });
    }
  }
}

void FillElementwise(KernelTable& table) {
  table.f32.add = Add<float>;
  table.f64.add = Add<double>;
}

}  // namespace rondo::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
