// One-step forecasts of monthly airline passengers, judged honestly: ten seeds beside "same as last month" and "same as
// a year ago", on twelve months that no choice was made on.
//
//   airline_passengers [airline_passengers.csv] [picture.svg]
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <string>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

constexpr Index kMonthsHeldOut = 12;
constexpr Index kSeason = 12;
constexpr Index kLags = 12;
constexpr int kSeeds = 10;

// What is learned from and what is judged on.
struct Problem {
  Tensor passengers;        // (144,) every month
  Tensor truth;             // (12,) the months held out
  Tensor X_train, y_train;  // windows of scaled seasonal differences of the months before
  Tensor X_test;            // windows that end right before each month held out
  MinMaxScaler scaler;
};

// Differences and scaling are learned from the training months alone. In the walk forward each forecast may use all
// months before its own, as it could in life.
Problem prepare(const Tensor& passengers) {
  Problem p;
  p.passengers = passengers;
  p.truth = split_in_time(passengers, {.test = kMonthsHeldOut}).test;
  const Tensor changes = difference(passengers, kSeason);  // each month against the same month a year earlier
  const Split parts = split_in_time(changes, {.test = kMonthsHeldOut});
  p.scaler = MinMaxScaler({.feature_range = {-1, 1}});
  p.scaler.fit(parts.train);
  const LagFrame frame = lag_frame(p.scaler.transform(changes), {.lags = kLags});
  const SplitXY split = split_in_time(as_timesteps(frame), frame.y, {.test = kMonthsHeldOut});
  p.X_train = split.X_train;
  p.y_train = split.y_train;
  p.X_test = split.X_test;
  return p;
}

Sequential trained(const Problem& p, int seed) {
  set_random_seed(static_cast<std::uint64_t>(seed));
  Sequential model;
  model.add(LSTM(16, {.input_shape = {kLags, 1}}));
  model.add(Dense(1));
  model.compile({.optimizer = Adam({.learning_rate = 0.005}), .loss = "mse"});
  model.fit(p.X_train, p.y_train, {.batch_size = 16, .epochs = 100, .verbose = 0});
  return model;
}

// The forecasts of the months held out, in passengers.
Tensor forecast(const Problem& p, const Model& model) {
  const Tensor changes = p.scaler.inverse_transform(model.predict(p.X_test, {.verbose = 0}));

  Tensor months({kMonthsHeldOut}, DType::float64);
  const Index first = p.passengers.size() - kMonthsHeldOut;
  for (Index i = 0; i < kMonthsHeldOut; ++i) months.set({i}, p.passengers(first + i - kSeason) + changes(i, 0));
  return months;
}

std::vector<double> months_from(Index first, Index count) {
  std::vector<double> years;
  for (Index i = 0; i < count; ++i) years.push_back(1949 + static_cast<double>(first + i) / 12);
  return years;
}

void draw(const Problem& p, const Tensor& mean_forecast, const Tensor& low, const Tensor& high,
          const std::string& path) {
  const Index shown = 30, first_shown = p.passengers.size() - shown;
  const Index first = p.passengers.size() - kMonthsHeldOut;
  const std::vector<double> held_out = months_from(first, kMonthsHeldOut);
  LinePlot plot({.title = "Airline passengers: one month ahead, twelve months held out",
                 .x_label = "year",
                 .y_label = "passengers (thousands)"});
  plot.band({.label = "range over the seeds", .x = held_out, .low = low, .high = high});
  plot.add({.label = "LSTM, mean of the seeds", .x = held_out, .y = mean_forecast});
  plot.add({.label = "truth", .x = months_from(first_shown, shown), .y = p.passengers.rows(first_shown)});
  plot.add({.label = "same as last month",
            .x = held_out,
            .y = p.passengers.rows(first - 1, first - 1 + kMonthsHeldOut),
            .style = LineStyle::dashed});
  plot.add({.label = "same as a year ago",
            .x = held_out,
            .y = p.passengers.rows(first - kSeason, first),
            .style = LineStyle::dashed});
  plot.save(path);
}

// A model is kept in a file that Keras reads, too; read again it forecasts the same and goes on learning.
void keep_and_go_on(const Problem& p, const std::string& path) {
  const Model model = trained(p, 1);
  model.save(path);
  const Model again = load_model(path);
  const bool same = forecast(p, again).identical(forecast(p, model));
  const double before = again.evaluate(p.X_train, p.y_train, {.verbose = 0}).loss();
  again.fit(p.X_train, p.y_train, {.batch_size = 16, .epochs = 20, .verbose = 0});
  const double after = again.evaluate(p.X_train, p.y_train, {.verbose = 0}).loss();
  std::printf("Saved as %s; read again it forecasts %s, and 20 epochs more take its loss from %.5f to %.5f.\n",
              path.c_str(), same ? "the same" : "something else", before, after);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string csv = argc > 1 ? argv[1] : "examples/data/airline_passengers.csv";
  const std::string picture = argc > 2 ? argv[2] : "airline_passengers.svg";
  const Problem p = prepare(read_csv(csv).numbers("Passengers"));
  const Index first = p.passengers.size() - kMonthsHeldOut;

  const auto start = std::chrono::steady_clock::now();
  std::vector<double> errors;
  Tensor mean({kMonthsHeldOut}, DType::float64), low, high;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    const Tensor months = forecast(p, trained(p, seed));
    errors.push_back(rmse(p.truth, months));
    std::printf("  LSTM, seed %-2d              RMSE %6.2f\n", seed, errors.back());
    if (seed == 1) low = high = months;
    for (Index i = 0; i < kMonthsHeldOut; ++i) {
      mean.set({i}, mean(i) + months(i) / kSeeds);
      low.set({i}, std::min(low(i), months(i)));
      high.set({i}, std::max(high(i), months(i)));
    }
  }
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;

  double average = 0, spread = 0;
  for (const double e : errors) average += e / kSeeds;
  for (const double e : errors) spread += std::pow(e - average, 2) / (kSeeds - 1);
  const double persistence = rmse(p.truth, p.passengers.rows(first - 1, first - 1 + kMonthsHeldOut));
  const double seasonal = rmse(p.truth, p.passengers.rows(first - kSeason, first));
  std::printf("  LSTM, mean of %d seeds      RMSE %6.2f, standard deviation %.2f\n", kSeeds, average,
              std::sqrt(spread));
  std::printf("  same as last month         RMSE %6.2f\n", persistence);
  std::printf("  same as a year ago         RMSE %6.2f\n", seasonal);
  const double best = std::min(persistence, seasonal);
  std::printf(
      "The LSTM's error is %.0f %% %s that of the better simple rule, on average over %d models trained in %.2f s.\n",
      100 * std::abs(1 - average / best), average < best ? "below" : "above", kSeeds, time.count());
  draw(p, mean, low, high, picture);
  keep_and_go_on(p, picture.substr(0, picture.rfind('.')) + ".keras");
  std::cout << "picture: " << picture << '\n';
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
