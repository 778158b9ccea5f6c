// The five steps on the smallest example there is: learn that 0.1, 0.2, ... 0.9 follow 0.0, 0.1, ... 0.8.
//
// This is the worked example of "The 5 Step Life-Cycle for Long Short-Term Memory Models in Keras" (2017), step by
// step.
#include <chrono>
#include <cstdio>

#include <rondo/rondo.hpp>

using namespace rondo;

int main() {
  set_random_seed(1);

  // Create the sequence and turn it into pairs: the value of a step, and of the step after.
  std::vector<double> sequence;
  for (int i = 0; i < 10; ++i) sequence.push_back(i / 10.0);
  const LagFrame frame = lag_frame(sequence, {.lags = 1});
  const Tensor X = as_timesteps(frame);  // (samples, timesteps, features) = (9, 1, 1)
  const Tensor y = frame.y;              // (9, 1)

  // 1. Define the network.
  Sequential model;
  model.add(LSTM(10, {.input_shape = {1, 1}}));
  model.add(Dense(1));
  model.summary();

  // 2. Compile it.
  model.compile({.optimizer = "adam", .loss = "mean_squared_error"});

  // 3. Fit it.
  const auto start = std::chrono::steady_clock::now();
  const History history = model.fit(X, y, {.batch_size = X.shape()[0], .epochs = 1000, .verbose = 0});
  const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - start;
  std::printf("epoch     loss\n");
  for (const Index epoch : {1, 10, 100, 1000}) {
    std::printf("%5ld   %.6f\n", static_cast<long>(epoch), history["loss"][static_cast<std::size_t>(epoch - 1)]);
  }
  std::printf("1000 epochs took %.2f ms\n\n", time.count());

  // 4. Evaluate it.
  const double loss = model.evaluate(X, y, {.verbose = 0}).loss();
  std::printf("evaluate: loss %.3e\n\n", loss);

  // 5. Make predictions.
  const Tensor predictions = model.predict(X, {.verbose = 0});
  std::printf("input   truth   prediction\n");
  for (Index i = 0; i < X.shape()[0]; ++i) {
    std::printf("  %.1f     %.1f      %.4f\n", X(i, 0, 0), y(i, 0), predictions(i, 0));
  }
}
