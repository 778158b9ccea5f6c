// From the public ActivationFn to the kernels' Activation, and to and from configurations.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <rondo/activations.hpp>

#include "kernels/activation.hpp"

namespace rondo::detail {

struct ActivationAccess {
  static kernels::Activation kernel(const ActivationFn& fn);
  static ActivationFn make(std::string name, const kernels::Activation& kernel);
};

}  // namespace rondo::detail

namespace rondo::layers {

kernels::Activation kernel_of(const ActivationFn& fn);
// That of a layer's option, which its configuration holds.
kernels::Activation kernel_of(const nlohmann::ordered_json& config, const char* option);

}  // namespace rondo::layers

namespace rondo {

// A name, or null for linear. ConfigError for parameters that differ from the name's, which have no place there.
nlohmann::ordered_json to_config(const ActivationFn& fn);
void from_config(const nlohmann::ordered_json& config, ActivationFn& fn);

}  // namespace rondo
