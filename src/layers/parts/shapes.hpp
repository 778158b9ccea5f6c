// Shape rules that several layers share.
#pragma once

#include <rondo/activations.hpp>

#include "core/sizes.hpp"
#include "graph/layer_node.hpp"
#include "layers/parts/activations.hpp"

namespace rondo::layers {

// The shape of f(x): x's own, but glu halves the last axis, which must be even.
inline Shape activated_shape(const graph::LayerNode& layer, const ActivationFn& fn, const Shape& x) {
  if (x.empty()) throw ShapeError(layer.where() + " needs data of rank 2 or more: (batch, ..., features)");
  if (kernel_of(fn).kind != kernels::ActivationKind::glu) return x;
  if (x.back() % 2 != 0) {
    throw ShapeError(layer.where() + ": glu halves the last axis, so it must be even; the input is " +
                     graph::batch_text(x));
  }
  return x.with(-1, x.back() / 2);
}

// MemoryError for more weights than can be counted: rows x columns, each perhaps padded to whole vectors.
inline void require_countable_weights(const graph::LayerNode& layer, Size rows, Size columns) {
  constexpr Index kPadding = 64;
  const Size bytes = ((rows + kPadding) * (columns + kPadding)).bytes(DType::float64);
  if (!bytes.known()) throw_out_of_memory(bytes, "the weights of " + layer.where());
}

// ShapeError unless the last axis of x has as many features as the layer was built for.
inline void require_features(const graph::LayerNode& layer, const Shape& x, Index built_for) {
  if (x.back() == built_for) return;
  throw ShapeError(layer.where() + " was built for " + std::to_string(built_for) + " features; the input " +
                   graph::batch_text(x) + " has " + std::to_string(x.back()) + " in its last axis");
}

}  // namespace rondo::layers
