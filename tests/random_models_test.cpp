// Models drawn from seeds, each walked in many ways: support/random_model_checks.cpp has the questions. `./dev fuzz
// models` asks them of as many further models as one likes.
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>

#include "support/instrumented.hpp"
#include "support/random_model_checks.hpp"

namespace rondo::test {
namespace {

const std::uint64_t kModelsPerPart = all_or_some<std::uint64_t>(20, 5);

class RandomModels : public testing::TestWithParam<std::uint64_t> {};

void expect_sound_model(std::uint64_t seed) {
  std::cout << "seed " << seed << std::endl;
  EXPECT_EQ(check_seed(seed), "");
}

TEST_P(RandomModels, KeepAllPromises) {
  for (std::uint64_t i = 0; i < kModelsPerPart; ++i) expect_sound_model(kModelsPerPart * GetParam() + i);
}

INSTANTIATE_TEST_SUITE_P(Part, RandomModels, testing::Range<std::uint64_t>(0, 16));

// The seed that a message names.
TEST(RandomModels, TheGivenOne) {
  const char* given = std::getenv("RONDO_SEED");
  expect_sound_model(given != nullptr ? std::strtoull(given, nullptr, 10) : 0);
}

// FNV-1a over what is drawn from the first seeds. Targets are those of the machine.
TEST(RandomModels, AreTheSameOnEveryMachine) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RandomModel m = random_model(seed);
    m.other.target = "";
    for (const char c : to_string(m)) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  }
  EXPECT_EQ(hash, 11600660902113574684u) << "If the draw was changed on purpose, this is its new number.";
}

}  // namespace
}  // namespace rondo::test
