// A recurrent cell of one's own, as a Model of {x, state} to {y, new state}: the state moves by what two layers make of
// it and of the input, instead of being made anew. It forecasts next year's sunspots from twelve years.
//
// Pass the file: own_cell examples/data/sunspots.csv
#include <cmath>
#include <cstdio>
#include <vector>

#include <rondo/rondo.hpp>

using namespace rondo;

// h' = h + tanh([x h] K + b) V; derivatives follow from the layers.
Model moving_state(Index features, Index units) {
  const Input x({features}), h({units});
  const Symbol made = Dense(units, {.activation = "tanh"})(Concatenate()({x, h}));
  const Symbol moved = Add()({h, Dense(units, {.use_bias = false})(made)});
  return Model({x, h}, {moved, moved});
}

int main(int argc, char** argv) try {
  set_random_seed(7);
  const Table table = read_csv(argc > 1 ? argv[1] : "examples/data/sunspots.csv");
  std::vector<double> series = table.numbers("Sunspots");
  for (double& v : series) v = std::sqrt(v) / 10;

  const LagFrame frame = lag_frame(series, {.lags = 12});
  const Index years = frame.X.shape()[0], train = years - 60;
  const Tensor X = as_timesteps(frame), y = frame.y;

  Sequential model{RNN(moving_state(1, 12), {.input_shape = {12, 1}}), Dense(1)};
  model.compile({.optimizer = Adam({.learning_rate = 0.003}), .loss = "mse"});
  model.fit(X.rows(0, train), y.rows(0, train), {.epochs = 100, .verbose = 0});

  const Tensor last_year = frame.X.columns(11, 12);
  std::printf("error over the last 60 years: %.4f\n",
              rmse(y.rows(train, years), model.predict(X.rows(train, years), {.verbose = 0})));
  std::printf("as last year:                 %.4f\n", rmse(y.rows(train, years), last_year.rows(train, years)));
  return 0;
} catch (const Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
