// An encoder and a decoder, as graphs: sequences of symbols are read, then written backwards.
//
// The encoder's last states are the decoder's first ones. In training the decoder is told the symbol before each one
// that it has to write; afterwards two models are cut out of the trained one, and the decoder is told what it has
// written itself.
#include <iostream>
#include <vector>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

constexpr Index kSymbols = 6, kLength = 5;
constexpr Index kStart = kSymbols;  // what the decoder is told first
using Sequence = std::vector<Index>;

Sequence draw(const RandomStream& random, Index number) {
  Sequence symbols;
  for (Index t = 0; t < kLength; ++t) {
    symbols.push_back(static_cast<Index>(random.below(kSymbols, static_cast<std::uint64_t>(number * kLength + t))));
  }
  return symbols;
}

struct Examples {
  Tensor read, told, written;  // (samples, kLength, one of many)
};

Examples examples(const std::vector<Sequence>& sequences) {
  const auto samples = static_cast<Index>(sequences.size());
  Examples e{Tensor::zeros({samples, kLength, kSymbols}), Tensor::zeros({samples, kLength, kSymbols + 1}),
             Tensor::zeros({samples, kLength, kSymbols})};
  for (Index i = 0; i < samples; ++i) {
    const Sequence& symbols = sequences[static_cast<std::size_t>(i)];
    const Sequence backwards(symbols.rbegin(), symbols.rend());
    for (Index t = 0; t < kLength; ++t) {
      e.read.set({i, t, symbols[static_cast<std::size_t>(t)]}, 1);
      e.told.set({i, t, t == 0 ? kStart : backwards[static_cast<std::size_t>(t - 1)]}, 1);
      e.written.set({i, t, backwards[static_cast<std::size_t>(t)]}, 1);
    }
  }
  return e;
}

}  // namespace

int main() {
  set_random_seed(1);
  const RandomStream random(1, Purpose::user);
  std::vector<Sequence> known, unknown;
  for (Index i = 0; i < 1500; ++i) known.push_back(draw(random, i));
  for (Index i = 0; i < 200; ++i) unknown.push_back(draw(random, 1500 + i));

  const Input source({kLength, kSymbols}), told({kLength, kSymbols + 1});
  const auto [last, h, c] = LSTM(48, {.return_state = true})(source).unpack<3>();
  const LSTM decoder(48, {.return_sequences = true, .return_state = true});
  const Dense writes(kSymbols, {.activation = "softmax"});
  const Model model({source, told}, {writes(decoder(told, {.initial_state = {h, c}})[0])});
  model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "categorical_crossentropy"});
  const Examples e = examples(known);
  const History history = model.fit(Inputs{e.read, e.told}, e.written, {.batch_size = 50, .epochs = 40, .verbose = 0});
  std::cout << "loss after the first epoch " << history["loss"].front() << ", after the last " << history["loss"].back()
            << "\n";

  // The trained layers in two new models: one reads a sequence, one writes a symbol at a time.
  const Model encoder({source}, {h, c});
  const Input one({1, kSymbols + 1}), h_before({48}), c_before({48});
  const auto [y, h_after, c_after] = decoder(one, {.initial_state = {h_before, c_before}}).unpack<3>();
  const Model step({one, h_before, c_before}, {writes(y), h_after, c_after});

  int right = 0;
  for (const Sequence& symbols : unknown) {
    std::vector<Tensor> states = encoder.predict_outputs(examples({symbols}).read, {.verbose = 0});
    Sequence written;
    for (Index t = 0; t < kLength; ++t) {
      Tensor before = Tensor::zeros({1, 1, kSymbols + 1});
      before.set({0, 0, written.empty() ? kStart : written.back()}, 1);
      std::vector<Tensor> next = step.predict_outputs(Inputs{before, states[0], states[1]}, {.verbose = 0});
      written.push_back(argmax(next[0])[0]);
      states = {next[1], next[2]};
    }
    right += written == Sequence(symbols.rbegin(), symbols.rend()) ? 1 : 0;
  }
  std::cout << right << " of " << unknown.size() << " unknown sequences are written backwards without a mistake\n";
  return right > 100 ? 0 : 1;
}
