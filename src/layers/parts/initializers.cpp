#include "layers/parts/initializers.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "core/standard_floats.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, GlorotUniformOptions& o) {
  v("seed", o.seed);
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

class GlorotUniformRule final : public DrawingRule<GlorotUniformOptions> {
 public:
  explicit GlorotUniformRule(const GlorotUniformOptions& o) : DrawingRule("GlorotUniform", o) {}
  void fill(const Shape& shape, const RandomStream& stream, std::span<double> out) const override {
    const auto [fan_in, fan_out] = fans(shape);
    const double limit = std::sqrt(6.0 / static_cast<double>(std::max<Index>(1, fan_in + fan_out)));
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = limit * (2 * stream.uniform(i) - 1);
  }

 private:
  // Keras: a vector has equal fans, a matrix rows and columns; leading axes beyond two are a receptive field.
  static std::pair<Index, Index> fans(const Shape& shape) {
    if (shape.rank() == 0) return {1, 1};
    if (shape.rank() == 1) return {shape[0], shape[0]};
    Index field = 1;
    for (Index a = 0; a + 2 < shape.rank(); ++a) field *= shape[a];
    return {field * shape[-2], field * shape[-1]};
  }
};

class RandomNormalRule final : public DrawingRule<RandomNormalOptions> {
 public:
  explicit RandomNormalRule(const RandomNormalOptions& o) : DrawingRule("RandomNormal", o) {
    (void)checked("mean", o.mean, Allowed::finite);
    (void)checked("stddev", o.stddev, Allowed::zero_or_more);
  }
  void fill(const Shape&, const RandomStream& stream, std::span<double> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = o_.mean + o_.stddev * stream.normal(i);
  }
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

template <class Rule, class... Args>
Initializer make(const Args&... args) {
  return detail::Access::make<Initializer>(std::make_shared<Rule>(args...));
}

struct KnownInitializer {
  Initializer standard;
  Initializer (*read)(const std::string& class_name, const Json& config);
};

template <class Class, class Options>
KnownInitializer entry() {
  return {Class(), [](const std::string& class_name, const Json& config) -> Initializer {
            return core::from_fields<Class, Options>(class_name, config);
          }};
}

using KnownInitializers = core::Registry<NameKind::initializer, KnownInitializer>;

const KnownInitializers& known_initializers() {
  static constinit Lazy<KnownInitializers> known;
  return known.get([] {
    return KnownInitializers{
        {{"constant"}, entry<Constant, ConstantFields>()},
        {{"glorot_uniform"}, entry<GlorotUniform, GlorotUniformOptions>()},
        {{"ones", "one"}, entry<Ones, core::NoOptions>()},
        {{"orthogonal"}, entry<Orthogonal, OrthogonalOptions>()},
        {{"random_normal", "normal"}, entry<RandomNormal, RandomNormalOptions>()},
        {{"random_uniform", "uniform"}, entry<RandomUniform, RandomUniformOptions>()},
        {{"zeros", "zero"}, entry<Zeros, core::NoOptions>()},
    };
  });
}

}  // namespace

Initializer::Initializer(const std::string& name)
    : Initializer(known_initializers().at(name, snake_case(name)).standard) {}

std::string Initializer::class_name() const { return impl_->class_name(); }

Tensor Initializer::operator()(const Shape& shape, DType dtype, const RandomStream& stream) const {
  const StandardFloats floats;
  Tensor values(shape, DType::float64);
  const std::optional<std::uint64_t> seed = impl_->seed();
  impl_->fill(shape, seed ? RandomStream(*seed, Purpose::initializer) : stream, values.data<double>());
  return dtype == DType::float64 ? values : values.cast(dtype);
}

GlorotUniform::GlorotUniform(GlorotUniformOptions o) : Initializer(make<GlorotUniformRule>(o)) {}
Orthogonal::Orthogonal(OrthogonalOptions o) : Initializer(make<OrthogonalRule>(o)) {}
Zeros::Zeros() : Initializer(make<ConstantRule>("Zeros", 0.0)) {}
Ones::Ones() : Initializer(make<ConstantRule>("Ones", 1.0)) {}
Constant::Constant(Real value) : Initializer(make<ConstantRule>("Constant", value.value)) {}
RandomNormal::RandomNormal(RandomNormalOptions o) : Initializer(make<RandomNormalRule>(o)) {}
RandomUniform::RandomUniform(RandomUniformOptions o) : Initializer(make<RandomUniformRule>(o)) {}

Json to_config(const Initializer& initializer) {
  return {{"module", "keras.initializers"},
          {"class_name", initializer.class_name()},
          {"config", initializer.impl().config()},
          {"registered_name", nullptr}};
}

void from_config(const Json& config, Initializer& initializer) {
  const core::Serialized given = core::serialized("initializer", config);
  if (!given.name.empty()) {
    initializer = given.name;
    return;
  }
  // Keras has both names of this class.
  const std::string name = given.class_name == "OrthogonalInitializer" ? "Orthogonal" : given.class_name;
  initializer = known_initializers().at(name, snake_case(name)).read(name, given.config);
}

}  // namespace rondo
