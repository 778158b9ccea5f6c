// A stranger's program: what the README's five steps need, from the installed package.
#include <iostream>

#include <rondo/rondo.hpp>

int main() {
  using namespace rondo;
  set_random_seed(1);
  const Tensor X = as_timesteps(Tensor{{0.0}, {0.1}, {0.2}, {0.3}}), y = {{0.1}, {0.2}, {0.3}, {0.4}};
  Sequential model{LSTM(4), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  const History history = model.fit(X, y, {.epochs = 50, .verbose = 0});
  std::cout << model.predict(X, {.verbose = 0}) << '\n';
  return history["loss"].back() < history["loss"].front() ? 0 : 1;
}
