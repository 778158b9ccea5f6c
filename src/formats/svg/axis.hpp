// An axis of a chart: which values it shows, where, and at which of them it has ticks.
#pragma once

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace rondo::svg {

// Where the values lie that a chart shows.
struct ValueRange {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool whole_numbers = true;

  // Values that are not finite do not count.
  void include(double value);
  // The range made fit for an axis: never empty, never so wide that a difference overflows.
  ValueRange drawable() const;
};

// From values to pixels, with ticks at 1, 2 or 5 times a power of ten.
struct Axis {
  double low = 0, high = 1;  // values at both ends
  std::vector<double> ticks;
  std::vector<std::string> tick_labels;
  double from = 0, to = 0;  // pixels at both ends

  // Values beyond the ends, where `drawable` has cut, stay at the edge.
  double pixel(double value) const {
    return from + (to - from) * ((std::clamp(value, low, high) - low) / (high - low));
  }
};

// About `wanted` ticks at most, at whole numbers where all values are; `to_ticks` widens the range to the next ticks.
Axis make_axis(const ValueRange& values, double wanted, bool to_ticks);

// An axis of powers of ten, for logarithms to the base 10 of values: about `wanted` ticks at most; where there would be
// fewer than three, also at 2 and 5 times them.
Axis make_log_axis(const ValueRange& logarithms, double wanted);

}  // namespace rondo::svg
