// From a dtype that is known when the program runs to a type that is known when it is compiled.
#pragma once

#include <cstddef>
#include <span>

#include <rondo/tensor.hpp>

namespace rondo::core {

// f<float>() or f<double>():
//
//   return core::with_type(dtype(), [&]<class T>() { return plan_as<T>(builder, x); });
template <class F>
auto with_type(DType dtype, const F& f) {
  return dtype == DType::float32 ? f.template operator()<float>() : f.template operator()<double>();
}

// f(span of the elements), which may be written where the tensor may.
template <class AnyTensor, class F>
auto with_elements(AnyTensor& tensor, const F& f) {
  return with_type(tensor.dtype(), [&]<class T>() { return f(tensor.template data<T>()); });
}

// Where the elements stand, whatever their type.
inline std::byte* bytes_of(Tensor& tensor) {
  return with_elements(tensor, [](auto elements) { return std::as_writable_bytes(elements).data(); });
}

}  // namespace rondo::core
