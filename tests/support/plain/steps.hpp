// What all recurrent layers of the plain program do with the steps of a call: its order of time, its mask, its states.
#pragma once

#include "support/plain/array.hpp"

namespace plain {

// Time step of x and mask that is processed as number t.
template <class Call>
Size time_of(const Call& call, Size t) {
  return call.options.go_backwards ? call.steps - 1 - t : t;
}

template <class Call>
bool counts(const Call& call, Size b, Size t) {
  return call.mask.empty() || call.mask[b * call.steps + time_of(call, t)] != 0;
}

// Whether the output at step t is h: else it is zeros.
template <class Call>
bool shows_state(const Call& call, Size b, Size t) {
  if (call.mask.empty() || counts(call, b, t)) return true;
  if (call.options.zero_output_for_mask) return false;
  for (Size before = 0; before < t; ++before) {
    if (counts(call, b, before)) return true;
  }
  return false;
}

// The state before step t of a row: that after the step before, or the initial one.
template <class Call>
double before(const Array& states, const Array& initial, const Call& call, Size b, Size t, Size u) {
  const Size units = call.weights.units;
  if (t > 0) return states[(b * call.steps + t - 1) * units + u];
  return initial.empty() ? 0 : initial[b * units + u];
}

// What dropout multiplies number k of a row with in the product of a gate.
inline double factor(const Array& factors, Size b, Size k, Size count, Size gate, Size gates) {
  return factors.empty() ? 1 : factors[(b * count + k) * gates + gate];
}

}  // namespace plain
