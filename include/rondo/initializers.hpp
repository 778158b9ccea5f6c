// How weights start, by name or with parameters.
//
//   LSTM(10, {.kernel_initializer = "glorot_uniform", .recurrent_initializer = Orthogonal({.gain = 0.5})});
//
// Names (Keras's): glorot_uniform, orthogonal, zeros, ones, constant, random_normal (normal), random_uniform (uniform);
// class names ("GlorotUniform") are taken too. Values come from the counter generator of random.hpp: they depend on the
// random seed, on the number of the layer since set_random_seed, and on the weight within the layer; with a seed of its
// own, an initializer depends on that seed alone.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <rondo/random.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace detail {
class InitializerImpl;
struct Access;
}  // namespace detail

// A rule for the first values of a weight. A value that is never empty; immutable; thread-safe. Not a base for rules of
// your own. Parameters must be finite, and give finite weights: ConfigError otherwise.
class Initializer {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  Initializer(const char* name) : Initializer(std::string(name)) {}
  Initializer(const std::string& name);
  Initializer(std::nullptr_t) = delete;
  Initializer(const Initializer&) = default;
  Initializer& operator=(const Initializer&) = default;

  // Keras's class name: "GlorotUniform".
  std::string class_name() const;

  // The values for a weight of this shape, drawn from the stream (unless the initializer has a seed of its own).
  Tensor operator()(const Shape& shape, DType dtype, const RandomStream& stream) const;

  const detail::InitializerImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  explicit Initializer(std::shared_ptr<const detail::InitializerImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::InitializerImpl> impl_;
};

struct GlorotUniformOptions {
  std::optional<std::uint64_t> seed = {};
};
// Uniform within +-sqrt(6 / (fan_in + fan_out)); Glorot and Bengio 2010. Fans are the weight's rows and columns.
class GlorotUniform : public Initializer {
 public:
  explicit GlorotUniform(GlorotUniformOptions options = {});
};

struct OrthogonalOptions {
  Real gain = 1.0;
  std::optional<std::uint64_t> seed = {};
};
// Orthonormal rows or columns (whichever are fewer) times gain; Saxe et al. 2014. ShapeError below rank 2.
class Orthogonal : public Initializer {
 public:
  explicit Orthogonal(OrthogonalOptions options = {});
};

class Zeros : public Initializer {
 public:
  Zeros();
};

class Ones : public Initializer {
 public:
  Ones();
};

class Constant : public Initializer {
 public:
  explicit Constant(Real value = 0.0);
};

struct RandomNormalOptions {
  Real mean = 0.0;
  Real stddev = 0.05;  // 0 or more
  std::optional<std::uint64_t> seed = {};
};
class RandomNormal : public Initializer {
 public:
  explicit RandomNormal(RandomNormalOptions options = {});
};

struct RandomUniformOptions {
  Real minval = -0.05;
  Real maxval = 0.05;  // minval or more
  std::optional<std::uint64_t> seed = {};
};
// Uniform in [minval, maxval).
class RandomUniform : public Initializer {
 public:
  explicit RandomUniform(RandomUniformOptions options = {});
};

}  // namespace rondo
