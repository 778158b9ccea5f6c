// A half-open range of rows, tiles or elements, and how a team of threads shares one.
#pragma once

#include <rondo/shape.hpp>

namespace rondo {

struct Range {
  Index begin = 0;
  Index end = 0;
  Index size() const { return end - begin; }
  bool empty() const { return begin >= end; }
  friend bool operator==(const Range&, const Range&) = default;
};

// The part of [0, count) that member `rank` of `team` takes: contiguous, in order, sizes differ by at most one.
inline Range share(Index count, Index rank, Index team) {
  if (team == 1)
    return {0, count};  // small steps run on one thread, and a division takes as long as some of their work
  return {count * rank / team, count * (rank + 1) / team};
}

constexpr Index round_up(Index n, Index multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace rondo
