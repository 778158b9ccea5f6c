// From the configurations of golden cases to Rondo's objects, by the library's own readers: with the dtype of a run,
// and NotSupported, which has the kind of what is missing, instead of a ConfigError.
#pragma once

#include <memory>
#include <optional>

#include <rondo/rondo.hpp>

#include "graph/layer_node.hpp"
#include "support/golden_check.hpp"

namespace rondo::golden {

// {"class_name": .., "config": ..} of a layer, or of a Sequential or Functional model, all of whose layers take this
// dtype.
std::shared_ptr<graph::LayerNode> layer_from(const Json& serialized, DType dtype);
Model model_from(const Json& serialized, DType dtype);

// {"name": "relu", "kwargs": {..}}, for data of this rank.
ActivationFn activation_from(const Json& function, Index rank);

// A name, or a serialized object. `arguments` are those of the constructor that the configuration lacks.
Loss loss_from(const Json& serialized, const Json& arguments = Json::object());
Metric metric_from(const Json& serialized);
Optimizer optimizer_from(const Json& serialized);
std::optional<Constraint> constraint_from(const Json& serialized);
LearningRateSchedule schedule_from(const Json& serialized);

// NotSupported("<what> <key>") for a key of `object` outside `known`, unless its value is null or false.
void refuse_other_keys(const std::string& what, const Json& object, const std::vector<std::string>& known);

}  // namespace rondo::golden
