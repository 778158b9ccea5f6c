#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <vector>

#include <rondo/random.hpp>

#include "core/shuffle.hpp"

namespace rondo {
namespace {

using Block = std::array<std::uint32_t, 4>;

// The known answers that come with the paper's own implementation (Random123, kat_vectors).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox4x32({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  constexpr std::uint32_t kOnes = 0xffffffff;
  EXPECT_EQ(philox4x32({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  // Digits of pi.
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, IsAFunctionOfSeedPurposeCoordinatesAndElement) {
  const RandomStream stream(1, Purpose::user, 2, 3);
  EXPECT_EQ(stream.bits(7), RandomStream(1, Purpose::user, 2, 3).bits(7));
  std::set<std::uint32_t> drawn;
  const auto draw = [&](const RandomStream& s) {
    for (std::uint64_t i = 0; i < 100; ++i) drawn.insert(s.bits(i));
  };
  draw(stream);
  draw(RandomStream(2, Purpose::user, 2, 3));
  draw(RandomStream(1, Purpose::shuffle, 2, 3));
  draw(RandomStream(1, Purpose::user, 3, 3));
  draw(RandomStream(1, Purpose::user, 2, 4));
  draw(RandomStream((std::uint64_t{1} << 32) + 1, Purpose::user, 2, 3));
  // Of 600 words of 32 bits, two are equal with probability 4e-5.
  EXPECT_EQ(drawn.size(), 600u);
  EXPECT_NE(stream.bits(1), stream.bits((std::uint64_t{1} << 32) + 1)) << "elements beyond 32 bits count";
}

// Seeds give the same numbers in every version: 53 bits, the high ones of the first word and of the second.
TEST(RandomStream, UniformNumbersAreMadeOfTheFirstTwoWords) {
  const RandomStream stream(0x100000002, Purpose::user, 3, 4);
  const std::uint32_t purpose = static_cast<std::uint32_t>(Purpose::user) << 24;
  for (const std::uint32_t i : {0u, 1u, 77u}) {
    const Block w = philox4x32({i, purpose, 3, 4}, {2, 1});
    const double expected = std::ldexp(w[0], -32) + std::ldexp(w[1] >> 11, -53);
    EXPECT_EQ(stream.uniform(i), expected) << i;
  }
}

TEST(RandomStream, UniformNumbersFillTheUnitIntervalEvenly) {
  const RandomStream stream(42, Purpose::user);
  constexpr int kDraws = 100000, kBins = 20;
  std::vector<int> bins(kBins, 0);
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = stream.uniform(static_cast<std::uint64_t>(i));
    ASSERT_TRUE(u >= 0 && u < 1) << u;
    ++bins[static_cast<std::size_t>(u * kBins)];
    sum += u;
  }
  // Mean 1/2 with a standard error of 0.0009; chi square of 19 degrees is above 43.8 once in a thousand seeds.
  EXPECT_NEAR(sum / kDraws, 0.5, 0.004);
  double chi_square = 0;
  for (const int n : bins) chi_square += std::pow(n - kDraws / kBins, 2) / (static_cast<double>(kDraws) / kBins);
  EXPECT_LT(chi_square, 43.8);
}

TEST(RandomStream, NormalNumbersHaveTheirMomentsAndTails) {
  const RandomStream stream(42, Purpose::user);
  constexpr int kDraws = 100000;
  double sum = 0, squares = 0, fourth = 0;
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double z = stream.normal(static_cast<std::uint64_t>(i));
    sum += z;
    squares += z * z;
    fourth += z * z * z * z;
    beyond_two += std::abs(z) > 2 ? 1 : 0;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.015);  // four standard errors
  EXPECT_NEAR(std::sqrt(squares / kDraws), 1, 0.01);
  EXPECT_NEAR(fourth / kDraws, 3, 0.13);
  EXPECT_NEAR(static_cast<double>(beyond_two) / kDraws, 0.0455, 0.003);
}

TEST(RandomStream, BelowGivesEveryIntegerAsOften) {
  const RandomStream stream(42, Purpose::user);
  std::vector<int> counts(7, 0);
  for (std::uint64_t i = 0; i < 70000; ++i) ++counts[stream.below(7, i)];
  for (const int n : counts) EXPECT_NEAR(n, 10000, 400);  // four standard deviations
  EXPECT_EQ(stream.below(1, 5), 0u);
}

TEST(Shuffle, PutsEverySampleEverywhereAsOften) {
  constexpr int kDraws = 60000;
  for (const std::size_t size : {2u, 4u, 5u, 7u}) {
    std::vector<std::vector<int>> counts(size, std::vector<int>(size));  // [sample][position]
    for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
      std::vector<Index> order(size);
      shuffle(order, 0, RandomStream(42, Purpose::shuffle, 0, draw));
      for (std::size_t at = 0; at < size; ++at) ++counts[static_cast<std::size_t>(order[at])][at];
    }
    const double share = static_cast<double>(kDraws) / static_cast<double>(size);
    for (const std::vector<int>& sample : counts) {
      for (const int n : sample) EXPECT_NEAR(n, share, 4.5 * std::sqrt(share)) << size;  // standard deviations
    }
  }
}

TEST(Shuffle, GivesEveryOrderAsOften) {
  // Neighbours share a block of the generator: all 24 orders of 4 samples must come all the same.
  constexpr int kDraws = 48000;
  std::map<std::vector<Index>, int> counts;
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
    std::vector<Index> order(4);
    shuffle(order, 0, RandomStream(7, Purpose::shuffle, 1, draw));
    ++counts[order];
  }
  EXPECT_EQ(counts.size(), 24u);
  for (const auto& [order, n] : counts) EXPECT_NEAR(n, kDraws / 24, 180);  // four standard deviations
}

TEST(RandomSeed, IsTheOneThatWasSet) {
  set_random_seed(123456789012345);
  EXPECT_EQ(random_seed(), 123456789012345u);
}

}  // namespace
}  // namespace rondo
