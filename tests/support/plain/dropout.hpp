// The factors of dropout that Rondo draws, and the generator behind them, written a second time: Philox4x32-10 (Salmon
// et al. 2011) at a counter that says what a number is for.
#pragma once

#include <cstdint>

#include "support/plain/array.hpp"

namespace plain {

struct Draws {
  double rate = 0;
  std::uint64_t seed = 0;
  std::uint32_t purpose = 3;  // 3: of inputs; 5: of the state of a recurrent layer
  std::uint32_t layer = 0, call = 0, training_step = 0;
  std::uint64_t walk = 0;  // of a part that is walked for each time step
};

// Each 0 with probability `rate`, else 1 / (1 - rate). (batch, count, gates): the gates of a number share its draw.
Array shared_factors(const Draws& draws, Size batch, Size count, Size gates);
// The same with a draw for each gate, of which gate g takes number places[g] of four.
Array gate_factors(const Draws& draws, Size batch, Size count, const std::vector<Size>& places);

}  // namespace plain
