// The order in which layers and models were made since the last set_random_seed: it keys the initial weights of the
// ones and the shuffling of the others. They are counted apart, so that a model by list equals one by add.
#pragma once

#include <cstdint>

namespace rondo {

std::uint32_t next_layer_number();
std::uint32_t next_model_number();

}  // namespace rondo
