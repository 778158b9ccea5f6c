// How integers of one unit become integers of another.
#include <algorithm>
#include <cmath>
#include <limits>

#include <rondo/error.hpp>

#include "formats/c_header/operations.hpp"
#include "formats/c_header/source.hpp"

namespace rondo::c_header {

Multipliers multipliers(const std::vector<double>& ratios) {
  double most = 0;
  for (const double r : ratios) most = std::max(most, r);
  if (most == 0) return {std::vector<std::int32_t>(ratios.size()), 1};
  Multipliers m;
  m.shift = std::min(62, 30 - std::ilogb(most));
  if (m.shift < 1) {
    throw ConfigError(
        "export_header: the calibration holds numbers too small to be told from 0 beside the weights; integers need "
        "inputs like those that will come");
  }
  constexpr auto kMost = static_cast<double>(std::numeric_limits<std::int32_t>::max());
  for (const double r : ratios) {
    m.values.push_back(static_cast<std::int32_t>(std::min(kMost, std::round(std::ldexp(r, m.shift)))));
  }
  return m;
}

std::int32_t scaled(std::int64_t v, int shift, std::int32_t limit) {
  v = (v + (std::int64_t{1} << (shift - 1))) >> shift;
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(v, -limit, limit));
}

std::string scale_helper(Source& source) {
  return source.helper(
      "scale",
      R"(/* v / 2^shift to the nearest, within +-limit. (>> of a negative number keeps its sign: so do all compilers.) */
static inline int32_t @scale(int64_t v, int shift, int32_t limit) {
  v = (v + ((int64_t)1 << (shift - 1))) >> shift;
  return v > limit ? limit : v < -limit ? -limit : (int32_t)v;
}
)");
}

std::string scaled_text(Source& source, const std::string& v, int shift, const Value& y) {
  const std::string type = type_of(source.program(), y.buffer);
  return (type == "int32_t" ? "" : "(" + type + ")") + scale_helper(source) + "(" + v + ", " + std::to_string(shift) +
         ", " + std::to_string(source.program().format(y).limit) + ")";
}

}  // namespace rondo::c_header
