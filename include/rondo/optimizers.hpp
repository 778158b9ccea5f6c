// Optimizers, by name or as objects with options.
//
//   model.compile({.optimizer = "adam", .loss = "mse"});
//   model.compile({.optimizer = SGD({.learning_rate = 0.1, .momentum = 0.3}), .loss = "mse"});
//
// Names (any case): "sgd", "rmsprop", "adam". Every compile starts with fresh optimizer state.
//
// Gradients may be clipped before the update, by one of clipnorm, clipvalue and global_clipnorm: multiplied so that the
// norm becomes the one given where it is larger, or cut element by element. 0 and less, as in Keras, do not clip;
// ConfigError where more than one is given.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <rondo/shape.hpp>

namespace rondo {

namespace detail {
class OptimizerImpl;
struct Access;
}  // namespace detail

// An optimizer by name or object. A value that is never empty; immutable: a model copies what it needs. Thread-safe.
// Not a base for optimizers of your own. Options out of range are a ConfigError that names option and range.
class Optimizer {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  Optimizer(const char* name) : Optimizer(std::string(name)) {}
  Optimizer(const std::string& name);
  Optimizer(std::nullptr_t) = delete;
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;

  // Keras's class name: "Adam".
  std::string class_name() const;
  double learning_rate() const;
  const detail::OptimizerImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  explicit Optimizer(std::shared_ptr<const detail::OptimizerImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::OptimizerImpl> impl_;
};

struct SGDOptions {
  std::optional<Real> lr = {};  // Keras 1 and 2's name of learning_rate; it wins where given
  Real learning_rate = 0.01;
  Real momentum = 0.0;
  bool nesterov = false;
  std::optional<Real> clipnorm = {};         // the largest norm of each weight's gradient
  std::optional<Real> clipvalue = {};        // the largest size of an element of a gradient
  std::optional<Real> global_clipnorm = {};  // the largest norm of all gradients together
};
// w -= rate g; with momentum m: v = m v - rate g, w += v (Nesterov: w += m v - rate g).
class SGD : public Optimizer {
 public:
  SGD() : SGD(SGDOptions{}) {}
  explicit SGD(const SGDOptions& options);
};

struct RMSpropOptions {
  std::optional<Real> lr = {};  // Keras 1 and 2's name of learning_rate; it wins where given
  Real learning_rate = 0.001;
  Real rho = 0.9;
  Real momentum = 0.0;
  Real epsilon = 1e-7;  // with 0, a weight that has no gradient stays as it is
  bool centered = false;
  std::optional<Real> clipnorm = {};         // the largest norm of each weight's gradient
  std::optional<Real> clipvalue = {};        // the largest size of an element of a gradient
  std::optional<Real> global_clipnorm = {};  // the largest norm of all gradients together
};
// v = rho v + (1 - rho) g^2; w -= rate g / sqrt(v + epsilon); centered subtracts the squared mean gradient from v.
class RMSprop : public Optimizer {
 public:
  RMSprop() : RMSprop(RMSpropOptions{}) {}
  explicit RMSprop(const RMSpropOptions& options);
};

struct AdamOptions {
  std::optional<Real> lr = {};  // Keras 1 and 2's name of learning_rate; it wins where given
  Real learning_rate = 0.001;
  Real beta_1 = 0.9;
  Real beta_2 = 0.999;
  Real epsilon = 1e-7;  // with 0, a weight that has no gradient stays as it is
  bool amsgrad = false;
  std::optional<Real> clipnorm = {};         // the largest norm of each weight's gradient
  std::optional<Real> clipvalue = {};        // the largest size of an element of a gradient
  std::optional<Real> global_clipnorm = {};  // the largest norm of all gradients together
};
// Kingma and Ba 2015 in the "epsilon hat" form, as Keras: m and v are running means of g and g^2,
// w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon).
class Adam : public Optimizer {
 public:
  Adam() : Adam(AdamOptions{}) {}
  explicit Adam(const AdamOptions& options);
};

}  // namespace rondo
