// How weights start, by name or with parameters.
//
//   LSTM(10, {.kernel_initializer = "glorot_uniform", .recurrent_initializer = Orthogonal({.gain = 0.5})});
//
// Names (Keras's): glorot_uniform, glorot_normal, he_uniform, he_normal, lecun_uniform, lecun_normal, variance_scaling,
// orthogonal, identity, zeros, ones, constant, random_normal (normal), random_uniform (uniform), truncated_normal;
// class names ("GlorotUniform") are taken too. Of Keras's only STFT is missing, which makes kernels for a layer of
// spectrograms.
//
// Values come from the counter generator of random.hpp: they depend on the random seed, on the number of the layer
// since set_random_seed, and on the weight within the layer; with a seed of its own, an initializer depends on that
// seed alone.
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

// Those that scale with the size of a weight look at its fans: fan_in is its rows and fan_out its columns. Both are the
// length of a vector; axes in front of the last two count in both.
struct SeedOptions {
  std::optional<std::uint64_t> seed = {};
};
// Uniform within +-sqrt(6 / (fan_in + fan_out)); Glorot and Bengio 2010.
class GlorotUniform : public Initializer {
 public:
  explicit GlorotUniform(SeedOptions options = {});
};
// Normal, cut at two deviations; with the cut the deviation is sqrt(2 / (fan_in + fan_out)).
class GlorotNormal : public Initializer {
 public:
  explicit GlorotNormal(SeedOptions options = {});
};
// Uniform within +-sqrt(6 / fan_in); He et al. 2015, for layers with relu.
class HeUniform : public Initializer {
 public:
  explicit HeUniform(SeedOptions options = {});
};
// Normal as GlorotNormal, with the deviation sqrt(2 / fan_in).
class HeNormal : public Initializer {
 public:
  explicit HeNormal(SeedOptions options = {});
};
// Uniform within +-sqrt(3 / fan_in); LeCun et al. 1998, for layers with selu.
class LecunUniform : public Initializer {
 public:
  explicit LecunUniform(SeedOptions options = {});
};
// Normal as GlorotNormal, with the deviation sqrt(1 / fan_in).
class LecunNormal : public Initializer {
 public:
  explicit LecunNormal(SeedOptions options = {});
};

struct VarianceScalingOptions {
  Real scale = 1.0;                               // above 0
  std::string mode = "fan_in";                    // or "fan_out", or "fan_avg", the mean of both
  std::string distribution = "truncated_normal";  // or "normal", which is the same; "untruncated_normal", "uniform"
  std::optional<std::uint64_t> seed = {};
};
// Of mean 0 and variance scale / n, where n is what mode says: all of the above are of this kind. A normal distribution
// is cut at two deviations unless it is untruncated. ConfigError for other words.
class VarianceScaling : public Initializer {
 public:
  explicit VarianceScaling(const VarianceScalingOptions& options = {});
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

// Ones times gain on the diagonal of a matrix, zeros elsewhere. Keras's Identity. ShapeError for a weight of another
// rank.
class IdentityInitializer : public Initializer {
 public:
  explicit IdentityInitializer(Real gain = 1.0);
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

// Normal, but what is further than two deviations from the mean is drawn anew: the deviation that is left is 0.88 times
// stddev.
using TruncatedNormalOptions = RandomNormalOptions;
class TruncatedNormal : public Initializer {
 public:
  explicit TruncatedNormal(TruncatedNormalOptions options = {});
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
