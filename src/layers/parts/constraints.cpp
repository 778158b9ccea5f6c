#include "layers/parts/constraints.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/dispatch.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "core/standard_floats.hpp"
#include "layers/parts/known_part.hpp"

namespace rondo {

using core::Json;
using engine::PackedMap;

template <class Visitor>
void fields(Visitor& v, MaxNormOptions& o) {
  v("max_value", o.max_value);
  v("axis", o.axis);
}

template <class Visitor>
void fields(Visitor& v, MinMaxNormOptions& o) {
  v("min_value", o.min_value);
  v("max_value", o.max_value);
  v("rate", o.rate);
  v("axis", o.axis);
}

template <class Visitor>
void fields(Visitor& v, UnitNormOptions& o) {
  v("axis", o.axis);
}

namespace {

// The elements of a weight along an axis, for each choice of the other coordinates a line.
class Lines {
 public:
  Lines(const Shape& shape, Index axis) {
    along_rows_ = axis + 1 == shape.rank();
    length_ = shape[axis];
    for (Index a = axis + 1; a + 1 < shape.rank(); ++a) apart_ *= shape[a];
  }

  Index count(const PackedMap& map) const {
    return along_rows_ ? map.rows() : map.rows() * map.columns() / std::max<Index>(1, length_);
  }

  // f(place) for the elements of a line, in order.
  template <class F>
  void for_each(const PackedMap& map, Index line, F&& f) const {
    if (along_rows_) {
      map.for_runs({line, line + 1}, [&](Index, Index place, Index count) {
        for (Index i = place; i < place + count; ++i) f(i);
      });
      return;
    }
    const PackedMap::Column column = map.column(line % map.columns());
    const Index rest = line / map.columns(), first_row = rest / apart_ * length_ * apart_ + rest % apart_;
    for (Index i = 0; i < length_; ++i) f(column.first + (first_row + i * apart_) * column.stride);
  }

 private:
  bool along_rows_;
  Index length_;
  Index apart_ = 1;  // rows from one element to the next
};

// ---- norms ----------------------------------------------------------------------------------------------------------

// A norm goes `rate` of the way to where it is between `least` and `most`.
struct NormRule {
  double least, most, rate;

  double factor(double norm) const {
    constexpr double kEpsilon = 1e-7;  // Keras's
    return (rate * std::clamp(norm, least, most) + (1 - rate) * norm) / (kEpsilon + norm);
  }
};

class NormConstraint final : public engine::TypedConstraint<NormConstraint> {
 public:
  NormConstraint(const NormRule& rule, const Lines& lines) : rule_(rule), lines_(lines) {}
  Index parts(const PackedMap& map) const override { return lines_.count(map); }

  template <class T>
  void hold_as(const PackedMap& map, Index line, T* w) const noexcept {
    const double factor = rule_.factor(norm(map, line, w));
    lines_.for_each(map, line, [&](Index at) { w[at] = static_cast<T>(static_cast<double>(w[at]) * factor); });
  }

 private:
  template <class T>
  double norm(const PackedMap& map, Index line, const T* w) const noexcept {
    const auto root_of_squares = [&](double unit) {
      double sum = 0;
      lines_.for_each(map, line, [&](Index at) {
        const double v = static_cast<double>(w[at]) / unit;
        sum += v * v;
      });
      return unit * std::sqrt(sum);
    };
    const double norm = root_of_squares(1);
    if (std::isfinite(norm)) return norm;
    double largest = 0;  // whose square is beyond a double
    lines_.for_each(map, line, [&](Index at) { largest = std::max(largest, std::abs(static_cast<double>(w[at]))); });
    return root_of_squares(largest);
  }

  NormRule rule_;
  Lines lines_;
};

// With the options of its public class.
template <class Options>
class NormConstraintRule final : public detail::ConstraintImpl {
 public:
  NormConstraintRule(const char* class_name, const Options& o, const NormRule& rule)
      : class_name_(class_name), o_(o), rule_(rule) {}
  std::string class_name() const override { return class_name_; }
  Json config() const override { return core::config_of(o_); }
  std::shared_ptr<const engine::Constraint> of_weight(const Shape& shape) const override {
    const Index axis = o_.axis < 0 ? o_.axis + shape.rank() : o_.axis.value;
    if (axis >= 0 && axis < shape.rank()) return std::make_shared<NormConstraint>(rule_, Lines(shape, axis));
    throw ShapeError(std::string(class_name_) + ": axis is " + std::to_string(o_.axis.value) + ", the weight " +
                     to_string(shape) + " has " + std::to_string(shape.rank()));
  }

 private:
  const char* class_name_;
  Options o_;
  NormRule rule_;
};

// Larger ones would let weights overflow between two looks at them.
double checked_norm(const char* class_name, const char* option, double value) {
  constexpr double kMost = 1e30;
  checked_option(class_name, option, value, Allowed::zero_or_more);
  if (value <= kMost) return value;
  throw ConfigError(std::string(class_name) + ": " + option + " is " + number_text(value) +
                    "; it must be at most 1e30");
}

NormRule checked_rule(const MinMaxNormOptions& o) {
  const NormRule rule{checked_norm("MinMaxNorm", "min_value", o.min_value),
                      checked_norm("MinMaxNorm", "max_value", o.max_value),
                      checked_option("MinMaxNorm", "rate", o.rate, Allowed::between_0_and_1)};
  if (rule.least <= rule.most) return rule;
  throw ConfigError("MinMaxNorm: min_value is " + number_text(rule.least) + " and max_value " + number_text(rule.most) +
                    "; max_value must be min_value or more");
}

// ---- signs ----------------------------------------------------------------------------------------------------------

class NoNegatives final : public engine::TypedConstraint<NoNegatives> {
 public:
  Index parts(const PackedMap& map) const override { return map.rows(); }
  template <class T>
  void hold_as(const PackedMap& map, Index row, T* w) const noexcept {
    map.for_runs({row, row + 1}, [&](Index, Index place, Index count) {
      for (Index i = place; i < place + count; ++i) w[i] = w[i] < 0 ? T{0} : w[i];
    });
  }
};

class NonNegRule final : public detail::ConstraintImpl {
 public:
  std::string class_name() const override { return "NonNeg"; }
  Json config() const override { return Json::object(); }
  std::shared_ptr<const engine::Constraint> of_weight(const Shape&) const override {
    return std::make_shared<NoNegatives>();
  }
};

// ---- by name --------------------------------------------------------------------------------------------------------

using KnownConstraints = core::Registry<NameKind::constraint, layers::KnownPart<Constraint>>;

const KnownConstraints& known_constraints() {
  static constinit Lazy<KnownConstraints> known;
  return known.get([] {
    return KnownConstraints{
        {{"max_norm"}, layers::known_part<Constraint, MaxNorm, MaxNormOptions>()},
        {{"min_max_norm"}, layers::known_part<Constraint, MinMaxNorm, MinMaxNormOptions>()},
        {{"non_neg"}, layers::known_part<Constraint, NonNeg, core::NoOptions>()},
        {{"unit_norm"}, layers::known_part<Constraint, UnitNorm, UnitNormOptions>()},
    };
  });
}

}  // namespace

Constraint::Constraint(const std::string& name) : Constraint(known_constraints().at(name, snake_case(name)).standard) {}

std::string Constraint::class_name() const { return impl_->class_name(); }

Tensor Constraint::operator()(const Tensor& weight) const {
  const auto constraint = impl_->of_weight(weight.shape());
  if (weight.empty()) return weight;
  const StandardFloats floats;
  const PackedMap map = PackedMap::contiguous(weight.shape());
  Tensor values = weight;
  core::with_elements(values, [&](auto elements) {
    for (Index part = 0; part < constraint->parts(map); ++part) constraint->hold(map, part, elements.data());
  });
  return values;
}

MaxNorm::MaxNorm(MaxNormOptions o)
    : Constraint(layers::part_of<Constraint, NormConstraintRule<MaxNormOptions>>(
          "MaxNorm", o, NormRule{0, checked_norm("MaxNorm", "max_value", o.max_value), 1})) {}
MinMaxNorm::MinMaxNorm(MinMaxNormOptions o)
    : Constraint(layers::part_of<Constraint, NormConstraintRule<MinMaxNormOptions>>("MinMaxNorm", o, checked_rule(o))) {
}
UnitNorm::UnitNorm(UnitNormOptions o)
    : Constraint(layers::part_of<Constraint, NormConstraintRule<UnitNormOptions>>("UnitNorm", o, NormRule{1, 1, 1})) {}
NonNeg::NonNeg() : Constraint(layers::part_of<Constraint, NonNegRule>()) {}

Json to_config(const Constraint& constraint) {
  return core::serialize("keras.constraints", constraint.class_name(), constraint.impl().config());
}

void from_config(const Json& config, std::optional<Constraint>& constraint) {
  constraint.reset();
  if (config.is_null() || config == false) return;
  const core::Serialized given = core::serialized("constraint", config);
  if (!given.name.empty()) {
    constraint.emplace(given.name);
  } else {
    constraint =
        known_constraints().at(given.class_name, snake_case(given.class_name)).read(given.class_name, given.config);
  }
}

}  // namespace rondo
