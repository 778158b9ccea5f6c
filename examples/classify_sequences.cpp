// Classification of sequences: two classes with one sigmoid unit, four classes with softmax.
//
// Each sequence is a noisy wave. Two classes: does it rise or fall over its length? Four classes: which of four
// frequencies does it have?
#include <cmath>
#include <iostream>
#include <numbers>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

constexpr Index kSteps = 24;

struct Examples {
  Tensor X;  // (samples, kSteps, 1)
  Tensor y;  // (samples,) class numbers
};

// Rising (1) and falling (0) lines under noise.
Examples trends(Index samples, std::uint32_t part) {
  const RandomStream random(7, Purpose::user, 0, part);
  Examples e{Tensor::zeros({samples, kSteps, 1}), Tensor::zeros({samples})};
  std::uint64_t drawn = 0;
  for (Index i = 0; i < samples; ++i) {
    const bool rising = random.uniform(drawn++) < 0.5;
    for (Index t = 0; t < kSteps; ++t) {
      const double line = static_cast<double>(t) / kSteps - 0.5;
      e.X.set({i, t, 0}, (rising ? line : -line) + 0.3 * random.normal(drawn++));
    }
    e.y.set({i}, rising ? 1 : 0);
  }
  return e;
}

// Waves of 1 to 4 periods, of random phase, under noise.
Examples waves(Index samples, std::uint32_t part) {
  const RandomStream random(7, Purpose::user, 1, part);
  Examples e{Tensor::zeros({samples, kSteps, 1}), Tensor::zeros({samples})};
  std::uint64_t drawn = 0;
  for (Index i = 0; i < samples; ++i) {
    const auto kind = static_cast<Index>(random.below(4, drawn++));
    const double phase = random.uniform(drawn++);
    for (Index t = 0; t < kSteps; ++t) {
      const double turns = static_cast<double>((kind + 1) * t) / kSteps + phase;
      e.X.set({i, t, 0}, std::sin(2 * std::numbers::pi * turns) + 0.2 * random.normal(drawn++));
    }
    e.y.set({i}, static_cast<double>(kind));
  }
  return e;
}

void show(const char* title, const Evaluation& result, const std::vector<Index>& classes, const Tensor& truth) {
  std::cout << title << ": loss " << result.loss() << ", accuracy " << result["accuracy"] << " on unseen sequences\n";
  std::cout << "  first predicted classes";
  for (std::size_t i = 0; i < 12; ++i) std::cout << ' ' << classes[i];
  std::cout << "\n  true ones              ";
  for (Index i = 0; i < 12; ++i) std::cout << ' ' << truth(i);
  std::cout << '\n';
}

}  // namespace

int main() try {
  set_random_seed(1);

  // Two classes: one sigmoid unit and binary crossentropy.
  const Examples train = trends(400, 0), test = trends(200, 1);
  Sequential binary;
  binary.add(LSTM(8, {.input_shape = {kSteps, 1}}));
  binary.add(Dense(1, {.activation = "sigmoid"}));
  binary.compile({.optimizer = "adam", .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  binary.fit(train.X, train.y, {.epochs = 20, .verbose = 2});
  show("rising or falling", binary.evaluate(test.X, test.y, {.verbose = 0}),
       binary.predict_classes(test.X, {.verbose = 0}), test.y);

  // Four classes: softmax and class numbers as labels; a tenth of the data watches the training.
  const Examples many = waves(800, 0), unseen = waves(200, 1);
  Sequential softmax;
  softmax.add(LSTM(16, {.input_shape = {kSteps, 1}}));
  softmax.add(Dense(4));
  softmax.add(Activation("softmax"));
  softmax.compile(
      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  softmax.fit(many.X, many.y, {.epochs = 30, .verbose = 0, .validation_split = 0.1});
  show("number of periods", softmax.evaluate(unseen.X, unseen.y, {.verbose = 0}),
       softmax.predict_classes(unseen.X, {.verbose = 0}), unseen.y);
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
