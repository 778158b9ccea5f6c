// Positions as users give them: those below 0 count from the end, as in Python.
#pragma once

#include <optional>

#include <rondo/shape.hpp>

#include "core/range.hpp"

namespace rondo {

// The place of one element among `size`; nothing if there is no such element.
inline std::optional<Index> resolve_position(Index position, Index size) {
  const Index i = position < 0 ? position + size : position;
  if (i < 0 || i >= size) return std::nullopt;
  return i;
}

// The elements [begin, end) among `size`, where end may be kToEnd; nothing if they are not all there.
inline std::optional<Range> resolve_range(Index begin, Index end, Index size) {
  const Range range{begin < 0 ? begin + size : begin, end == kToEnd ? size : end < 0 ? end + size : end};
  if (range.begin < 0 || range.begin > range.end || range.end > size) return std::nullopt;
  return range;
}

// "[1, -1)", "[1, end)", for messages.
inline std::string range_text(Index begin, Index end) {
  return "[" + std::to_string(begin) + ", " + (end == kToEnd ? "end" : std::to_string(end)) + ")";
}

}  // namespace rondo
