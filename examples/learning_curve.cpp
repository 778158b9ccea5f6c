// A learning curve, in the terminal and as a picture, and what the training says of itself.
//
//   learning_curve [picture.svg]
#include <cmath>
#include <iostream>

#include <rondo/rondo.hpp>

using namespace rondo;

int main(int argc, char** argv) try {
  set_random_seed(1);

  // A noisy wave, in windows that are too few for so large a model.
  std::vector<double> series;
  const RandomStream random(1, Purpose::user);
  for (std::uint64_t t = 0; t < 160; ++t) {
    series.push_back(std::sin(0.3 * static_cast<double>(t)) + 0.5 * random.normal(t));
  }
  const LagFrame frame = lag_frame(series, {.lags = 12});

  Sequential model;
  model.add(LSTM(48, {.input_shape = {12, 1}}));
  model.add(Dense(1));
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"});
  // At the end, fit says what it has found: the validation's loss has risen again.
  const History history =
      model.fit(as_timesteps(frame), frame.y, {.epochs = 200, .verbose = 3, .validation_split = 0.3});

  const std::string picture = argc > 1 ? argv[1] : "learning_curve.svg";
  plot_history(history, picture);
  std::cout << "picture: " << picture << '\n';
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
