// Which sanitizer the library under test was built with, and what tests leave out then. (Asked when a test runs: tests
// themselves are compiled alike with and without the address sanitizer.)
#pragma once

namespace rondo::test {

enum class Sanitizer { none, address, thread };

Sanitizer sanitizer();

inline bool instrumented() { return sanitizer() != Sanitizer::none; }

// Whether asking for more memory than there is fails like malloc; the sanitizers end the program.
inline bool memory_may_end() { return !instrumented(); }

// How many of a kind: sanitizers make every step about ten times slower and look for errors that show with fewer
// numbers. The release build takes all.
template <class T>
T all_or_some(T all, T some) {
  return instrumented() ? some : all;
}

}  // namespace rondo::test
