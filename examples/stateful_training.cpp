// Series longer than backpropagation can hold are cut into pieces, and the state is handed on from piece to piece:
// truncated backpropagation through time. docs/stateful.md tells it step by step.
#include <iostream>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

constexpr Index kSeries = 16, kPieces = 40, kSteps = 10;  // 16 series of 400 steps, cut into 40 pieces of 10

struct Pieces {
  Tensor x = Tensor::zeros({kPieces * kSeries, kSteps, 1}), y = Tensor::zeros({kPieces * kSeries, kSteps, 1});
};

// Noise, and a mean of it that forgets slowly: what came 20 steps ago still counts. Batch p has piece p of all series,
// series s always in row s.
Pieces leaky_means(std::uint32_t number) {
  Pieces all;
  for (Index s = 0; s < kSeries; ++s) {
    const RandomStream noise(7, Purpose::user, number, static_cast<std::uint32_t>(s));
    double mean = 0;
    for (Index t = 0; t < kPieces * kSteps; ++t) {
      const double x = noise.normal(static_cast<std::uint64_t>(t));
      mean = 0.95 * mean + 0.3 * x;
      const Index row = t / kSteps * kSeries + s;
      all.x.set({row, t % kSteps, 0}, x);
      all.y.set({row, t % kSteps, 0}, mean);
    }
  }
  return all;
}

// Trained on some series; its error on others.
Sequential trained(bool stateful, double& error) {
  set_random_seed(1);
  Sequential model{Input({kSteps, 1}, {.batch_size = kSeries}),
                   LSTM(16, {.return_sequences = true, .stateful = stateful}), Dense(1)};
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  const Pieces training = leaky_means(0), test = leaky_means(1);
  const auto from_the_start =
      make_callback<LambdaCallback>(LambdaCallback::Functions{.on_epoch_begin = [&](Index) { model.reset_states(); }});
  model.fit(training.x, training.y,
            {.batch_size = kSeries, .epochs = 300, .verbose = 0, .callbacks = {from_the_start}, .shuffle = false});
  model.reset_states();
  error = model.evaluate(test.x, test.y, {.batch_size = kSeries, .verbose = 0}).loss();
  return model;
}

}  // namespace

int main() {
  double without = 0, with = 0;
  trained(false, without);
  const Sequential model = trained(true, with);
  std::cout << "each piece by itself: mean squared error " << without << "\nwith the state handed on: " << with << '\n';

  // In use, one step at a time: a stream keeps the state, whatever the pieces were in training.
  constexpr Index kLong = 5000;
  const RandomStream noise(7, Purpose::user, 2);
  Stream stream = model.stream();
  double y = 0, mean = 0, error = 0;
  for (Index t = 0; t < kLong; ++t) {
    const double x = noise.normal(static_cast<std::uint64_t>(t));
    mean = 0.95 * mean + 0.3 * x;
    stream.step({&x, 1}, {&y, 1});
    error += (y - mean) * (y - mean) / kLong;
  }
  std::cout << "a stream of " << kLong << " steps: " << error << '\n';
}
