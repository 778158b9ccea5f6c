#include "engine/staging.hpp"

#include <cmath>
#include <limits>

#include "engine/standard_floats.hpp"

namespace rondo::engine {

namespace {

// Single numbers one by one: calls that copy many would take most of the time.
template <class S, class T>
void copy_converted(const S* from, Index count, T* to) {
  if (count == 1) {
    *to = static_cast<T>(*from);
    return;
  }
  std::transform(from, from + count, to, [](S v) { return static_cast<T>(v); });
}

template <class T, class S>
void stage(std::span<const S> from, std::span<const Index> order, Index first, Index count, const ValueInfo& info,
           kernels::Rows<T> to) {
  const Index sample = info.steps * info.features;
  for (Index b = 0; b < count; ++b) {
    const Index row = order.empty() ? first + b : order[static_cast<std::size_t>(first + b)];
    const S* source = from.data() + row * sample;
    for (Index t = 0; t < info.steps; ++t, source += info.features) {
      copy_converted(source, info.features, to.at(b, t));
    }
  }
}

template <class T>
void stage_to(const Tensor& from, std::span<const Index> order, Index first, Index count, const ValueInfo& info,
              kernels::Rows<T> to) {
  if (from.dtype() == DType::float32) {
    stage<T, float>(from.data<float>(), order, first, count, info, to);
  } else {
    stage<T, double>(from.data<double>(), order, first, count, info, to);
  }
}

template <class T>
bool finite_rows(kernels::Rows<const T> rows, Index steps, Index count, Index features) {
  // Rows without gaps between them are one long row.
  if (rows.batch_stride == features) {
    features *= count;
    count = 1;
    if (rows.step_stride == features) {
      features *= steps;
      steps = 1;
    }
  }
  bool finite = true;
  for (Index t = 0; t < steps; ++t) {
    for (Index b = 0; b < count; ++b) {
      const T* row = rows.at(b, t);
      for (Index f = 0; f < features; ++f) finite &= std::abs(row[f]) <= std::numeric_limits<T>::max();
    }
  }
  return finite;
}

template <class T>
void unstage(const ValueInfo& info, kernels::Rows<const T> from, Index first, Index count, T* to) {
  to += first * info.steps * info.features;
  for (Index b = 0; b < count; ++b) {
    for (Index t = 0; t < info.steps; ++t, to += info.features) std::copy_n(from.at(b, t), info.features, to);
  }
}

}  // namespace

void stage_rows(const Tensor& from, std::span<const Index> order, Index first, Index count, const ValueInfo& to_info,
                const Place& to, DType plan_dtype, std::byte* arena) {
  const StandardFloats floats;
  if (plan_dtype == DType::float32) {
    stage_to(from, order, first, count, to_info, to.rows<float>(arena));
  } else {
    stage_to(from, order, first, count, to_info, to.rows<double>(arena));
  }
}

bool all_finite(const ValueInfo& info, const Place& at, DType plan_dtype, std::byte* arena, Index count) {
  return plan_dtype == DType::float32 ? finite_rows(at.rows<const float>(arena), info.steps, count, info.features)
                                      : finite_rows(at.rows<const double>(arena), info.steps, count, info.features);
}

void unstage_rows(const ValueInfo& from_info, const Place& from, DType plan_dtype, std::byte* arena, Index first,
                  Index count, std::byte* to) {
  if (plan_dtype == DType::float32) {
    unstage(from_info, from.rows<const float>(arena), first, count, reinterpret_cast<float*>(to));
  } else {
    unstage(from_info, from.rows<const double>(arena), first, count, reinterpret_cast<double*>(to));
  }
}

}  // namespace rondo::engine
