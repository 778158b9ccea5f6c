// What training holds a weight to beside the loss: a penalty on its values, and a constraint that ends each update.
//
// Both work on a weight as a matrix, element by logical element, and in parts that stand apart: a row, say, or a
// column. Threads share the parts; what comes of a part does not depend on who has it.
#pragma once

#include <memory>

#include "engine/packed_map.hpp"

namespace rondo::engine {

// What a regularizer makes of a weight.
class Penalty {
 public:
  virtual ~Penalty() = default;
  virtual Index parts(const PackedMap& map) const = 0;
  // What a part of the values adds to the loss. Its derivatives are added to `gradient`, which is laid out like the
  // values, unless that is null; those by the elements of other parts are the business of these.
  virtual double part(const PackedMap& map, Index part, const float* values, float* gradient) const noexcept = 0;
  virtual double part(const PackedMap& map, Index part, const double* values, double* gradient) const noexcept = 0;
};

// What a constraint makes of a weight: of finite numbers finite ones.
class Constraint {
 public:
  virtual ~Constraint() = default;
  virtual Index parts(const PackedMap& map) const = 0;
  // Brings the elements of a part to where they may be.
  virtual void hold(const PackedMap& map, Index part, float* values) const noexcept = 0;
  virtual void hold(const PackedMap& map, Index part, double* values) const noexcept = 0;
};

// Of one weight; null for none.
struct WeightRules {
  std::shared_ptr<const Penalty> penalty = nullptr;
  std::shared_ptr<const Constraint> constraint = nullptr;
};

// Adds to a rule its two typed functions, from one template each:
//
//   template <class T> double part_as(const PackedMap&, Index part, const T* values, T* gradient) const noexcept;
template <class Rule>
class TypedPenalty : public Penalty {
 public:
  double part(const PackedMap& map, Index part, const float* values, float* gradient) const noexcept final {
    return static_cast<const Rule&>(*this).part_as(map, part, values, gradient);
  }
  double part(const PackedMap& map, Index part, const double* values, double* gradient) const noexcept final {
    return static_cast<const Rule&>(*this).part_as(map, part, values, gradient);
  }
};

//   template <class T> void hold_as(const PackedMap&, Index part, T* values) const noexcept;
template <class Rule>
class TypedConstraint : public Constraint {
 public:
  void hold(const PackedMap& map, Index part, float* values) const noexcept final {
    static_cast<const Rule&>(*this).hold_as(map, part, values);
  }
  void hold(const PackedMap& map, Index part, double* values) const noexcept final {
    static_cast<const Rule&>(*this).hold_as(map, part, values);
  }
};

}  // namespace rondo::engine
