// The rules behind the public Regularizer handles, and their configurations.
#pragma once

#include <cmath>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include <rondo/regularizers.hpp>

#include "engine/weight_rules.hpp"

namespace rondo::layers {

// A penalty that is a sum over elements: l1 |w| + l2 w^2.
struct ElementPenalty {
  double l1 = 0, l2 = 0;

  double value(double w) const { return l1 * std::abs(w) + l2 * w * w; }
  double slope(double w) const { return (w > 0 ? l1 : w < 0 ? -l1 : 0) + 2 * l2 * w; }
};

}  // namespace rondo::layers

namespace rondo::detail {

class RegularizerImpl {
 public:
  virtual ~RegularizerImpl() = default;
  virtual std::string class_name() const = 0;
  virtual nlohmann::ordered_json config() const = 0;
  // For a weight of this shape. ShapeError where it cannot be, beginning with the class.
  virtual std::shared_ptr<const engine::Penalty> of_weight(const Shape& shape) const = 0;
  // Where the penalty is a sum over elements, as that of an activity must be.
  virtual std::optional<layers::ElementPenalty> of_elements() const { return std::nullopt; }
};

}  // namespace rondo::detail

namespace rondo {

// Keras's {module, class_name, config, registered_name}; a name alone and null are taken too.
nlohmann::ordered_json to_config(const Regularizer& regularizer);
void from_config(const nlohmann::ordered_json& config, std::optional<Regularizer>& regularizer);

}  // namespace rondo
