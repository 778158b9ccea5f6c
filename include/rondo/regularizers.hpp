// What large weights, or large outputs of a layer, add to the loss; by name or with parameters.
//
//   Dense(10, {.kernel_regularizer = L2(1e-4), .bias_regularizer = "l1", .activity_regularizer = L1(0.01)});
//
// Names (Keras's): l1, l2, l1l2, orthogonal_regularizer; class names ("L2") are taken too. A name stands for the class
// with its defaults, so "l1l2" adds nothing, as in Keras.
//
// As in Keras the penalties of all trainable weights, and those of activities divided by the size of the batch, are
// added to "loss", in fit as in evaluate, once a batch; losses of single outputs and metrics have no part in them.
// Where the gradients are clipped, the penalties' own are in them. A frozen weight has no penalty; an activity has one
// always.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace detail {
class RegularizerImpl;
struct Access;
}  // namespace detail

// A rule for a penalty. A value that is never empty; immutable; thread-safe. Not a base for rules of your own. Factors
// are finite, 0 or more: ConfigError otherwise.
class Regularizer {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  Regularizer(const char* name) : Regularizer(std::string(name)) {}
  Regularizer(const std::string& name);
  Regularizer(std::nullptr_t) = delete;
  Regularizer(const Regularizer&) = default;
  Regularizer& operator=(const Regularizer&) = default;

  // Keras's class name: "L2".
  std::string class_name() const;

  // What a weight of these values adds to the loss. ShapeError where the rule has none for its shape.
  double operator()(const Tensor& weight) const;

  const detail::RegularizerImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  explicit Regularizer(std::shared_ptr<const detail::RegularizerImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::RegularizerImpl> impl_;
};

// l1 times the sum of sizes |w|: drives what is not needed to zero.
class L1 : public Regularizer {
 public:
  explicit L1(Real l1 = 0.01);
};

// l2 times the sum of squares.
class L2 : public Regularizer {
 public:
  explicit L2(Real l2 = 0.01);
};

struct L1L2Options {
  Real l1 = 0.0;
  Real l2 = 0.0;
};
// The sum of both.
class L1L2 : public Regularizer {
 public:
  explicit L1L2(L1L2Options options = {});
};

struct OrthogonalRegularizerOptions {
  Real factor = 0.01;
  std::string mode = "rows";  // or "columns"
};
// The factor times the mean of |cos| of the angles between any two rows (or columns) of a matrix, so that they become
// orthogonal. For weights alone, of rank 2: ShapeError for others, ConfigError as an activity_regularizer.
class OrthogonalRegularizer : public Regularizer {
 public:
  explicit OrthogonalRegularizer(const OrthogonalRegularizerOptions& options = {});
};

}  // namespace rondo
