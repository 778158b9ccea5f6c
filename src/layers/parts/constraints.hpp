// The rules behind the public Constraint handles, and their configurations.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include <rondo/constraints.hpp>

#include "engine/weight_rules.hpp"

namespace rondo::detail {

class ConstraintImpl {
 public:
  virtual ~ConstraintImpl() = default;
  virtual std::string class_name() const = 0;
  virtual nlohmann::ordered_json config() const = 0;
  // For a weight of this shape. ShapeError where it cannot be, beginning with the class.
  virtual std::shared_ptr<const engine::Constraint> of_weight(const Shape& shape) const = 0;
};

}  // namespace rondo::detail

namespace rondo {

// Keras's {module, class_name, config, registered_name}; a name alone and null are taken too.
nlohmann::ordered_json to_config(const Constraint& constraint);
void from_config(const nlohmann::ordered_json& config, std::optional<Constraint>& constraint);

}  // namespace rondo
