#include "engine/staging.hpp"

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/dispatch.hpp"

namespace rondo::engine {

namespace {

// Whether there was a number that is infinite or NaN, whose exponent is all ones: one more carries into the sign.
// (Three integer instructions beside each copy; a comparison of floats would take twice that.)
template <class T>
class NotFinite {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  static constexpr Bits kExponent = std::bit_cast<Bits>(std::numeric_limits<T>::infinity());
  static constexpr Bits kOne = std::bit_cast<Bits>(std::numeric_limits<T>::min());

 public:
  void add(T number) { seen_ |= (std::bit_cast<Bits>(number) & kExponent) + kOne; }
  // Copies numbers, converted.
  template <class S>
  void copy(const S* from, T* to) {
    *to = static_cast<T>(*from);
    add(*to);
  }
  template <class S>
  void copy(const S* from, Index count, T* to) {
    for (Index i = 0; i < count; ++i) copy(from + i, to + i);
  }
  bool any() const { return (seen_ & ~(~Bits{0} >> 1)) != 0; }

 private:
  Bits seen_ = 0;
};

template <class T, class S>
bool stage(std::span<const S> from, std::span<const Index> order, Index first, Range rows, const ValueInfo& info,
           kernels::Rows<T> to) {
  const Index sample = info.steps * info.features;
  const auto number = [&](Index b) { return order.empty() ? first + b : order[static_cast<std::size_t>(first + b)]; };
  NotFinite<T> found;
  // Single numbers by themselves: what loops of many prepare would take most of the time.
  if (sample == 1) {
    T* out = to.at(rows.begin, 0);
    for (Index b = rows.begin; b < rows.end; ++b, out += to.batch_stride) found.copy(from.data() + number(b), out);
    return !found.any();
  }
  if (info.features == 1) {
    T* first_step = to.at(rows.begin, 0);
    for (Index b = rows.begin; b < rows.end; ++b, first_step += to.batch_stride) {
      const S* source = from.data() + number(b) * sample;
      T* out = first_step;
      for (Index t = 0; t < info.steps; ++t, out += to.step_stride) found.copy(source + t, out);
    }
    return !found.any();
  }
  for (Index b = rows.begin; b < rows.end; ++b) {
    const S* source = from.data() + number(b) * sample;
    for (Index t = 0; t < info.steps; ++t, source += info.features) {
      found.copy(source, info.features, to.at(b, t));
    }
  }
  return !found.any();
}

template <class T>
void unstage(const ValueInfo& info, kernels::Rows<const T> from, Index first, Range rows, T* to) {
  to += (first + rows.begin) * info.steps * info.features;
  for (Index b = rows.begin; b < rows.end; ++b) {
    for (Index t = 0; t < info.steps; ++t, to += info.features) {
      std::transform(from.at(b, t), from.at(b, t) + info.features, to, standard_nan<T>);
    }
  }
}

}  // namespace

bool stage_rows(const Tensor& from, std::span<const Index> order, Index first, Range rows, const ValueInfo& to_info,
                const Place& to, DType plan_dtype, std::byte* arena) {
  return core::with_type(plan_dtype, [&]<class T>() {
    return core::with_elements(from, [&]<class S>(std::span<const S> elements) {
      return stage<T, S>(elements, order, first, rows, to_info, to.rows<T>(arena));
    });
  });
}

bool all_finite(const ValueInfo& info, const Place& at, DType plan_dtype, std::byte* arena, Index count) {
  return core::with_type(plan_dtype, [&]<class T>() {
    const auto rows = at.rows<const T>(arena);
    NotFinite<T> found;
    for (Index b = 0; b < count; ++b) {
      for (Index t = 0; t < info.steps; ++t) {
        for (Index f = 0; f < info.features; ++f) found.add(rows.at(b, t)[f]);
      }
    }
    return !found.any();
  });
}

void unstage_rows(const ValueInfo& from_info, const Place& from, DType plan_dtype, std::byte* arena, Index first,
                  Range rows, std::byte* to) {
  core::with_type(plan_dtype, [&]<class T>() {
    unstage(from_info, from.rows<const T>(arena), first, rows, reinterpret_cast<T*>(to));
  });
}

}  // namespace rondo::engine
