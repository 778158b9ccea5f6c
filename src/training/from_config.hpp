// From the configurations that Keras writes to models and what they are compiled with: an object {class_name, config},
// or a name alone where there is one.
//
// ConfigError for a class that is not known (with the nearest one), for an option that Rondo does not have or nobody
// knows, for a value of the wrong type. What changes no number is passed over (core/fields.hpp).
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <rondo/losses.hpp>
#include <rondo/metrics.hpp>
#include <rondo/model.hpp>
#include <rondo/optimizers.hpp>

namespace rondo::training {

// Sequential or Functional, without what they are compiled with.
Model model_from_config(const nlohmann::ordered_json& config);
Optimizer optimizer_from_config(const nlohmann::ordered_json& config);
Loss loss_from_config(const nlohmann::ordered_json& config);
Metric metric_from_config(const nlohmann::ordered_json& config);

// Whether this is Keras's name of a tensor: a layer, which of its calls, which of that one's outputs. More may follow.
bool is_tensor_name(const nlohmann::ordered_json& value);

// The same back: what Keras calls serialized.
nlohmann::ordered_json to_config(const Optimizer& optimizer);
nlohmann::ordered_json to_config(const Loss& loss);
nlohmann::ordered_json to_config(const Metric& metric);

}  // namespace rondo::training
