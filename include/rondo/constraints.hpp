// Where weights must be after each update; by name or with parameters.
//
//   LSTM(10, {.kernel_constraint = MaxNorm({.max_value = 3}), .bias_constraint = "non_neg"});
//
// Names (Keras's): max_norm, min_max_norm, non_neg, unit_norm; class names ("MaxNorm") are taken too. A constraint is
// applied to its weight at the end of every training step, not before the first one; a frozen weight stays as it is.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace detail {
class ConstraintImpl;
struct Access;
}  // namespace detail

// A rule for weights. A value that is never empty; immutable; thread-safe. Not a base for rules of your own.
class Constraint {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  Constraint(const char* name) : Constraint(std::string(name)) {}
  Constraint(const std::string& name);
  Constraint(std::nullptr_t) = delete;
  Constraint(const Constraint&) = default;
  Constraint& operator=(const Constraint&) = default;

  // Keras's class name: "MaxNorm".
  std::string class_name() const;

  // What becomes of a weight of these values. ShapeError where it has no such axis.
  Tensor operator()(const Tensor& weight) const;

  const detail::ConstraintImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  explicit Constraint(std::shared_ptr<const detail::ConstraintImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::ConstraintImpl> impl_;
};

// Norms are square roots of sums of squares along an axis: with 0, the default, each unit of a kernel (features, units)
// has one of its own weights. Negative axes count from the end; ShapeError, when the layer is built, for one that the
// weight does not have. As in Keras a weight is divided by its norm and 1e-7, so norms come out smaller by that.

struct MaxNormOptions {
  Real max_value = 2.0;
  Dim axis = 0;
};
// A norm above max_value becomes max_value. 0 or more, at most 1e30: ConfigError otherwise.
class MaxNorm : public Constraint {
 public:
  explicit MaxNorm(MaxNormOptions options = {});
};

struct MinMaxNormOptions {
  Real min_value = 0.0;  // as MaxNorm's max_value, as the other one
  Real max_value = 1.0;  // min_value or more
  Real rate = 1.0;       // 0 to 1: how much of the way there an update goes
  Dim axis = 0;
};
// A norm below min_value becomes that, one above max_value becomes that.
class MinMaxNorm : public Constraint {
 public:
  explicit MinMaxNorm(MinMaxNormOptions options = {});
};

struct UnitNormOptions {
  Dim axis = 0;
};
// Every norm becomes 1.
class UnitNorm : public Constraint {
 public:
  explicit UnitNorm(UnitNormOptions options = {});
};

// Negative weights become zero.
class NonNeg : public Constraint {
 public:
  NonNeg();
};

}  // namespace rondo
