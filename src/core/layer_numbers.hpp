// The order in which layers were made since the last set_random_seed: it keys their initial weights.
#pragma once

#include <cstdint>

namespace rondo {

std::uint32_t next_layer_number();

}  // namespace rondo
