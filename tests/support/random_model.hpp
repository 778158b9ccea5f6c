// A model, its data and a way to walk it, drawn from a seed: the same on every machine and with every compiler.
//
// Sizes are small, but for one of them, which often stands just beside a number at which the kernels change their way:
// lanes and panels, rows to a tile, block, pass or run, the depth of a pass. What a model costs is bounded.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/plain/model.hpp"
#include "support/way.hpp"

namespace rondo::test {

// Draws from a seed. std::mt19937_64 is the same everywhere; the distributions of <random> are not, so they are here.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  Index below(Index n) { return static_cast<Index>(random_() % static_cast<std::uint64_t>(n)); }
  Index between(Index least, Index most) { return least + below(most - least + 1); }
  bool percent(Index p) { return below(100) < p; }
  // In [-1, 1), a multiple of 2^-20: the same number in float32 and in float64.
  double signed_unit() { return static_cast<double>(below(Index{1} << 21)) * 0x1p-20 - 1; }
  template <class T>
  const T& of(const std::vector<T>& list) {
    return list[static_cast<std::size_t>(below(static_cast<Index>(list.size())))];
  }

 private:
  std::mt19937_64 random_;
};

struct RandomLayer {
  plain::Layer layer;      // without weights
  bool recompute = false;  // LSTM, GRU
};

struct RandomModel {
  std::uint64_t seed = 0;
  std::vector<RandomLayer> layers;
  std::size_t nested = 0;                      // so many layers, from the second on, stand in a Sequential of their own
  Index samples = 1, steps = 0, features = 1;  // steps 0: no axis of time
  Index batch_size = 1, other_batch_size = 1;  // of fit and predict
  std::string dtype = "float32";               // the policy that bits are compared in
  plain::Loss loss;
  plain::OptimizerOptions optimizer;
  std::string mask = "none";   // random, late (rows begin late), early (rows end early), empty (no row counts)
  bool initial_state = false;  // a lone LSTM: given, and its gradients asked for
  bool shuffle = false;
  Index spare_rows = 0;
  Way other;  // to be compared with one thread on the best target

  bool stateful() const;
  bool has_backwards() const;
};

// Targets are those of this processor, so that the draw differs from machine to machine there; all else is the same.
RandomModel random_model(std::uint64_t seed);

// All of it as JSON, with options only where they differ from Keras's defaults.
std::string to_string(const RandomModel& m);

// The library's model, built, on the target that is set; layers are new each time. Policies: DTypePolicy.
Sequential make_model(const RandomModel& m, const DTypePolicy& policy);
// The layer itself of a lone LSTM with return_state.
Layer make_lstm_with_states(const RandomModel& m, const DTypePolicy& policy);
plain::Model make_plain_model(const RandomModel& m);

// What goes into the model; float64 numbers that float32 has too.
struct RandomData {
  std::vector<Tensor> weights;  // in Keras's order
  Tensor X, y;                  // y fits the loss
  Tensor mask;                  // empty if there is none
  std::vector<Tensor> state;    // h and c of a lone LSTM, or empty
  std::vector<Tensor> cotangents;
};

// Weights are halved until the plain program's numbers are of an ordinary size.
RandomData random_data(const RandomModel& m);

}  // namespace rondo::test
