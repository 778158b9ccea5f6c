// A fixed amount of small work, for instructions.py to count its instructions. (They do not depend on the data: zeros.)
//
//   instruction_probe train  B T I H steps      training steps in one call of fit (Adam, mean squared error)
//   instruction_probe stream 1 1 I H steps      steps of a Stream
//
// One thread, AVX2: what callgrind can execute.
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

constexpr Index kBatches = 64;  // of one epoch: the epoch's own cost all but vanishes beside its steps

void train(Index batch, Index steps, Index features, Index units, Index count) {
  const Tensor X = Tensor::zeros({kBatches * batch, steps, features});
  const Tensor y = Tensor::zeros({kBatches * batch, 1});
  Sequential model{LSTM(units, {.input_shape = {steps, features}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.fit(X, y, {.batch_size = batch, .epochs = count / kBatches, .verbose = 0});
}

void stream(Index features, Index units, Index count) {
  Sequential model{LSTM(units, {.input_shape = {1, features}})};
  Stream steps = model.stream();
  const std::vector<float> x(static_cast<std::size_t>(features), 0.5F);
  std::vector<float> y(static_cast<std::size_t>(units));
  for (Index i = 0; i < count; ++i) steps.step(x, y);
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 7) {
    std::cerr << "usage: instruction_probe train|stream B T I H steps\n";
    return 2;
  }
  const auto number = [&](int i) { return static_cast<Index>(std::atoll(argv[i])); };
  set_num_threads(1);
  set_simd_target("AVX2");
  if (std::string(argv[1]) == "train") {
    train(number(2), number(3), number(4), number(5), number(6));
  } else {
    stream(number(4), number(5), number(6));
  }
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
