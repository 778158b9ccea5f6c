// A loss of one's own: three quantiles of next year's sunspots instead of one number, so that the forecast says how
// sure it is. Pass the file: quantile_forecast examples/data/sunspots.csv
#include <cmath>
#include <cstdio>
#include <vector>

#include <rondo/rondo.hpp>

using namespace rondo;

const std::vector<double> kQuantiles = {0.1, 0.5, 0.9};

// Quantile (pinball) loss, summed over the quantiles: q (y - p) where the label lies above the prediction, (1 - q) (p -
// y) below (Koenker and Bassett 1978). One label stands for all predictions of a row.
Loss quantiles() {
  const auto row = [](Row truth, Row prediction, GradientRow gradient) {
    double sum = 0;
    for (std::size_t i = 0; i < kQuantiles.size(); ++i) {
      const double q = kQuantiles[i], e = truth[0] - prediction[i];
      sum += e > 0 ? q * e : (q - 1) * e;
      if (!gradient.empty()) gradient[i] = e > 0 ? -q : 1 - q;
    }
    return sum;
  };
  return custom_loss("quantiles", row, {.one_label = true});
}

int main(int argc, char** argv) try {
  set_random_seed(7);
  const Table table = read_csv(argc > 1 ? argv[1] : "examples/data/sunspots.csv");
  std::vector<double> series = table.numbers("Sunspots");
  for (double& v : series) v = std::sqrt(v) / 10;  // the quiet years count too

  const LagFrame frame = lag_frame(series, {.lags = 12});
  const Index years = frame.X.shape()[0], train = years - 60;
  const Tensor X = as_timesteps(frame);

  Sequential model{LSTM(16, {.input_shape = {12, 1}}), Dense(3)};
  model.compile({.optimizer = Adam({.learning_rate = 0.005}), .loss = quantiles()});
  model.fit(X.rows(0, train), frame.y.rows(0, train), {.epochs = 150, .verbose = 0});

  const Tensor forecast = model.predict(X.rows(train, years), {.verbose = 0});
  int inside = 0;
  for (Index i = 0; i < 60; ++i) {
    inside += frame.y(train + i, 0) >= forecast(i, 0) && frame.y(train + i, 0) <= forecast(i, 2) ? 1 : 0;
  }
  std::printf("of the last 60 years %d lie between the quantiles 0.1 and 0.9 (48 would be right)\n", inside);
  std::printf("loss there: %.4f\n",
              model.evaluate(X.rows(train, years), frame.y.rows(train, years), {.verbose = 0}).loss());
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
