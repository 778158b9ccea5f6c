// A batch in shards: gradients summed block by block of its rows, then as a tree.
#include <functional>
#include <gtest/gtest.h>
#include <ostream>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using test::ramp;

struct ShardedModel {
  const char* name;
  std::function<Model()> make;
};

void PrintTo(const ShardedModel& one, std::ostream* out) { *out << one.name; }

Model sequential(std::initializer_list<Layer> layers) { return Sequential(layers); }

// Every way in which gradients come about: alone, in chunks of a backward pass, computed again, added up over calls and
// over steps, and from statistics of the batch.
const std::vector<ShardedModel>& cases() {
  static const std::vector<ShardedModel> all{
      {"Dense",
       [] {
         return sequential({Input({12, 3}), Dense(5, {.activation = "tanh"}), LSTM(4), Dense(1)});
       }},
      {"LSTM",
       [] {
         return sequential({Input({12, 3}), LSTM(20), Dense(1)});
       }},
      {"inChunks",
       [] {
         return sequential({Input({40, 3}), LSTM(130), Dense(1)});
       }},
      {"recomputed",
       [] {
         return sequential({Input({40, 3}), LSTM(20, {.recompute = true}), Dense(1)});
       }},
      {"GRU",
       [] {
         return sequential({Input({12, 3}), GRU(20, {.reset_after = false}), Dense(1)});
       }},
      {"bfloat16",
       [] {
         return sequential({Input({12, 3}), LSTM(20, {.dtype = "mixed_bfloat16"}), Dense(1)});
       }},
      {"BatchNormalization",
       [] {
         return sequential({Input({12, 3}), BatchNormalization(), LSTM(7), Dense(1)});
       }},
      {"TimeDistributed",
       [] {
         return sequential({Input({4, 3, 3}), TimeDistributed(LSTM(5)), Bidirectional(LSTM(6)), Dense(1)});
       }},
      {"shared",
       [] {
         const Input a({6, 3});
         const Symbol first = LSTM(5, {.return_sequences = true})(a);
         const LSTM twice(5, {.return_sequences = true});
         return Model(a, Dense(1)(Flatten()(Add()({twice(first), twice(twice(first))}))));
       }},
  };
  return all;
}

class Shards : public testing::TestWithParam<ShardedModel> {
 protected:
  static constexpr Index kSamples = 22;  // batches of 8, 8 and 6

  std::vector<Tensor> trained(Index shards, Index threads, Index batch_size = 8) const {
    set_num_threads(threads);
    set_random_seed(3);
    const Model model = GetParam().make();
    model.compile({.optimizer = SGD({.learning_rate = 0.05}), .loss = "mse"});
    const Tensor X = ramp(model.inputs()[0].shape().with(0, kSamples)), y = ramp({kSamples, 1}, 0.4);
    model.fit(X, y, {.batch_size = batch_size, .epochs = 2, .verbose = 0, .shards = shards});
    set_num_threads(0);
    return model.get_weights();
  }
};

std::vector<std::vector<double>> numbers(const std::vector<Tensor>& tensors) {
  std::vector<std::vector<double>> all;
  for (const Tensor& t : tensors) all.push_back(t.to_vector());
  return all;
}

TEST_P(Shards, HaveTheSameBitsOnAnyThreads) {
  for (const Index shards : {1, 2, 3, 8, 100}) {
    const auto alone = numbers(trained(shards, 1));
    EXPECT_EQ(numbers(trained(shards, 2)), alone) << shards;
    EXPECT_EQ(numbers(trained(shards, 3)), alone) << shards;
  }
}

TEST_P(Shards, SumToTheWholeButForRounding) {
  const auto whole = numbers(trained(1, 1)), cut = numbers(trained(3, 1));
  EXPECT_NE(cut, whole) << "the order of sums is another";
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (std::size_t k = 0; k < whole[i].size(); ++k) EXPECT_NEAR(cut[i][k], whole[i][k], 1e-4) << i << ", " << k;
  }
}

TEST_P(Shards, OfOneRowAreThoseOfABatchThatIsSmaller) {
  // As many as rows, or more: a row each.
  EXPECT_EQ(numbers(trained(8, 1)), numbers(trained(100, 1)));
}

INSTANTIATE_TEST_SUITE_P(Layers, Shards, testing::ValuesIn(cases()),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(ShardsOption, IsOneOrMore) {
  const Sequential model{Input({1}), Dense(1)};
  model.compile({.loss = "mse"});
  test::expect_error<ConfigError>(
      [&] {
        model.fit(ramp({2, 1}), ramp({2, 1}), {.verbose = 0, .shards = 0});
      },
      {"shards is 0", "1 or more"});
}

}  // namespace
}  // namespace rondo
