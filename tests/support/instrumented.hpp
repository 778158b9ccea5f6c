// What tests leave out under the sanitizers.
#pragma once

namespace rondo::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kInstrumented = true;
#else
constexpr bool kInstrumented = false;
#endif

// How many of a kind: sanitizers make every step about ten times slower and look for errors that show with fewer
// numbers. The release build takes all.
template <class T>
constexpr T all_or_some(T all, T some) {
  return kInstrumented ? some : all;
}

}  // namespace rondo::test
