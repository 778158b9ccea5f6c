// Floating-point arithmetic by the standard's rules, whatever the host has set for its threads.
//
// Audio and game engines let their threads flush denormal numbers to zero, and some programs change the rounding mode.
// Either would make bits depend on which thread walks which rows: threads inherit the mode of the one that starts them.
#pragma once

#include <cstdint>
#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace rondo {

// For a scope: rounding to nearest, denormals kept, no traps. Costs one read of the mode where nothing must change.
class StandardFloats {
 public:
  StandardFloats() : mode_(mode()) {
    if (mode_ != kStandard) set_mode(kStandard);
  }
  ~StandardFloats() {
    if (mode_ != kStandard) set_mode(mode_);
  }
  StandardFloats(const StandardFloats&) = delete;
  StandardFloats& operator=(const StandardFloats&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr std::uint64_t kStandard = 0x1f80;
  static std::uint64_t mode() { return _mm_getcsr() & ~0x3fu; }  // without the flags of what has happened
  static void set_mode(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
  static constexpr std::uint64_t kStandard = 0;
  static std::uint64_t mode() {
    std::uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
  }
  static void set_mode(std::uint64_t mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }
#else
  static constexpr std::uint64_t kStandard = 0;
  static std::uint64_t mode() { return kStandard; }
  static void set_mode(std::uint64_t) {}
#endif

  std::uint64_t mode_;
};

// The value, computed before the scope of StandardFloats ends: a compiler knows nothing of the mode and moves the last
// operation of what a function returns behind its change. (What is written to memory or handed on stays in place.)
inline double computed_here(double value) {
  __asm__ volatile("" : "+m"(value));
  return value;
}

}  // namespace rondo
