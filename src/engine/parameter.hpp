// Parameters: what a layer learns. Each has two faces.
//
// The storage face is a ParameterBlock: one packed array per layer, in the panels that the kernels read. The optimizer
// updates it elementwise; gradients and optimizer slots are laid out alike. The logical face is a Parameter: a name and
// a shape in Keras's order, with a map from its logical elements to their places in the block. Elements of the block
// that no parameter maps to are padding and stay zero.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <rondo/tensor.hpp>

#include "core/aligned.hpp"
#include "core/element_size.hpp"
#include "engine/packed_map.hpp"
#include "engine/weight_rules.hpp"
#include "kernels/table.hpp"

namespace rondo::engine {

// What becomes of a block's values in training: learned by the optimizer, or gathered from the data by the layer
// itself.
enum class Role { learned, statistics };

class ParameterBlock {
 public:
  // MemoryError where there is not so much memory; `what` says what for.
  ParameterBlock(DType dtype, Index size, const kernels::KernelTable& table, std::string_view what = "weights",
                 Role role = Role::learned);

  DType dtype() const { return dtype_; }
  Index size() const { return size_; }
  // Of the elements, without what is behind the last.
  std::size_t bytes() const { return static_cast<std::size_t>(size_) * element_size(dtype_); }
  const kernels::KernelTable& table() const { return *table_; }

  template <class T>
  T* values() const {
    return reinterpret_cast<T*>(memory_.data());
  }

  // Counts changes, so that copies derived from the values know when they are stale. Whoever writes values calls
  // touch() afterwards.
  std::uint64_t version() const { return version_; }
  void touch() { ++version_; }

  // Blocks that are not trainable take part in forward and backward but get no gradient and no update: frozen ones, and
  // statistics always.
  bool trainable() const { return trainable_; }
  void set_trainable(bool trainable) { trainable_ = trainable && role_ == Role::learned; }

 private:
  DType dtype_;
  Index size_;
  const kernels::KernelTable* table_;
  AlignedBytes memory_;  // and zeros behind the last element, which kernels may load as part of a vector
  std::uint64_t version_ = 1;
  Role role_;
  bool trainable_;
};

struct Parameter {
  std::string path;  // as Keras: "lstm/lstm_cell/kernel" below its layer's parent
  Shape shape;       // logical
  std::shared_ptr<ParameterBlock> block;
  PackedMap map;
  WeightRules rules = {};

  std::string name() const { return path.substr(path.rfind('/') + 1); }

  Tensor get() const;
  // Some rows of the map's, row-major in the block's dtype, to any address.
  void get(Range rows, std::byte* numbers) const;
  // Any dtype; ShapeError naming the parameter and both shapes if the shape differs.
  void set(const Tensor& value) const;
  // The same from its numbers in the block's dtype, row-major, at any address. ShapeError where they are not as many.
  void set(std::span<const std::byte> numbers) const;
  // The logical face of another packed array laid out like the block: a gradient, an optimizer slot.
  Tensor unpack(const std::byte* packed) const;
  // The other way round: a tensor of this shape and any dtype.
  void pack(const Tensor& value, std::byte* packed) const;
};

}  // namespace rondo::engine
