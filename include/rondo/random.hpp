// Random numbers that are a function of what they are for, never of who drew before.
//
// Every random number in Rondo is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011)
// evaluated at a counter that says what it is for: (seed, purpose, three coordinates, element). No state is advanced,
// so threads and ranks cannot change a value.
#pragma once

#include <array>
#include <cstdint>

#include <rondo/shape.hpp>

namespace rondo {

// What the numbers are for. Streams of different purposes never overlap.
enum class Purpose : std::uint32_t {
  initializer = 1,
  shuffle = 2,
  dropout = 3,
  user = 4,
  recurrent_dropout = 5,
  rows = 6
};

// Seeds everything that Rondo draws afterwards: weights of layers made from now on, shuffling, dropout. It also starts
// the numbering of layers anew, so that a model defined after set_random_seed(s) is the same each time.
// Without it a seed is taken from the operating system once per process; a child of fork() has its parent's.
void set_random_seed(std::uint64_t seed);

// The seed in force.
std::uint64_t random_seed();

// One stream of numbers: element i is a pure function of (seed, purpose, a, b, i). Thread-safe, no state.
class RandomStream {
 public:
  // a and b tell streams of one purpose apart, for example (layer, parameter) or (epoch, 0).
  RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t a = 0, std::uint32_t b = 0);

  // Four times 32 random bits: what the generator gives at once. The other functions take element i's from here.
  std::array<std::uint32_t, 4> block(std::uint64_t i) const;
  // What philox4x32 makes block i of.
  std::array<std::uint32_t, 4> counter(std::uint64_t i) const;
  std::array<std::uint32_t, 2> key() const;
  // 32 random bits.
  std::uint32_t bits(std::uint64_t i) const;
  // Uniform in [0, 1), 53 bits.
  double uniform(std::uint64_t i) const;
  // Standard normal, by Box and Muller's formula in double precision with Rondo's own logarithm and sine.
  double normal(std::uint64_t i) const;
  // An integer in [0, bound), without bias worth naming (64-bit multiply-shift); bound > 0.
  std::uint64_t below(std::uint64_t bound, std::uint64_t i) const;

 private:
  std::uint64_t seed_;
  std::uint32_t purpose_, a_, b_;
};

// The raw generator: ten rounds of Philox4x32 on a counter with a key. Known-answer tested.
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

}  // namespace rondo
