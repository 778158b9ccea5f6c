#include "layers/parts/regularizers.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/dispatch.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "core/standard_floats.hpp"
#include "engine/sum_of_row.hpp"
#include "layers/parts/known_part.hpp"

namespace rondo {

using core::Json;
using engine::PackedMap;
using layers::ElementPenalty;

namespace {

struct L1Fields {
  Real l1 = 0.01;
  operator Real() const { return l1; }
};
template <class Visitor>
void fields(Visitor& v, L1Fields& f) {
  v("l1", f.l1);
}

struct L2Fields {
  Real l2 = 0.01;
  operator Real() const { return l2; }
};
template <class Visitor>
void fields(Visitor& v, L2Fields& f) {
  v("l2", f.l2);
}

}  // namespace

template <class Visitor>
void fields(Visitor& v, L1L2Options& o) {
  v("l1", o.l1);
  v("l2", o.l2);
}

template <class Visitor>
void fields(Visitor& v, OrthogonalRegularizerOptions& o) {
  v("factor", o.factor);
  v("mode", o.mode);
}

namespace {

// f(i, place) for the elements of a row, i being their column.
template <class F>
void for_row(const PackedMap& map, Index row, F&& f) {
  for (const PackedMap::Run& run : map.runs()) {
    const auto column = static_cast<std::size_t>(run.column);
    const auto place = static_cast<std::size_t>(run.first + row * run.row_stride);
    for (std::size_t i = 0; i < static_cast<std::size_t>(run.count); ++i) f(column + i, place + i);
  }
}

// ---- sums over elements: L1, L2 -------------------------------------------------------------------------------------

// Its parts are rows.
class SumOfElements final : public engine::TypedPenalty<SumOfElements> {
 public:
  explicit SumOfElements(const ElementPenalty& rule) : rule_(rule) {}
  Index parts(const PackedMap& map) const override { return map.rows(); }

  template <class T>
  double part_as(const PackedMap& map, Index row, const T* w, T* gradient) const noexcept {
    const double sum =
        engine::sum_of_row(map, row, [&](std::size_t at) { return rule_.value(static_cast<double>(w[at])); });
    if (gradient != nullptr) {
      for_row(map, row, [&](std::size_t, std::size_t at) {
        gradient[at] += static_cast<T>(rule_.slope(static_cast<double>(w[at])));
      });
    }
    return sum;
  }

 private:
  ElementPenalty rule_;
};

class ElementRule final : public detail::RegularizerImpl {
 public:
  // The options of `config` among l1 and l2 are those that the class has.
  ElementRule(const char* class_name, const ElementPenalty& penalty, Json config)
      : class_name_(class_name), penalty_(penalty), config_(std::move(config)) {
    checked_option(class_name, "l1", penalty.l1, Allowed::zero_or_more);
    checked_option(class_name, "l2", penalty.l2, Allowed::zero_or_more);
  }
  std::string class_name() const override { return class_name_; }
  Json config() const override { return config_; }
  std::shared_ptr<const engine::Penalty> of_weight(const Shape&) const override {
    return std::make_shared<SumOfElements>(penalty_);
  }
  std::optional<ElementPenalty> of_elements() const override { return penalty_; }

 private:
  const char* class_name_;
  ElementPenalty penalty_;
  Json config_;
};

// ---- angles between rows or columns ---------------------------------------------------------------------------------

// f(i, place, other place) for the elements of two rows or columns.
template <class F>
void for_vectors(const PackedMap& map, bool rows, Index a, Index b, F&& f) {
  if (!rows) {
    const PackedMap::Column one = map.column(a), other = map.column(b);
    for (Index row = 0; row < map.rows(); ++row) {
      f(static_cast<std::size_t>(row), static_cast<std::size_t>(one.first + row * one.stride),
        static_cast<std::size_t>(other.first + row * other.stride));
    }
    return;
  }
  for (const PackedMap::Run& run : map.runs()) {
    const auto from = static_cast<std::size_t>(run.first + a * run.row_stride),
               other = static_cast<std::size_t>(run.first + b * run.row_stride);
    for (std::size_t i = 0; i < static_cast<std::size_t>(run.count); ++i) {
      f(static_cast<std::size_t>(run.column) + i, from + i, other + i);
    }
  }
}

// factor / pairs times the sum of |p| over pairs of vectors i < j, p = x_i x_j / (|x_i| |x_j|). A part is a vector,
// which has half of what its pairs cost, and
//
//   dp / dx_i = x_j / (|x_i| |x_j|) - p x_i / |x_i|^2
class PairsOfVectors final : public engine::TypedPenalty<PairsOfVectors> {
 public:
  PairsOfVectors(double factor, bool rows) : factor_(factor), rows_(rows) {}
  Index parts(const PackedMap& map) const override { return rows_ ? map.rows() : map.columns(); }

  template <class T>
  double part_as(const PackedMap& map, Index mine, const T* w, T* gradient) const noexcept {
    const auto count = static_cast<double>(parts(map));
    if (count < 2) return 0;
    const double each = factor_ / (count * (count - 1) / 2), norm = this->norm(map, mine, w);
    double sum = 0, shrink = 0;
    for (Index other = 0; other < parts(map); ++other) {
      if (other == mine) continue;
      const double norms = norm * this->norm(map, other, w), product = this->product(map, mine, other, w) / norms;
      const double sign = product > 0 ? 1 : product < 0 ? -1 : 0;
      sum += std::abs(product);
      shrink += sign * product;
      if (gradient == nullptr || sign == 0) continue;
      for_vectors(map, rows_, mine, other, [&](std::size_t, std::size_t at, std::size_t from) {
        gradient[at] += static_cast<T>(each * sign / norms * static_cast<double>(w[from]));
      });
    }
    if (gradient != nullptr && norm > kLeastNorm) {
      for_vectors(map, rows_, mine, mine, [&](std::size_t, std::size_t at, std::size_t) {
        gradient[at] -= static_cast<T>(each * shrink / (norm * norm) * static_cast<double>(w[at]));
      });
    }
    return each * sum / 2;
  }

 private:
  static constexpr double kLeastNorm = 1e-7;  // Keras's epsilon: a smaller one counts as this

  template <class T>
  double norm(const PackedMap& map, Index vector, const T* w) const noexcept {
    return std::max(kLeastNorm, std::sqrt(product(map, vector, vector, w)));
  }
  template <class T>
  double product(const PackedMap& map, Index a, Index b, const T* w) const noexcept {
    engine::Chains chains{};
    for_vectors(map, rows_, a, b, [&](std::size_t i, std::size_t at, std::size_t other) {
      chains[i % chains.size()] += static_cast<double>(w[at]) * static_cast<double>(w[other]);
    });
    return engine::sum_of(chains);
  }

  double factor_;
  bool rows_;
};

class OrthogonalRegularizerRule final : public detail::RegularizerImpl {
 public:
  explicit OrthogonalRegularizerRule(const OrthogonalRegularizerOptions& o) : o_(o) {
    checked_option("OrthogonalRegularizer", "factor", o.factor, Allowed::zero_or_more);
    const std::vector<std::string> known = {"rows", "columns"};
    if (std::find(known.begin(), known.end(), o.mode) != known.end()) return;
    throw ConfigError("OrthogonalRegularizer: mode '" + o.mode + "' is not known." + did_you_mean(o.mode, known) +
                      " Known: " + quoted_list(known));
  }
  std::string class_name() const override { return "OrthogonalRegularizer"; }
  Json config() const override { return core::config_of(o_); }
  std::shared_ptr<const engine::Penalty> of_weight(const Shape& shape) const override {
    if (shape.rank() == 2) return std::make_shared<PairsOfVectors>(o_.factor, o_.mode == "rows");
    throw ShapeError("OrthogonalRegularizer needs a weight of rank 2, not " + to_string(shape));
  }

 private:
  OrthogonalRegularizerOptions o_;
};

// ---- by name --------------------------------------------------------------------------------------------------------

using KnownRegularizers = core::Registry<NameKind::regularizer, layers::KnownPart<Regularizer>>;

const KnownRegularizers& known_regularizers() {
  static constinit Lazy<KnownRegularizers> known;
  return known.get([] {
    return KnownRegularizers{
        {{"l1"}, layers::known_part<Regularizer, L1, L1Fields>()},
        {{"l1l2"}, layers::known_part<Regularizer, L1L2, L1L2Options>()},
        {{"l2"}, layers::known_part<Regularizer, L2, L2Fields>()},
        {{"orthogonal_regularizer"},
         layers::known_part<Regularizer, OrthogonalRegularizer, OrthogonalRegularizerOptions>()},
    };
  });
}

}  // namespace

Regularizer::Regularizer(const std::string& name)
    : Regularizer(known_regularizers().at(name, snake_case(name)).standard) {}

std::string Regularizer::class_name() const { return impl_->class_name(); }

double Regularizer::operator()(const Tensor& weight) const {
  const StandardFloats floats;
  const auto penalty = impl_->of_weight(weight.shape());
  if (weight.empty()) return 0;
  const PackedMap map = PackedMap::contiguous(weight.shape());
  const Tensor values = weight.cast(DType::float64);
  double sum = 0;
  for (Index part = 0; part < penalty->parts(map); ++part) {
    sum += penalty->part(map, part, values.data<double>().data(), nullptr);
  }
  return computed_here(sum);
}

L1::L1(Real l1)
    : Regularizer(
          layers::part_of<Regularizer, ElementRule>("L1", ElementPenalty{l1, 0}, core::config_of(L1Fields{l1}))) {}
L2::L2(Real l2)
    : Regularizer(
          layers::part_of<Regularizer, ElementRule>("L2", ElementPenalty{0, l2}, core::config_of(L2Fields{l2}))) {}
L1L2::L1L2(L1L2Options o)
    : Regularizer(layers::part_of<Regularizer, ElementRule>("L1L2", ElementPenalty{o.l1, o.l2}, core::config_of(o))) {}
OrthogonalRegularizer::OrthogonalRegularizer(const OrthogonalRegularizerOptions& o)
    : Regularizer(layers::part_of<Regularizer, OrthogonalRegularizerRule>(o)) {}

Json to_config(const Regularizer& regularizer) {
  return core::serialize("keras.regularizers", regularizer.class_name(), regularizer.impl().config());
}

void from_config(const Json& config, std::optional<Regularizer>& regularizer) {
  regularizer.reset();
  if (config.is_null() || config == false) return;
  const core::Serialized given = core::serialized("regularizer", config);
  if (!given.name.empty()) {
    regularizer.emplace(given.name);
  } else {
    regularizer =
        known_regularizers().at(given.class_name, snake_case(given.class_name)).read(given.class_name, given.config);
  }
}

}  // namespace rondo
