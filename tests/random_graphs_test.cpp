// Graphs of layers drawn from seeds, compared with the plain program: support/random_graph_checks.cpp has the
// questions.
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>

#include "support/instrumented.hpp"
#include "support/random_graph_checks.hpp"

namespace rondo::test {
namespace {

constexpr std::uint64_t kGraphsParts = 16;
const std::uint64_t kGraphsPerPart = all_or_some<std::uint64_t>(125, 20);

class RandomGraphs : public testing::TestWithParam<std::uint64_t> {};

void expect_sound_graph(std::uint64_t seed) {
  const std::string wrong = check_graph_seed(seed);
  EXPECT_TRUE(wrong.empty()) << wrong;
}

TEST_P(RandomGraphs, AreNearThePlainProgram) {
  for (std::uint64_t i = 0; i < kGraphsPerPart; ++i) expect_sound_graph(kGraphsPerPart * GetParam() + i);
}

INSTANTIATE_TEST_SUITE_P(Part, RandomGraphs, testing::Range<std::uint64_t>(0, kGraphsParts));

// So that a change of the draw does not quietly leave something out: how often it is in these graphs at least.
TEST(RandomGraphs, HaveAllKindsOfThings) {
  std::map<std::string, int> all;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    for (const auto& [what, times] : census(random_graph(seed))) all[what] += times;
  }
  const std::pair<const char*, int> least[] = {{"Activation", 90},
                                               {"Add", 200},
                                               {"BatchNormalization", 150},
                                               {"Bidirectional", 70},
                                               {"Bidirectional GRU", 25},
                                               {"Bidirectional with a mask", 25},
                                               {"Concatenate", 200},
                                               {"Dense", 300},
                                               {"Dropout", 90},
                                               {"Flatten", 100},
                                               {"GRU", 200},
                                               {"GRU with a mask", 50},
                                               {"GRUCell", 80},
                                               {"LSTM", 300},
                                               {"LSTM with a mask", 60},
                                               {"LSTMCell", 80},
                                               {"Masking", 250},
                                               {"Model", 120},
                                               {"Permute", 60},
                                               {"RNN", 100},
                                               {"RNN with a mask", 25},
                                               {"RepeatVector", 60},
                                               {"Reshape", 60},
                                               {"StackedRNNCells", 30},
                                               {"TimeDistributed", 80},
                                               {"TimeDistributed GRU", 3},
                                               {"TimeDistributed LSTM", 5},
                                               {"TimeDistributed Model", 15},
                                               {"TimeDistributed RNN", 3},
                                               {"TimeDistributed BatchNormalization", 8},
                                               {"Sequential inside", 40},
                                               {"graph inside", 80},
                                               {"fan-out", 400},
                                               {"shared layer", 60},
                                               {"shared model", 8},
                                               {"shared BatchNormalization", 8},
                                               {"shared layer that draws", 10},
                                               {"frozen layer", 50},
                                               {"several inputs", 150},
                                               {"several outputs", 150},
                                               {"masked loss", 40},
                                               {"sample weights", 60},
                                               {"initial state", 60},
                                               {"initial state of RNN", 20},
                                               {"return_state", 80},
                                               {"go_backwards", 80},
                                               {"reset before", 80},
                                               {"dropout inside", 70},
                                               {"recurrent_dropout", 70},
                                               {"any number of steps", 30},
                                               {"1 shards", 80},
                                               {"2 shards", 50},
                                               {"3 shards", 40},
                                               {"8 shards", 40},
                                               {"depth 6", 30},
                                               {"float32", 40}};
  for (const auto& [what, times] : least) EXPECT_GE(all[what], times) << what;
}

// The seed that a message names.
TEST(RandomGraphs, TheGivenOne) {
  const char* given = std::getenv("RONDO_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : 0;
  if (given != nullptr) std::cout << to_string(random_graph(seed)) << std::endl;
  expect_sound_graph(seed);
}

// FNV-1a over what is drawn from the first seeds.
TEST(RandomGraphs, AreTheSameOnEveryMachine) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    for (const char c : to_string(random_graph(seed))) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    }
  }
  EXPECT_EQ(hash, 3213295516487393201u) << "If the draw was changed on purpose, this is its new number.";
}

}  // namespace
}  // namespace rondo::test
