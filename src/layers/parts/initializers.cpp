#include "layers/parts/initializers.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "core/standard_floats.hpp"
#include "layers/parts/known_part.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, SeedOptions& o) {
  v("seed", o.seed);
  for (const char* key : {"input_axes", "output_axes"}) v.refused(key);
}

template <class Visitor>
void fields(Visitor& v, VarianceScalingOptions& o) {
  v("scale", o.scale);
  v("mode", o.mode);
  v("distribution", o.distribution);
  v("seed", o.seed);
  for (const char* key : {"input_axes", "output_axes"}) v.refused(key);
}

template <class Visitor>
void fields(Visitor& v, OrthogonalOptions& o) {
  v("gain", o.gain);
  v("seed", o.seed);
}

template <class Visitor>
void fields(Visitor& v, RandomNormalOptions& o) {
  v("mean", o.mean);
  v("stddev", o.stddev);
  v("seed", o.seed);
}

template <class Visitor>
void fields(Visitor& v, RandomUniformOptions& o) {
  v("minval", o.minval);
  v("maxval", o.maxval);
  v("seed", o.seed);
}

namespace {

using core::Json;

struct ConstantFields {
  Real value = 0.0;
  operator Real() const { return value; }
};

template <class Visitor>
void fields(Visitor& v, ConstantFields& f) {
  v("value", f.value);
}

class ConstantRule final : public detail::InitializerImpl {
 public:
  ConstantRule(std::string name, double value)
      : name_(std::move(name)), value_(checked_option(name_, "value", value, Allowed::finite)) {}
  std::string class_name() const override { return name_; }
  Json config() const override {
    return name_ == "Constant" ? core::config_of(ConstantFields{value_}) : Json::object();
  }
  void fill(const Shape&, const RandomStream&, std::span<double> out) const override {
    for (double& w : out) w = value_;
  }

 private:
  std::string name_;
  double value_;
};

struct GainFields {
  Real gain = 1.0;
  operator Real() const { return gain; }
};

template <class Visitor>
void fields(Visitor& v, GainFields& f) {
  v("gain", f.gain);
}

class IdentityRule final : public detail::InitializerImpl {
 public:
  explicit IdentityRule(double gain) : gain_(checked_option("Identity", "gain", gain, Allowed::finite)) {}
  std::string class_name() const override { return "Identity"; }
  Json config() const override { return core::config_of(GainFields{gain_}); }
  void fill(const Shape& shape, const RandomStream&, std::span<double> out) const override {
    if (shape.rank() != 2) {
      throw ShapeError("the Identity initializer needs a weight of rank 2, not " + to_string(shape));
    }
    const auto columns = static_cast<std::size_t>(shape[1]);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = i / columns == i % columns ? gain_ : 0;
  }

 private:
  double gain_;
};

// ---- those that draw ------------------------------------------------------------------------------------------------

// Element i of a standard normal distribution without what is further than 2 from the mean. Draws that follow an
// element's first one stand where no weight has elements.
double truncated_normal(const RandomStream& stream, std::uint64_t i) {
  constexpr std::uint64_t kNextDraw = std::uint64_t{1} << 48;
  for (;; i += kNextDraw) {
    const double drawn = stream.normal(i);
    if (std::abs(drawn) <= 2) return drawn;
  }
}

// One that draws, with the options of its public class.
template <class Options>
class DrawingRule : public detail::InitializerImpl {
 public:
  DrawingRule(const char* class_name, const Options& options) : o_(options), class_name_(class_name) {}
  std::string class_name() const final { return class_name_; }
  Json config() const final { return core::config_of(o_); }
  std::optional<std::uint64_t> seed() const final { return o_.seed; }

 protected:
  double checked(const char* option, Real value, Allowed allowed) const {
    return checked_option(class_name_, option, value, allowed);
  }

  Options o_;

 private:
  const char* class_name_;
};

// Keras: a vector has equal fans, a matrix rows and columns; leading axes beyond two are a receptive field.
struct Fans {
  explicit Fans(const Shape& shape) {
    if (shape.rank() == 0) return;
    Index field = 1;
    for (Index a = 0; a + 2 < shape.rank(); ++a) field *= shape[a];
    in = static_cast<double>(field * shape[shape.rank() == 1 ? 0 : -2]);
    out = static_cast<double>(field * shape[-1]);
  }
  double in = 1, out = 1;
};

enum class FanMode { fan_in, fan_out, fan_avg };
enum class Distribution { truncated_normal, untruncated_normal, uniform };

// Of variance scale / n.
struct VarianceScale {
  double scale = 1;
  FanMode mode = FanMode::fan_in;
  Distribution distribution = Distribution::truncated_normal;

  double n(const Shape& shape) const {
    const Fans fans(shape);
    const double n = mode == FanMode::fan_in ? fans.in : mode == FanMode::fan_out ? fans.out : (fans.in + fans.out) / 2;
    return std::max(1.0, n);
  }

  void fill(const Shape& shape, const RandomStream& stream, std::span<double> out) const {
    // Of the normal distribution that is cut at two deviations.
    constexpr double kDeviationOfTruncated = 0.87962566103423978;
    const double limit = std::sqrt(3 * scale / n(shape)), deviation = std::sqrt(scale / n(shape));
    for (std::size_t i = 0; i < out.size(); ++i) {
      switch (distribution) {
        case Distribution::uniform: out[i] = limit * (2 * stream.uniform(i) - 1); break;
        case Distribution::untruncated_normal: out[i] = deviation * stream.normal(i); break;
        default: out[i] = deviation / kDeviationOfTruncated * truncated_normal(stream, i);
      }
    }
  }
};

// One of those with a name of its own.
class NamedScalingRule final : public DrawingRule<SeedOptions> {
 public:
  NamedScalingRule(const char* class_name, const SeedOptions& o, const VarianceScale& scale)
      : DrawingRule(class_name, o), scale_(scale) {}
  void fill(const Shape& shape, const RandomStream& stream, std::span<double> out) const override {
    scale_.fill(shape, stream, out);
  }

 private:
  VarianceScale scale_;
};

class VarianceScalingRule final : public DrawingRule<VarianceScalingOptions> {
 public:
  explicit VarianceScalingRule(const VarianceScalingOptions& o)
      : DrawingRule("VarianceScaling", o),
        scale_{checked("scale", o.scale, Allowed::above_0),
               static_cast<FanMode>(word("mode", o.mode, {"fan_in", "fan_out", "fan_avg"})),
               static_cast<Distribution>(
                   word("distribution", o.distribution, {"truncated_normal", "untruncated_normal", "uniform"}))} {}
  void fill(const Shape& shape, const RandomStream& stream, std::span<double> out) const override {
    scale_.fill(shape, stream, out);
  }

 private:
  // Its number among the known ones.
  static std::size_t word(const char* option, const std::string& given, const std::vector<std::string>& known) {
    const auto found = std::find(known.begin(), known.end(), given == "normal" ? "truncated_normal" : given);
    if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
    throw ConfigError(std::string("VarianceScaling: ") + option + " '" + given + "' is not known." +
                      did_you_mean(given, known) + " Known: " + quoted_list(known));
  }

  VarianceScale scale_;
};

class NormalRule final : public DrawingRule<RandomNormalOptions> {
 public:
  NormalRule(const char* class_name, const RandomNormalOptions& o, bool truncated)
      : DrawingRule(class_name, o), truncated_(truncated) {
    (void)checked("mean", o.mean, Allowed::finite);
    (void)checked("stddev", o.stddev, Allowed::zero_or_more);
  }
  void fill(const Shape&, const RandomStream& stream, std::span<double> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = o_.mean + o_.stddev * (truncated_ ? truncated_normal(stream, i) : stream.normal(i));
    }
  }

 private:
  bool truncated_;
};

class RandomUniformRule final : public DrawingRule<RandomUniformOptions> {
 public:
  explicit RandomUniformRule(const RandomUniformOptions& o) : DrawingRule("RandomUniform", o) {
    const double low = checked("minval", o.minval, Allowed::finite),
                 high = checked("maxval", o.maxval, Allowed::finite);
    if (low <= high && std::isfinite(high - low)) return;
    throw ConfigError("RandomUniform: minval is " + number_text(low) + " and maxval " + number_text(high) +
                      "; maxval must be minval or more, and their difference a finite number");
  }
  void fill(const Shape&, const RandomStream& stream, std::span<double> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = o_.minval + (o_.maxval - o_.minval) * stream.uniform(i);
  }
};

// Orthonormal vectors from normal ones by Gram and Schmidt's process. A vector that loses much of its length is cleaned
// a second time ("twice is enough", Kahan), which makes it as good as Householder's reflections; R's diagonal is
// positive by itself, as Keras's sign correction makes it.
class OrthogonalRule final : public DrawingRule<OrthogonalOptions> {
 public:
  explicit OrthogonalRule(const OrthogonalOptions& o) : DrawingRule("Orthogonal", o) {
    (void)checked("gain", o.gain, Allowed::finite);
  }

  void fill(const Shape& shape, const RandomStream& stream, std::span<double> out) const override {
    if (shape.rank() < 2) {
      throw ShapeError("the Orthogonal initializer needs a weight of rank 2 or more, not " + to_string(shape));
    }
    const auto columns = static_cast<std::size_t>(shape.back());
    const std::size_t rows = columns == 0 ? 0 : out.size() / columns;
    const std::size_t count = std::min(rows, columns), length = std::max(rows, columns);
    // `count` vectors of `length`, one after the other.
    std::vector<double> q(count * length);
    for (std::size_t i = 0; i < q.size(); ++i) q[i] = stream.normal(i);
    for (std::size_t v = 0; v < count; ++v) orthonormalize(q, v, length);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        out[r * columns + c] = o_.gain * (rows < columns ? q[r * length + c] : q[c * length + r]);
      }
    }
  }

 private:
  static void orthonormalize(std::vector<double>& q, std::size_t v, std::size_t length) {
    double* vector = q.data() + v * length;
    double before = dot(vector, vector, length);
    for (;;) {
      for (std::size_t u = 0; u < v; ++u) {
        const double* other = q.data() + u * length;
        const double along = dot(vector, other, length);
        for (std::size_t i = 0; i < length; ++i) vector[i] -= along * other[i];
      }
      const double after = dot(vector, vector, length);
      if (after > before / 2) {
        const double scale = 1 / std::sqrt(after);
        for (std::size_t i = 0; i < length; ++i) vector[i] *= scale;
        return;
      }
      before = after;
    }
  }

  // Eight chains, so that the compiler may use vectors without reordering anything.
  static double dot(const double* a, const double* b, std::size_t n) {
    double chain[8] = {};
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8) {
      for (std::size_t k = 0; k < 8; ++k) chain[k] += a[i + k] * b[i + k];
    }
    for (std::size_t k = 0; i + k < n; ++k) chain[k] += a[i + k] * b[i + k];
    double sum = 0;
    for (const double c : chain) sum += c;
    return sum;
  }
};

using KnownInitializers = core::Registry<NameKind::initializer, layers::KnownPart<Initializer>>;

const KnownInitializers& known_initializers() {
  static constinit Lazy<KnownInitializers> known;
  return known.get([] {
    return KnownInitializers{
        {{"constant"}, layers::known_part<Initializer, Constant, ConstantFields>()},
        {{"glorot_normal"}, layers::known_part<Initializer, GlorotNormal, SeedOptions>()},
        {{"glorot_uniform"}, layers::known_part<Initializer, GlorotUniform, SeedOptions>()},
        {{"he_normal"}, layers::known_part<Initializer, HeNormal, SeedOptions>()},
        {{"he_uniform"}, layers::known_part<Initializer, HeUniform, SeedOptions>()},
        {{"identity"}, layers::known_part<Initializer, IdentityInitializer, GainFields>()},
        {{"lecun_normal"}, layers::known_part<Initializer, LecunNormal, SeedOptions>()},
        {{"lecun_uniform"}, layers::known_part<Initializer, LecunUniform, SeedOptions>()},
        {{"ones", "one"}, layers::known_part<Initializer, Ones, core::NoOptions>()},
        {{"orthogonal"}, layers::known_part<Initializer, Orthogonal, OrthogonalOptions>()},
        {{"random_normal", "normal"}, layers::known_part<Initializer, RandomNormal, RandomNormalOptions>()},
        {{"random_uniform", "uniform"}, layers::known_part<Initializer, RandomUniform, RandomUniformOptions>()},
        {{"truncated_normal"}, layers::known_part<Initializer, TruncatedNormal, TruncatedNormalOptions>()},
        {{"variance_scaling"}, layers::known_part<Initializer, VarianceScaling, VarianceScalingOptions>()},
        {{"zeros", "zero"}, layers::known_part<Initializer, Zeros, core::NoOptions>()},
    };
  });
}

// Keras has two names of these classes.
std::string keras_name(const std::string& class_name) {
  if (class_name == "OrthogonalInitializer") return "Orthogonal";
  if (class_name == "IdentityInitializer") return "Identity";
  return class_name;
}

}  // namespace

Initializer::Initializer(const std::string& name)
    : Initializer(known_initializers().at(name, snake_case(keras_name(name))).standard) {}

std::string Initializer::class_name() const { return impl_->class_name(); }

Tensor Initializer::operator()(const Shape& shape, DType dtype, const RandomStream& stream) const {
  const StandardFloats floats;
  Tensor values(shape, DType::float64);
  const std::optional<std::uint64_t> seed = impl_->seed();
  impl_->fill(shape, seed ? RandomStream(*seed, Purpose::initializer) : stream, values.data<double>());
  return dtype == DType::float64 ? values : values.cast(dtype);
}

namespace {

Initializer make_scaling(const char* class_name, const SeedOptions& o, double scale, FanMode mode, Distribution d) {
  return layers::part_of<Initializer, NamedScalingRule>(class_name, o, VarianceScale{scale, mode, d});
}

}  // namespace

GlorotUniform::GlorotUniform(SeedOptions o)
    : Initializer(make_scaling("GlorotUniform", o, 1, FanMode::fan_avg, Distribution::uniform)) {}
GlorotNormal::GlorotNormal(SeedOptions o)
    : Initializer(make_scaling("GlorotNormal", o, 1, FanMode::fan_avg, Distribution::truncated_normal)) {}
HeUniform::HeUniform(SeedOptions o)
    : Initializer(make_scaling("HeUniform", o, 2, FanMode::fan_in, Distribution::uniform)) {}
HeNormal::HeNormal(SeedOptions o)
    : Initializer(make_scaling("HeNormal", o, 2, FanMode::fan_in, Distribution::truncated_normal)) {}
LecunUniform::LecunUniform(SeedOptions o)
    : Initializer(make_scaling("LecunUniform", o, 1, FanMode::fan_in, Distribution::uniform)) {}
LecunNormal::LecunNormal(SeedOptions o)
    : Initializer(make_scaling("LecunNormal", o, 1, FanMode::fan_in, Distribution::truncated_normal)) {}
VarianceScaling::VarianceScaling(const VarianceScalingOptions& o)
    : Initializer(layers::part_of<Initializer, VarianceScalingRule>(o)) {}
IdentityInitializer::IdentityInitializer(Real gain)
    : Initializer(layers::part_of<Initializer, IdentityRule>(gain.value)) {}
TruncatedNormal::TruncatedNormal(TruncatedNormalOptions o)
    : Initializer(layers::part_of<Initializer, NormalRule>("TruncatedNormal", o, /*truncated=*/true)) {}
Orthogonal::Orthogonal(OrthogonalOptions o) : Initializer(layers::part_of<Initializer, OrthogonalRule>(o)) {}
Zeros::Zeros() : Initializer(layers::part_of<Initializer, ConstantRule>("Zeros", 0.0)) {}
Ones::Ones() : Initializer(layers::part_of<Initializer, ConstantRule>("Ones", 1.0)) {}
Constant::Constant(Real value) : Initializer(layers::part_of<Initializer, ConstantRule>("Constant", value.value)) {}
RandomNormal::RandomNormal(RandomNormalOptions o)
    : Initializer(layers::part_of<Initializer, NormalRule>("RandomNormal", o, /*truncated=*/false)) {}
RandomUniform::RandomUniform(RandomUniformOptions o)
    : Initializer(layers::part_of<Initializer, RandomUniformRule>(o)) {}

Json to_config(const Initializer& initializer) {
  return core::serialize("keras.initializers", initializer.class_name(), initializer.impl().config());
}

void from_config(const Json& config, Initializer& initializer) {
  const core::Serialized given = core::serialized("initializer", config);
  if (!given.name.empty()) {
    initializer = given.name;
    return;
  }
  const std::string name = keras_name(given.class_name);
  initializer = known_initializers().at(name, snake_case(name)).read(name, given.config);
}

}  // namespace rondo
