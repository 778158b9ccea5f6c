// The plain program: what Rondo's layers, losses and optimizers compute, written a second time as text books have it.
//
// It shares no code with the library: float64, loops over vectors, std::exp. Whatever Rondo computes with tiles, panels
// and threads is compared with this. Speed is no aim beyond loops that walk rows of matrices in order.
//
// All arrays are row-major: x (batch, steps, inputs) has x[b][t][k] at (b * steps + t) * inputs + k. An empty array
// stands for "none": no bias, a zero initial state, no gradient that arrives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace plain {

using Size = std::size_t;
using Array = std::vector<double>;
using Mask = std::vector<std::uint8_t>;  // (batch, steps); 0: the row skips the step. Empty: every step counts.

}  // namespace plain
