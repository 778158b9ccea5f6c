// From the configurations that Keras writes to the plain program's structs, for what Rondo takes too: options that the
// library refuses are not looked for here, so ask it first (support/keras_config.hpp).
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include <rondo/tensor.hpp>

#include "support/plain/model.hpp"

namespace rondo::test {

using Json = nlohmann::ordered_json;

// {"class_name": .., "config": ..} of a layer, or of a Sequential model, whose layers (also of those within it) come
// one after the other. Without weights.
std::vector<plain::Layer> plain_layers(const Json& serialized);
plain::Activation plain_activation(const Json& function);  // {"name": .., "kwargs": ..}
// `arguments` are those of the constructor that the configuration lacks.
plain::Loss plain_loss(const Json& serialized, const Json& arguments = Json::object());
plain::OptimizerOptions plain_optimizer(const Json& serialized);

// (batch, features) or (batch, steps, features). mask: (batch, steps) of numbers, or empty.
plain::Batch plain_batch(const Tensor& x, const Tensor& mask = {});
std::vector<plain::Array> plain_arrays(const std::vector<Tensor>& tensors);

}  // namespace rondo::test
