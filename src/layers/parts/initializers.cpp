#include "layers/parts/initializers.hpp"

#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/access.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "core/standard_floats.hpp"

namespace rondo {

namespace {

using Json = nlohmann::ordered_json;

Json seed_config(const std::optional<std::uint64_t>& seed) { return seed ? Json(*seed) : Json(nullptr); }

class ConstantRule final : public detail::InitializerImpl {
 public:
  ConstantRule(std::string name, double value)
      : name_(std::move(name)), value_(checked_option(name_, "value", value, Allowed::finite)) {}
  std::string class_name() const override { return name_; }
  Json config() const override { return name_ == "Constant" ? Json{{"value", value_}} : Json::object(); }
  void fill(const Shape&, const RandomStream&, std::span<double> out) const override {
    for (double& w : out) w = value_;
  }

 private:
  std::string name_;
  double value_;
};

class GlorotUniformRule final : public detail::InitializerImpl {
 public:
  std::string class_name() const override { return "GlorotUniform"; }
  Json config() const override { return {{"seed", seed_config(seed)}}; }
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

class RandomNormalRule final : public detail::InitializerImpl {
 public:
  RandomNormalRule(double mean, double stddev)
      : mean_(checked_option("RandomNormal", "mean", mean, Allowed::finite)),
        stddev_(checked_option("RandomNormal", "stddev", stddev, Allowed::zero_or_more)) {}
  std::string class_name() const override { return "RandomNormal"; }
  Json config() const override { return {{"mean", mean_}, {"stddev", stddev_}, {"seed", seed_config(seed)}}; }
  void fill(const Shape&, const RandomStream& stream, std::span<double> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = mean_ + stddev_ * stream.normal(i);
  }

 private:
  double mean_, stddev_;
};

class RandomUniformRule final : public detail::InitializerImpl {
 public:
  RandomUniformRule(double low, double high)
      : low_(checked_option("RandomUniform", "minval", low, Allowed::finite)),
        high_(checked_option("RandomUniform", "maxval", high, Allowed::finite)) {
    if (low <= high && std::isfinite(high - low)) return;
    throw ConfigError("RandomUniform: minval is " + number_text(low) + " and maxval " + number_text(high) +
                      "; maxval must be minval or more, and their difference a finite number");
  }
  std::string class_name() const override { return "RandomUniform"; }
  Json config() const override { return {{"minval", low_}, {"maxval", high_}, {"seed", seed_config(seed)}}; }
  void fill(const Shape&, const RandomStream& stream, std::span<double> out) const override {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = low_ + (high_ - low_) * stream.uniform(i);
  }

 private:
  double low_, high_;
};

// Orthonormal vectors from normal ones by Gram and Schmidt's process. A vector that loses much of its length is cleaned
// a second time ("twice is enough", Kahan), which makes it as good as Householder's reflections; R's diagonal is
// positive by itself, as Keras's sign correction makes it.
class OrthogonalRule final : public detail::InitializerImpl {
 public:
  explicit OrthogonalRule(double gain) : gain_(checked_option("Orthogonal", "gain", gain, Allowed::finite)) {}
  std::string class_name() const override { return "Orthogonal"; }
  Json config() const override { return {{"gain", gain_}, {"seed", seed_config(seed)}}; }

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
        out[r * columns + c] = gain_ * (rows < columns ? q[r * length + c] : q[c * length + r]);
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

  double gain_;
};

template <class Rule, class... Args>
Initializer make(std::optional<std::uint64_t> seed, Args... args) {
  auto rule = std::make_shared<Rule>(args...);
  rule->seed = seed;
  return detail::Access::make<Initializer>(std::move(rule));
}
using KnownInitializers = core::Registry<NameKind::initializer, Initializer>;

const KnownInitializers& known_initializers() {
  static constinit Lazy<KnownInitializers> known;
  return known.get([] {
    return KnownInitializers{
        {{"constant"}, Constant()},
        {{"glorot_uniform"}, GlorotUniform()},
        {{"ones", "one"}, Ones()},
        {{"orthogonal"}, Orthogonal()},
        {{"random_normal", "normal"}, RandomNormal()},
        {{"random_uniform", "uniform"}, RandomUniform()},
        {{"zeros", "zero"}, Zeros()},
    };
  });
}

}  // namespace

Initializer::Initializer(const std::string& name) : Initializer(known_initializers().at(name, snake_case(name))) {}

std::string Initializer::class_name() const { return impl_->class_name(); }

Tensor Initializer::operator()(const Shape& shape, DType dtype, const RandomStream& stream) const {
  const StandardFloats floats;
  Tensor values(shape, DType::float64);
  impl_->fill(shape, impl_->seed ? RandomStream(*impl_->seed, Purpose::initializer) : stream, values.data<double>());
  return dtype == DType::float64 ? values : values.cast(dtype);
}

GlorotUniform::GlorotUniform(GlorotUniformOptions o) : Initializer(make<GlorotUniformRule>(o.seed)) {}
Orthogonal::Orthogonal(OrthogonalOptions o) : Initializer(make<OrthogonalRule>(o.seed, o.gain.value)) {}
Zeros::Zeros() : Initializer(make<ConstantRule>(std::nullopt, "Zeros", 0.0)) {}
Ones::Ones() : Initializer(make<ConstantRule>(std::nullopt, "Ones", 1.0)) {}
Constant::Constant(Real value) : Initializer(make<ConstantRule>(std::nullopt, "Constant", value.value)) {}
RandomNormal::RandomNormal(RandomNormalOptions o)
    : Initializer(make<RandomNormalRule>(o.seed, o.mean.value, o.stddev.value)) {}
RandomUniform::RandomUniform(RandomUniformOptions o)
    : Initializer(make<RandomUniformRule>(o.seed, o.minval.value, o.maxval.value)) {}

namespace layers {

nlohmann::ordered_json initializer_config(const Initializer& initializer) {
  return {{"module", "keras.initializers"},
          {"class_name", initializer.class_name()},
          {"config", initializer.impl().config()},
          {"registered_name", nullptr}};
}

Initializer initializer_from_config(const nlohmann::ordered_json& config) {
  if (config.is_string()) return config.get<std::string>();
  const auto name = config.value("class_name", std::string("?"));
  const Json options = config.value("config", Json::object());
  std::optional<std::uint64_t> seed;
  if (options.contains("seed") && options["seed"].is_number_unsigned()) seed = options["seed"].get<std::uint64_t>();
  if (name == "GlorotUniform") return GlorotUniform({.seed = seed});
  if (name == "Orthogonal" || name == "OrthogonalInitializer") {
    return Orthogonal({.gain = options.value("gain", 1.0), .seed = seed});
  }
  if (name == "Constant") return Constant(options.value("value", 0.0));
  if (name == "RandomNormal") {
    return RandomNormal({.mean = options.value("mean", 0.0), .stddev = options.value("stddev", 0.05), .seed = seed});
  }
  if (name == "RandomUniform") {
    return RandomUniform(
        {.minval = options.value("minval", -0.05), .maxval = options.value("maxval", 0.05), .seed = seed});
  }
  return name;
}

}  // namespace layers
}  // namespace rondo
