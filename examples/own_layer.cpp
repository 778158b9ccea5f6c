// A layer of one's own: the last value times a learned number, beside what a network says. So the network learns how
// next year differs from this one. It forecasts sunspots from twelve years.
//
// Pass the file: own_layer examples/data/sunspots.csv
#include <cmath>
#include <cstdio>
#include <vector>

#include <rondo/rondo.hpp>

using namespace rondo;

// y = change + share * the last time step of x, for inputs {change (1), x (timesteps, 1)}.
Layer add_last() {
  return custom_layer(
      "AddLast",
      {.weights = [](const std::vector<Shape>&) -> std::vector<CustomWeight> {
         return {{"share", {1}, Ones()}};
       },
       .forward = [](const ForwardPass& pass) { pass.y[0] = pass.x[0][0] + pass.weights[0][0] * pass.x[1].back(); },
       .backward =
           [](const BackwardPass& pass) {
             if (!pass.dx[0].empty()) pass.dx[0][0] = pass.dy[0];
             if (!pass.dx[1].empty()) pass.dx[1].back() = pass.weights[0][0] * pass.dy[0];
             if (!pass.dweights.empty()) pass.dweights[0][0] += pass.x[1].back() * pass.dy[0];
           }});
}

int main(int argc, char** argv) try {
  set_random_seed(7);
  const Table table = read_csv(argc > 1 ? argv[1] : "examples/data/sunspots.csv");
  std::vector<double> series = table.numbers("Sunspots");
  for (double& v : series) v = std::sqrt(v) / 10;
  const LagFrame frame = lag_frame(series, {.lags = 12});
  const Index years = frame.X.shape()[0], train = years - 60;
  const Tensor X = as_timesteps(frame), y = frame.y;

  const Input x({12, 1});
  const Layer last = add_last();
  const Model model(x, last({Dense(1)(LSTM(12)(x)), x}));
  model.compile({.optimizer = Adam({.learning_rate = 0.003}), .loss = "mse"});
  model.fit(X.rows(0, train), y.rows(0, train), {.epochs = 100, .verbose = 0});

  const Tensor last_year = frame.X.columns(11, 12);
  std::printf("error over the last 60 years: %.4f\n",
              rmse(y.rows(train, years), model.predict(X.rows(train, years), {.verbose = 0})));
  std::printf("as last year:                 %.4f\n", rmse(y.rows(train, years), last_year.rows(train, years)));
  std::printf("share of the last year:       %.2f\n", last.get_weight("share").to_vector()[0]);
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
