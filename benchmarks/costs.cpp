// What a feature costs: the training step of a model with it beside that of the same model without it, in turns in one
// process. Medians of quotients, turn by turn, and the range of the middle half; and the fastest turn with it by the
// fastest without, which other programs disturb least.
//
//   costs [turns [word]]     default 41; only the lines with the word, such as dropout
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

#include "line_protocol.hpp"

using namespace rondo;

namespace {

struct Size {
  const char* name;
  Index batch, steps, features, units, layers;
};
constexpr Size kA = {"a", 9, 1, 1, 10, 1}, kB50 = {"b50", 32, 12, 1, 50, 1}, kC64 = {"c64", 32, 24, 8, 64, 1},
               kC128 = {"c128", 64, 96, 32, 128, 1}, kD = {"d", 64, 100, 128, 256, 2};

Tensor random_tensor(const Shape& shape, std::uint32_t stream) {
  const RandomStream random(1, Purpose::user, stream);
  Tensor t = Tensor::zeros(shape, DType::float32);
  std::uint64_t i = 0;
  for (float& v : t.data<float>()) v = static_cast<float>(random.uniform(i++) - 0.5);
  return t;
}

using MakeModel = std::function<Model(const Size&)>;

// So many epochs of data, batch by batch.
using Fit = std::function<void(const Model&, const Tensor& X, const Tensor& y, Index batch, Index epochs)>;

void fit_arrays(const Model& model, const Tensor& X, const Tensor& y, Index batch, Index epochs) {
  model.fit(X, y, {.batch_size = batch, .epochs = epochs, .verbose = 0});
}

// A few batches of a size, fitted again and again; seconds a step.
class Runner {
 public:
  Runner(const Size& size, const MakeModel& make, Fit fit = fit_arrays, Index batches = 4)
      : X_(random_tensor({size.batch * batches, size.steps, size.features}, 1)),
        model_(make(size)),
        fit_(std::move(fit)),
        batch_(size.batch),
        batches_(batches) {
    Shape y = model_.predict(X_, {.batch_size = batch_, .verbose = 0}).shape();
    y_ = random_tensor(y, 2);
    model_.compile({.optimizer = "adam", .loss = "mse"});
    steps_for(0.02);
  }
  double turn() { return run(epochs_); }

 private:
  double run(Index epochs) {
    const auto start = benchmarks::Clock::now();
    fit_(model_, X_, y_, batch_, epochs);
    return benchmarks::seconds_since(start) / static_cast<double>(epochs * batches_);
  }
  // As many epochs as last about so long.
  void steps_for(double seconds) {
    (void)run(2);
    epochs_ = std::max<Index>(1, static_cast<Index>(seconds / (run(4) * static_cast<double>(batches_))));
  }

  Tensor X_, y_;
  Model model_;
  Fit fit_;
  Index batch_, batches_, epochs_ = 1;
};

struct Spread {
  double median, low, high;
};
Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return {values[n / 2], values[n / 4], values[3 * n / 4]};
}

std::string_view wanted;  // empty: all

void compare(std::string_view what, const Size& size, Runner without, Runner other, int turns) {
  std::vector<double> quotients, differences;
  double fastest_without = HUGE_VAL, fastest = HUGE_VAL;
  for (int i = 0; i < turns; ++i) {
    const double first = without.turn(), second = other.turn();
    quotients.push_back(second / first);
    differences.push_back(second - first);
    fastest_without = std::min(fastest_without, first);
    fastest = std::min(fastest, second);
  }
  const Spread q = spread_of(quotients), d = spread_of(differences);
  std::printf("%-34s %-5s %6.3f  [%.3f to %.3f]  %.3f  %+.0f ns a step\n", std::string(what).c_str(), size.name,
              q.median, q.low, q.high, fastest / fastest_without, 1e9 * d.median);
  std::fflush(stdout);
}

void compare(std::string_view what, const Size& size, const MakeModel& base, const MakeModel& with, int turns) {
  if (what.find(wanted) == what.npos) return;
  compare(what, size, Runner(size, base), Runner(size, with), turns);
}

// ---- models --------------------------------------------------------------------------------------------------------

// Recurrent layers under Dense(1); make(l) is layer l, and `before` comes first.
Sequential stack(const Size& size, const std::function<Layer(Index)>& make, const std::vector<Layer>& before = {}) {
  Sequential model{Input({size.steps, size.features})};
  for (const Layer& layer : before) model.add(layer);
  for (Index l = 0; l < size.layers; ++l) model.add(make(l));
  model.add(Dense(1));
  return model;
}

template <class Options>
Options in_stack(const Size& size, Index layer, Options options = {}) {
  options.return_sequences = layer + 1 < size.layers;
  return options;
}

Model lstm(const Size& s) {
  return stack(s, [&](Index l) { return LSTM(s.units, in_stack<LSTMOptions>(s, l)); });
}
Model lstm_dropped(const Size& s) {
  return stack(s, [&](Index l) { return LSTM(s.units, in_stack<LSTMOptions>(s, l, {.recurrent_dropout = 0.2})); });
}
Model gru(const Size& s) {
  return stack(s, [&](Index l) { return GRU(s.units, in_stack<GRUOptions>(s, l)); });
}
Model gru_dropped(const Size& s) {
  return stack(s, [&](Index l) { return GRU(s.units, in_stack<GRUOptions>(s, l, {.recurrent_dropout = 0.2})); });
}
Model masked(const Size& s) {  // no step of the data is 9
  return stack(s, [&](Index l) { return LSTM(s.units, in_stack<LSTMOptions>(s, l)); }, {Masking({.mask_value = 9})});
}
Model bidirectional(const Size& s) {
  return stack(s, [&](Index l) { return Bidirectional(LSTM(s.units, in_stack<LSTMOptions>(s, l))); });
}
Model functional(const Size& s) {
  const Symbol x = Input({s.steps, s.features});
  return Model({x}, {Dense(1)(LSTM(s.units)(x))});
}
Model nested(const Size& s) {
  return Sequential{Input({s.steps, s.features}), Sequential{Sequential{LSTM(s.units)}}, Sequential{Dense(1)}};
}
Model every_step(const Size& s, const Layer& dense) {
  return Sequential{Input({s.steps, s.features}), LSTM(s.units, {.return_sequences = true}), dense};
}
Model dense_each_step(const Size& s) { return every_step(s, Dense(8)); }
Model time_distributed(const Size& s) { return every_step(s, TimeDistributed(Dense(8))); }

// ---- data ----------------------------------------------------------------------------------------------------------

void fit_weighted(const Model& model, const Tensor& X, const Tensor& y, Index batch, Index epochs) {
  const Tensor weights = random_tensor({X.shape()[0]}, 3);
  model.fit(X, y, {.batch_size = batch, .epochs = epochs, .verbose = 0, .sample_weight = weights});
}

// Numbers of float32 as a .npy file.
void write_npy(const char* path, const Tensor& tensor) {
  std::string shape;
  for (Index axis = 0; axis < tensor.rank(); ++axis) shape += std::to_string(tensor.shape()[axis]) + ", ";
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.resize(117, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << "\x93NUMPY" << '\1' << '\0' << static_cast<char>(header.size()) << '\0' << header;
  const auto numbers = tensor.data<float>();
  file.write(reinterpret_cast<const char*>(numbers.data()), static_cast<std::streamsize>(numbers.size_bytes()));
}

void fit_file(const Model& model, const Tensor& X, const Tensor& y, Index batch, Index epochs) {
  static Shape written;
  if (written != X.shape()) {
    write_npy("costs_X.npy", X);
    write_npy("costs_y.npy", y);
    written = X.shape();
  }
  RowBatches batches(Rows::npy("costs_X.npy"), Rows::npy("costs_y.npy"), {.batch_size = batch});
  model.fit(batches, {.epochs = epochs, .verbose = 0, .shuffle = false});
}

void compare_data(std::string_view what, const Size& size, const Fit& with, Index batches, int turns) {
  if (what.find(wanted) == what.npos) return;
  compare(what, size, Runner(size, lstm, fit_arrays, batches), Runner(size, lstm, with, batches), turns);
}

// ---- lengths -------------------------------------------------------------------------------------------------------

// Batches of the lengths 1 to 200, each so often; in turn, or one length after the other.
class Lengths : public DataSource {
 public:
  Lengths(bool in_turn, Index times) {
    for (Index n = 0; n < kLengths * times; ++n) {
      const Index number = in_turn ? n % kLengths : n / times, steps = 1 + number * 73 % kLengths;
      batches_.push_back({Tensor::zeros({1, steps, 1}), Tensor::zeros({1, 1})});
    }
  }
  Index batches() const override { return std::ssize(batches_); }
  Batch batch(Index number) override { return batches_[static_cast<std::size_t>(number)]; }

 private:
  static constexpr Index kLengths = 200;
  std::vector<Batch> batches_;
};

void change_of_length(Index units, int turns) {
  if (std::string_view("a change of length").find(wanted) == std::string_view::npos) return;
  Sequential model{Input({Shape::kUnknown, 1}), LSTM(units), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  Lengths in_turn(true, 20), one_by_one(false, 20);
  const auto seconds = [&](Lengths& lengths) {
    const auto start = benchmarks::Clock::now();
    model.fit(lengths, {.epochs = 1, .verbose = 0, .shuffle = false});
    return benchmarks::seconds_since(start) / static_cast<double>(lengths.batches());
  };
  (void)seconds(in_turn);
  std::vector<double> differences;
  for (int i = 0; i < turns; ++i) {
    const double without = seconds(one_by_one);
    differences.push_back(seconds(in_turn) - without);
  }
  const Spread d = spread_of(differences);
  std::printf("a change of length, %ld units: %.2f us  [%.2f to %.2f]\n", static_cast<long>(units), 1e6 * d.median,
              1e6 * d.low, 1e6 * d.high);
}

}  // namespace

int main(int argc, char** argv) {
  const int turns = argc > 1 ? std::atoi(argv[1]) : 41;
  if (argc > 2) wanted = argv[2];
  set_num_threads(1);
  std::printf("%-34s size  median   middle half     fastest\n", "with, by without");
  for (const Size& s : {kB50, kC64, kC128, kD}) compare("GRU, by LSTM", s, lstm, gru, turns);
  for (const Size& s : {kB50, kC64, kC128}) compare("recurrent_dropout, LSTM", s, lstm, lstm_dropped, turns);
  for (const Size& s : {kB50, kC64, kC128}) compare("recurrent_dropout, GRU", s, gru, gru_dropped, turns);
  for (const Size& s : {kB50, kC64, kC128}) compare("a mask that skips nothing", s, lstm, masked, turns);
  for (const Size& s : {kB50, kC64, kC128}) compare("Bidirectional, by one direction", s, lstm, bidirectional, turns);
  for (const Size& s : {kA, kB50}) {
    compare("Model({x}, {y}), by Sequential", s, lstm, functional, turns);
    compare("models in a model, by Sequential", s, lstm, nested, turns);
    compare("TimeDistributed(Dense), by Dense", s, dense_each_step, time_distributed, turns);
  }
  for (const Size& s : {kB50, kC64}) compare_data("sample weights", s, fit_weighted, 4, turns);
  for (const Size& s : {kA, kB50, kC64, kC128}) compare_data("rows of files, by arrays", s, fit_file, 200, turns);
  for (const char* file : {"costs_X.npy", "costs_y.npy"}) std::remove(file);
  for (const Index units : {4, 50, 128}) change_of_length(units, turns);
}
