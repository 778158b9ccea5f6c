// Trainings that nobody would call sick, of many kinds: the diagnosis has nothing to say of any.
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <numbers>
#include <ostream>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/trained.hpp"

namespace rondo {
namespace {

using test::noise;
using test::Outcome;
using test::Problem;
using test::train;
using Function = std::function<double(double)>;

double sine(double t) { return std::sin(0.3 * t); }
double two_waves(double t) { return 0.6 * std::sin(0.25 * t) + 0.4 * std::sin(0.7 * t); }

double chance(Index i) { return RandomStream(4, Purpose::user).uniform(static_cast<std::uint64_t>(i)); }
Index dice(Index sides, Index i) {
  return static_cast<Index>(
      RandomStream(5, Purpose::user).below(static_cast<std::uint32_t>(sides), static_cast<std::uint64_t>(i)));
}

std::vector<double> series_of(const Function& f, Index length, double with_noise = 0) {
  std::vector<double> series;
  for (Index t = 0; t < length; ++t) series.push_back(f(static_cast<double>(t)) + with_noise * noise(t));
  return series;
}

// The value after each window.
Problem windows(const Tensor& series, Dim lags) {
  const LagFrame frame = lag_frame(series, {.lags = lags});
  return {as_timesteps(frame), frame.y};
}
Problem flat_windows(const Tensor& series, Dim lags) {
  const LagFrame frame = lag_frame(series, {.lags = lags});
  return {frame.X, frame.y};
}

// y(i, ...) = f(sample i of X), X drawn by `draw`.
Problem samples(Index count, const Shape& sample, const std::function<double(Index)>& draw, const Shape& label,
                const std::function<double(const std::vector<double>& x, Index place)>& f) {
  Problem p{Tensor(sample.prepend(count), DType::float64), Tensor(label.prepend(count), DType::float64)};
  const auto numbers = static_cast<std::size_t>(sample.elements());
  for (Index i = 0; i < count; ++i) {
    std::vector<double> x(numbers);
    for (std::size_t k = 0; k < numbers; ++k) x[k] = draw(i * sample.elements() + static_cast<Index>(k));
    std::copy(x.begin(), x.end(), p.X.data<double>().begin() + i * sample.elements());
    for (Index k = 0; k < label.elements(); ++k) {
      p.y.data<double>()[static_cast<std::size_t>(i * label.elements() + k)] = f(x, k);
    }
  }
  return p;
}

double sum_of(const std::vector<double>& x, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += x[i];
  return sum;
}

Tensor scaled(const Tensor& series, double low = 0, double high = 1) {
  MinMaxScaler scaler({.feature_range = {low, high}});
  return scaler.fit_transform(series);
}
Tensor airline() { return read_csv(RONDO_EXAMPLES_DATA_DIR "/airline_passengers.csv").numbers("Passengers"); }
Tensor sunspots() { return read_csv(RONDO_EXAMPLES_DATA_DIR "/sunspots.csv").numbers("Sunspots"); }

// Each time step is one of `kinds` numbers, as a row with a 1.
Tensor one_hot(const std::vector<std::vector<Index>>& numbers, Index kinds) {
  const auto count = static_cast<Index>(numbers.size()), steps = static_cast<Index>(numbers.front().size());
  Tensor rows = Tensor::zeros({count, steps, kinds});
  for (Index i = 0; i < count; ++i) {
    for (Index t = 0; t < steps; ++t) {
      rows.set({i, t, numbers[static_cast<std::size_t>(i)][static_cast<std::size_t>(t)]}, 1);
    }
  }
  return rows;
}

// Waves of one to so many periods in noise, and how many there are.
Problem kinds_of_waves(Index count, Index kinds) {
  Problem p{Tensor::zeros({count, 16, 1}), Tensor::zeros({count})};
  for (Index i = 0; i < count; ++i) {
    const Index kind = dice(kinds, i);
    for (Index t = 0; t < 16; ++t) {
      const double turns = static_cast<double>((kind + 1) * t) / 16 + chance(i);
      p.X.set({i, t, 0}, std::sin(2 * std::numbers::pi * turns) + 0.1 * noise(i * 16 + t));
    }
    p.y.set({i}, static_cast<double>(kind));
  }
  return p;
}

// Clouds of points around so many centres.
Problem clouds(Index count, Index kinds) {
  Problem p{Tensor::zeros({count, 2}), Tensor::zeros({count})};
  for (Index i = 0; i < count; ++i) {
    const Index kind = i % kinds;
    const double angle = 2 * std::numbers::pi * static_cast<double>(kind) / static_cast<double>(kinds);
    p.X.set({i, 0}, 2 * std::cos(angle) + 0.4 * noise(2 * i));
    p.X.set({i, 1}, 2 * std::sin(angle) + 0.4 * noise(2 * i + 1));
    p.y.set({i}, static_cast<double>(kind));
  }
  return p;
}

Tensor classes_as_rows(const Tensor& numbers, Index kinds) {
  Tensor rows = Tensor::zeros({numbers.size(), kinds});
  for (Index i = 0; i < numbers.size(); ++i) rows.set({i, static_cast<Index>(numbers(i))}, 1);
  return rows;
}

// Sequences that end early, behind which stand zeros: the label of a step is whether it exceeds the one before.
Problem padded_sequences(Index count, Index steps) {
  Problem p{Tensor::zeros({count, steps, 1}), Tensor::zeros({count, steps})};
  for (Index i = 0; i < count; ++i) {
    const Index length = steps / 2 + dice(steps / 2, i);
    for (Index t = 0; t < length; ++t) {
      p.X.set({i, t, 0}, 0.1 + chance(i * steps + t));
      p.y.set({i, t}, t > 0 && p.X(i, t, 0) > p.X(i, t - 1, 0) ? 1 : 0);
    }
  }
  return p;
}

struct Training {
  const char* name;
  std::function<Outcome()> run;
};
void PrintTo(const Training& t, std::ostream* out) { *out << t.name; }

const Problem& sine_windows() {
  static const Problem p = windows(series_of(sine, 300), 10);
  return p;
}

std::vector<Training> forecasts() {
  return {
      {"sine_lstm_adam",
       [] {
         return train(Sequential{LSTM(8), Dense(1)}, {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"},
                      sine_windows(), {.epochs = 30});
       }},
      {"sine_gru_rmsprop",
       [] {
         return train(Sequential{GRU(8), Dense(1)}, {.optimizer = RMSprop({.learning_rate = 0.005}), .loss = "mse"},
                      sine_windows(), {.batch_size = 16, .epochs = 25});
       }},
      {"sine_sgd_momentum",
       [] {
         return train(Sequential{LSTM(12), Dense(1)},
                      {.optimizer = SGD({.learning_rate = 0.05, .momentum = 0.9}), .loss = "mse"}, sine_windows(),
                      {.batch_size = 8, .epochs = 40});
       }},
      {"sine_with_a_relu_layer",
       [] {
         return train(Sequential{LSTM(16), Dense(16, {.activation = "relu"}), Dense(1)},
                      {.optimizer = "adam", .loss = "mse"}, sine_windows(), {.batch_size = 10, .epochs = 40});
       }},
      {"two_waves_stacked_adamax",
       [] {
         return train(Sequential{LSTM(12, {.return_sequences = true}), LSTM(8), Dense(1)},
                      {.optimizer = Adamax({.learning_rate = 0.01}), .loss = "mse"},
                      windows(series_of(two_waves, 250), 12), {.epochs = 40});
       }},
      {"two_waves_bidirectional_nadam",
       [] {
         return train(Sequential{Bidirectional(LSTM(8)), Dense(1)},
                      {.optimizer = Nadam({.learning_rate = 0.005}), .loss = "mse"},
                      windows(series_of(two_waves, 250), 12), {.epochs = 40});
       }},
      {"noisy_sine_with_dropout_and_validation",
       [] {
         return train(Sequential{LSTM(16), Dropout(0.2), Dense(1)},
                      {.optimizer = Adam({.learning_rate = 0.005}), .loss = "mse"},
                      windows(series_of(sine, 400, 0.1), 10), {.epochs = 30, .validation_split = 0.25});
       }},
      {"sine_absolute_error",
       [] {
         return train(Sequential{GRU(10), Dense(1)}, {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mae"},
                      sine_windows(), {.epochs = 30});
       }},
      {"sine_huber_float64",
       [] {
         return train(Sequential{LSTM(8, {.dtype = DType::float64}), Dense(1, {.dtype = DType::float64})},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "huber"}, sine_windows(), {.epochs = 25});
       }},
      {"sine_dense_on_windows",
       [] {
         return train(Sequential{Dense(20, {.activation = "relu"}), Dense(1)}, {.optimizer = "adam", .loss = "mse"},
                      flat_windows(series_of(sine, 300), 8), {.epochs = 60});
       }},
      {"sine_three_steps_ahead",
       [] {
         Problem p{Tensor::zeros({200, 10, 1}), Tensor::zeros({200, 3})};
         for (Index i = 0; i < 200; ++i) {
           for (Index t = 0; t < 10; ++t) p.X.set({i, t, 0}, sine(static_cast<double>(i + t)));
           for (Index k = 0; k < 3; ++k) p.y.set({i, k}, sine(static_cast<double>(i + 10 + k)));
         }
         return train(Sequential{LSTM(16), Dense(3)}, {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"}, p,
                      {.epochs = 30});
       }},
      {"airline_windows_batch_of_one",
       [] {
         return train(Sequential{LSTM(4), Dense(1)}, {.optimizer = "adam", .loss = "mse"},
                      windows(scaled(airline()), 12), {.batch_size = 1, .epochs = 60});
       }},
      {"airline_one_lag",
       [] {
         return train(Sequential{LSTM(4), Dense(1)}, {.optimizer = "adam", .loss = "mse"},
                      windows(scaled(airline()), 1), {.batch_size = 1, .epochs = 100});
       }},
      {"airline_lags_as_features",
       [] {
         const LagFrame frame = lag_frame(scaled(airline()), {.lags = 3});
         return train(Sequential{LSTM(4), Dense(1)}, {.optimizer = "adam", .loss = "mse"},
                      {as_features(frame), frame.y}, {.batch_size = 1, .epochs = 60});
       }},
      {"airline_seasonal_differences",
       [] {
         return train(Sequential{LSTM(16), Dense(1)}, {.optimizer = Adam({.learning_rate = 0.005}), .loss = "mse"},
                      windows(scaled(difference(airline(), 12), -1, 1), 12), {.batch_size = 16, .epochs = 100});
       }},
      {"airline_stateful",
       [] {
         const Sequential model{LSTM(4, {.stateful = true}), Dense(1)};
         return train(model, {.optimizer = "adam", .loss = "mse"}, windows(scaled(airline()), 3),
                      {.batch_size = 1, .epochs = 40});
       }},
      {"sunspots_gru_with_validation",
       [] {
         return train(Sequential{GRU(12), Dense(1)}, {.optimizer = Adam({.learning_rate = 0.005}), .loss = "mse"},
                      windows(scaled(sunspots()), 12), {.batch_size = 16, .epochs = 40, .validation_split = 0.3});
       }},
  };
}

std::vector<Training> sums_and_counts() {
  const auto uniform = [](Index i) { return chance(i); };
  const auto coin = [](Index i) { return chance(i) < 0.5 ? 0.0 : 1.0; };
  return {
      {"the_tutorials_tenths",
       [] {
         std::vector<double> tenths;
         for (int i = 0; i < 10; ++i) tenths.push_back(i / 10.0);
         return train(Sequential{LSTM(10), Dense(1)}, {.optimizer = "adam", .loss = "mse"}, windows(tenths, 1),
                      {.batch_size = 9, .epochs = 1000});
       }},
      {"sum_of_a_sequence",
       [uniform] {
         return train(Sequential{LSTM(16), Dense(1)}, {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"},
                      samples(300, {8, 1}, uniform, {1}, [](const auto& x, Index) { return sum_of(x, x.size()) / 8; }),
                      {.epochs = 40});
       }},
      {"sum_with_a_relu_lstm",
       [uniform] {
         return train(Sequential{LSTM(20, {.activation = "relu"}), Dense(1)}, {.optimizer = "adam", .loss = "mse"},
                      samples(300, {4, 1}, uniform, {1}, [](const auto& x, Index) { return sum_of(x, x.size()) / 4; }),
                      {.batch_size = 8, .epochs = 40});
       }},
      {"running_sum",
       [uniform] {
         return train(Sequential{LSTM(16, {.return_sequences = true}), TimeDistributed(Dense(1))},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"},
                      samples(200, {10, 1}, uniform, {10, 1},
                              [](const auto& x, Index t) { return sum_of(x, static_cast<std::size_t>(t) + 1) / 10; }),
                      {.epochs = 40});
       }},
      {"sum_of_two_inputs",
       [uniform] {
         const Problem a = samples(300, {4}, uniform, {1}, [](const auto& x, Index) { return sum_of(x, 4); });
         const Problem b = samples(
             300, {4}, [](Index i) { return chance(i + 5000); }, {1},
             [](const auto& x, Index) { return sum_of(x, 2); });
         Tensor y = a.y;
         for (Index i = 0; i < 300; ++i) y.set({i, 0}, (a.y(i, 0) - b.y(i, 0)) / 4);
         const Input one({4}), other({4});
         const Model model({one, other}, {Dense(1)(Dense(16, {.activation = "tanh"})(Concatenate()({one, other})))});
         model.compile({.optimizer = Adam({.learning_rate = 0.005}), .loss = "mse"});
         return Outcome(model.fit(Inputs{a.X, b.X}, y, {.epochs = 40, .verbose = 0}));
       }},
      {"count_of_ones",
       [coin] {
         return train(Sequential{LSTM(12), Dense(1)}, {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"},
                      samples(400, {10, 1}, coin, {1}, [](const auto& x, Index) { return sum_of(x, 10); }),
                      {.epochs = 60});
       }},
      {"count_of_ones_as_a_class",
       [coin] {
         return train(Sequential{LSTM(24), Dense(7, {.activation = "softmax"})},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy"},
                      samples(400, {6, 1}, coin, {1}, [](const auto& x, Index) { return sum_of(x, 6); }),
                      {.epochs = 60});
       }},
      {"next_number_of_a_count",
       [] {
         Problem p{Tensor::zeros({60, 3, 1}), Tensor::zeros({60, 1})};
         for (Index i = 0; i < 60; ++i) {
           for (Index t = 0; t < 3; ++t) p.X.set({i, t, 0}, static_cast<double>(i + t) / 60);
           p.y.set({i, 0}, static_cast<double>(i + 3) / 60);
         }
         return train(Sequential{LSTM(20), Dense(1)}, {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"}, p,
                      {.batch_size = 10, .epochs = 100});
       }},
      {"linear_regression",
       [] {
         return train(Sequential{Dense(1)}, {.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"},
                      samples(
                          200, {3}, [](Index i) { return noise(i); }, {1},
                          [](const auto& x, Index) { return x[0] - 2 * x[1] + 0.5 * x[2] + 1; }),
                      {.epochs = 20});
       }},
      {"quantiles_by_a_loss_of_ones_own",
       [] {
         const Loss ninth = custom_loss("ninth", [](Row truth, Row predicted, GradientRow gradient) {
           const double error = truth[0] - predicted[0];
           if (!gradient.empty()) gradient[0] = error > 0 ? -0.9 : 0.1;
           return error > 0 ? 0.9 * error : -0.1 * error;
         });
         return train(Sequential{Dense(8, {.activation = "tanh"}), Dense(1)},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = ninth},
                      samples(
                          300, {2}, [](Index i) { return noise(i); }, {1},
                          [](const auto& x, Index) { return x[0] + std::abs(x[1]) * 0.3; }),
                      {.epochs = 40});
       }},
      {"a_second_fit_of_a_trained_model",
       [] {
         const Sequential model{LSTM(8), Dense(1)};
         (void)train(model, {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"}, sine_windows(),
                     {.epochs = 40});
         return Outcome(model.fit(sine_windows().X, sine_windows().y, {.epochs = 20, .verbose = 0}));
       }},
  };
}

std::vector<Training> classifications() {
  return {
      {"four_waves_softmax",
       [] {
         return train(Sequential{LSTM(24), Dense(4, {.activation = "softmax"})},
                      {.optimizer = Adam({.learning_rate = 0.01}),
                       .loss = "sparse_categorical_crossentropy",
                       .metrics = {"accuracy"}},
                      kinds_of_waves(400, 4), {.epochs = 30, .validation_split = 0.2});
       }},
      {"three_waves_rows_with_a_one",
       [] {
         Problem p = kinds_of_waves(300, 3);
         p.y = classes_as_rows(p.y, 3);
         return train(Sequential{GRU(16), Dense(3, {.activation = "softmax"})},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "categorical_crossentropy"}, p,
                      {.epochs = 30});
       }},
      {"two_waves_sigmoid",
       [] {
         return train(Sequential{LSTM(8), Dense(1, {.activation = "sigmoid"})},
                      {.optimizer = RMSprop({.learning_rate = 0.01}), .loss = "binary_crossentropy"},
                      kinds_of_waves(300, 2), {.epochs = 30});
       }},
      {"waves_from_logits",
       [] {
         return train(Sequential{LSTM(16), Dense(3)},
                      {.optimizer = Adam({.learning_rate = 0.01}),
                       .loss = losses::SparseCategoricalCrossentropy({.from_logits = true})},
                      kinds_of_waves(300, 3), {.epochs = 25});
       }},
      {"rare_class_with_class_weight",
       [] {
         return train(Sequential{Dense(8, {.activation = "tanh"}), Dense(1, {.activation = "sigmoid"})},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "binary_crossentropy"},
                      samples(
                          400, {2}, [](Index i) { return noise(i); }, {1},
                          [](const auto& x, Index) { return x[0] + x[1] > 2.0 ? 1.0 : 0.0; }),
                      {.epochs = 40, .class_weight = {{0, 1.0}, {1, 8.0}}});
       }},
      {"clouds_by_gradient_descent",
       [] {
         return train(Sequential{Dense(12, {.activation = "relu"}), Dense(3, {.activation = "softmax"})},
                      {.optimizer = SGD({.learning_rate = 0.1}), .loss = "sparse_categorical_crossentropy"},
                      clouds(300, 3), {.epochs = 30});
       }},
      {"clouds_with_normalization_and_dropout",
       [] {
         return train(Sequential{Dense(32), BatchNormalization(), Activation("relu"), Dropout(0.3),
                                 Dense(4, {.activation = "softmax"})},
                      {.optimizer = "adam", .loss = "sparse_categorical_crossentropy"}, clouds(400, 4),
                      {.epochs = 30, .validation_split = 0.25});
       }},
      {"exclusive_or",
       [] {
         Problem p{Tensor::zeros({40, 2}), Tensor::zeros({40, 1})};
         for (Index i = 0; i < 40; ++i) {
           p.X.set({i, 0}, static_cast<double>(i % 2));
           p.X.set({i, 1}, static_cast<double>(i / 2 % 2));
           p.y.set({i, 0}, static_cast<double>((i + i / 2) % 2));
         }
         return train(Sequential{Dense(8, {.activation = "tanh"}), Dense(1, {.activation = "sigmoid"})},
                      {.optimizer = Adam({.learning_rate = 0.05}), .loss = "binary_crossentropy"}, p, {.epochs = 150});
       }},
      {"labels_of_which_some_are_wrong",
       [] {
         Problem p = clouds(400, 2);
         for (Index i = 0; i < 400; i += 9) p.y.set({i}, 1 - p.y(i));
         return train(Sequential{Dense(6, {.activation = "tanh"}), Dense(1, {.activation = "sigmoid"})},
                      {.optimizer = Adam({.learning_rate = 0.005}), .loss = "binary_crossentropy"}, p,
                      {.epochs = 30, .validation_split = 0.2});
       }},
      {"hinge_with_tanh",
       [] {
         Problem p = clouds(300, 2);
         for (Index i = 0; i < 300; ++i) p.y.set({i}, 2 * p.y(i) - 1);
         return train(Sequential{Dense(8, {.activation = "relu"}), Dense(1, {.activation = "tanh"})},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "hinge"}, p, {.epochs = 30});
       }},
      {"early_stopping",
       [] {
         return train(Sequential{LSTM(16), Dense(4, {.activation = "softmax"})},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy"},
                      kinds_of_waves(200, 4),
                      {.epochs = 200,
                       .callbacks = {make_callback<EarlyStopping>({.patience = 10, .restore_best_weights = true})},
                       .validation_split = 0.3});
       }},
      {"a_rate_that_is_reduced_on_plateaus",
       [] {
         return train(
             Sequential{LSTM(8), Dense(1)}, {.optimizer = Adam({.learning_rate = 0.02}), .loss = "mse"},
             windows(series_of(two_waves, 300, 0.05), 10),
             {.epochs = 60, .callbacks = {make_callback<ReduceLROnPlateau>({.monitor = "loss", .patience = 3})}});
       }},
  };
}

std::vector<Training> sequences() {
  return {
      {"labels_of_steps",
       [] {
         return train(
             Sequential{Bidirectional(LSTM(8, {.return_sequences = true})),
                        TimeDistributed(Dense(1, {.activation = "sigmoid"}))},
             {.optimizer = Adam({.learning_rate = 0.01}), .loss = "binary_crossentropy"},
             samples(
                 300, {10, 1}, [](Index i) { return chance(i); }, {10, 1},
                 [](const auto& x, Index t) { return sum_of(x, static_cast<std::size_t>(t) + 1) > 2.5 ? 1.0 : 0.0; }),
             {.epochs = 30});
       }},
      {"labels_of_masked_steps",
       [] {
         return train(Sequential{Masking({.mask_value = 0.0}), LSTM(12, {.return_sequences = true}),
                                 Dense(2, {.activation = "softmax"})},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "sparse_categorical_crossentropy"},
                      padded_sequences(200, 10), {.epochs = 40});
       }},
      {"encoder_decoder_repeats_the_vector",
       [] {
         std::vector<std::vector<Index>> read, written;
         for (Index i = 0; i < 400; ++i) {
           read.push_back({dice(4, 3 * i), dice(4, 3 * i + 1), dice(4, 3 * i + 2)});
           written.push_back({read.back().rbegin(), read.back().rend()});
         }
         return train(Sequential{LSTM(32), RepeatVector(3), LSTM(32, {.return_sequences = true}),
                                 TimeDistributed(Dense(4, {.activation = "softmax"}))},
                      {.optimizer = Adam({.learning_rate = 0.01}), .loss = "categorical_crossentropy"},
                      {one_hot(read, 4), one_hot(written, 4)}, {.epochs = 40});
       }},
      {"encoder_and_decoder_told_what_came_before",
       [] {
         std::vector<std::vector<Index>> read, told;
         for (Index i = 0; i < 300; ++i) {
           read.push_back({dice(3, 4 * i), dice(3, 4 * i + 1), dice(3, 4 * i + 2), dice(3, 4 * i + 3)});
           const auto& r = read.back();
           told.push_back({3, r[3], r[2], r[1]});
         }
         std::vector<std::vector<Index>> written;
         for (const auto& r : read) written.push_back({r.rbegin(), r.rend()});
         const Input source({4, 3}), before({4, 4});
         const auto [last, h, c] = LSTM(24, {.return_state = true})(source).unpack<3>();
         const Symbols decoded = LSTM(24, {.return_sequences = true})(before, {.initial_state = {h, c}});
         const Model model({source, before}, {Dense(3, {.activation = "softmax"})(decoded)});
         model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = "categorical_crossentropy"});
         return Outcome(
             model.fit(Inputs{one_hot(read, 3), one_hot(told, 4)}, one_hot(written, 3), {.epochs = 40, .verbose = 0}));
       }},
      {"autoencoder",
       [] {
         return train(
             Sequential{LSTM(16), RepeatVector(8), LSTM(16, {.return_sequences = true}), TimeDistributed(Dense(1))},
             {.optimizer = Adam({.learning_rate = 0.01}), .loss = "mse"},
             samples(
                 200, {8, 1}, [](Index i) { return sine(static_cast<double>(i % 8 + i / 8 % 21)); }, {8, 1},
                 [](const auto& x, Index t) { return x[static_cast<std::size_t>(t)]; }),
             {.epochs = 50});
       }},
      {"two_outputs",
       [] {
         const Problem p = samples(
             300, {6, 1}, [](Index i) { return noise(i); }, {1}, [](const auto& x, Index) { return sum_of(x, 6) / 3; });
         Tensor sign = p.y;
         for (Index i = 0; i < 300; ++i) sign.set({i, 0}, p.y(i, 0) > 0 ? 1 : 0);
         const Input in({6, 1});
         const Symbols h = LSTM(16)(in);
         const Model model({in}, {Dense(1)(h), Dense(1, {.activation = "sigmoid"})(h)});
         model.compile({.optimizer = Adam({.learning_rate = 0.01}), .loss = {"mse", "binary_crossentropy"}});
         return Outcome(model.fit(p.X, Outputs{p.y, sign}, {.epochs = 40, .verbose = 0}));
       }},
  };
}

std::vector<Training> all() {
  std::vector<Training> trainings;
  for (auto& group : {forecasts(), sums_and_counts(), classifications(), sequences()}) {
    trainings.insert(trainings.end(), group.begin(), group.end());
  }
  return trainings;
}

class HealthyTraining : public testing::TestWithParam<Training> {};

TEST_P(HealthyTraining, HasNothingToSay) {
  for (const std::uint64_t seed : {1U, 2U}) {
    clear_session();
    set_random_seed(seed);
    const auto [history, diagnosis] = GetParam().run();
    // (One begins where it was trained to.)
    const bool goes_on = std::string(GetParam().name) == "a_second_fit_of_a_trained_model";
    EXPECT_LT(history["loss"].back(), history["loss"].front() * (goes_on ? 1 : 0.7)) << "it learns, seed " << seed;
    EXPECT_TRUE(diagnosis.empty()) << "seed " << seed << "\n" << diagnosis;
  }
}

INSTANTIATE_TEST_SUITE_P(All, HealthyTraining, testing::ValuesIn(all()),
                         [](const auto& training) { return std::string(training.param.name); });

TEST(HealthyTrainings, AreFortyAndMore) { EXPECT_GE(all().size(), 40U); }

}  // namespace
}  // namespace rondo
