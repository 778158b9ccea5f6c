// Rondo as one runner of a race: a program that a referee starts beside its rivals and gives slices of time in turn.
//
//   race_worker [target]      target: AVX3, AVX2, SSE4 or SCALAR; default the best
//
// The referee writes lines to standard input and reads one line back:
//
//   setup B T I H L threads mode   "ok <seconds per iteration>", or "no <reason>"
//   run <milliseconds>             seconds per iteration, measured over about that long
//   quit
//
// B batch rows, T time steps, I features, H units, L stacked LSTM layers under Dense(1). Modes, per iteration:
//
//   train     one training step inside a long fit over many batches (Adam, mean squared error)
//   epoch1    one epoch of one batch inside a long fit
//   fitcall   one call of fit: an epoch of 24 samples, one at a time, not shuffled
//   newfit    one new model with a fit of 1000 epochs of one batch
//   infer     predict_into of one batch
//   stream    one step of a Stream of the LSTM alone
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>

#include <rondo/rondo.hpp>

using namespace rondo;

namespace {

using Clock = std::chrono::steady_clock;

struct Setup {
  Index batch, steps, features, units, layers, threads;
  std::string mode;
};

Tensor random_tensor(Shape shape, std::uint32_t stream) {
  const RandomStream random(1, Purpose::user, stream);
  Tensor t = Tensor::zeros(shape, DType::float32);
  std::uint64_t i = 0;
  for (float& v : t.data<float>()) v = static_cast<float>(random.uniform(i++) - 0.5);
  return t;
}

// One kind of work, repeated.
class Runner {
 public:
  explicit Runner(const Setup& s) : s_(s) {
    set_num_threads(s.threads);
    const Index samples = s.mode == "fitcall" ? 24 : s.batch * (s.mode == "train" ? batches_per_epoch() : 1);
    X_ = random_tensor({samples, s.steps, s.features}, 1);
    y_ = random_tensor({samples, 1}, 2);
    model_ = make_model();
    if (s.mode == "stream") {
      Sequential lstm{LSTM(s.units, {.input_shape = {1, s.features}})};
      stream_.emplace(lstm.stream());
      y_ = Tensor::zeros({s.units}, DType::float32);
    } else if (s.mode == "infer") {
      out_ = model_.predict(X_, {.batch_size = s.batch, .verbose = 0});
    } else if (s.mode != "train" && s.mode != "epoch1" && s.mode != "fitcall" && s.mode != "newfit") {
      throw ConfigError("unknown mode '" + s.mode + "'");
    }
  }

  // At least n iterations; returns seconds per iteration.
  double run(Index n) {
    const auto start = Clock::now();
    const Index done = work(n);
    return std::chrono::duration<double>(Clock::now() - start).count() / static_cast<double>(done);
  }

 private:
  // Enough batches that an epoch's own cost vanishes beside its steps, unless a step is long anyway.
  Index batches_per_epoch() const {
    const double flops =
        24.0 * static_cast<double>(s_.batch * s_.steps * s_.layers * s_.units * (s_.features + s_.units));
    return flops > 1e9 ? 2 : flops > 1e7 ? 16 : 256;
  }

  Sequential make_model() const {
    Sequential model;
    for (Index l = 0; l < s_.layers; ++l) {
      LSTMOptions options{.return_sequences = l + 1 < s_.layers};
      if (l == 0) options.input_shape = {s_.steps, s_.features};
      model.add(LSTM(s_.units, options));
    }
    model.add(Dense(1));
    model.compile({.optimizer = "adam", .loss = "mse"});
    return model;
  }

  Index work(Index n) {
    if (s_.mode == "stream") {
      const std::span<const float> x = std::as_const(X_).data<float>().first(static_cast<std::size_t>(s_.features));
      const std::span<float> y = y_.data<float>();
      for (Index i = 0; i < n; ++i) stream_->step(x, y);
      return n;
    }
    if (s_.mode == "infer") {
      for (Index i = 0; i < n; ++i) model_.predict_into(X_, out_, s_.batch);
      return n;
    }
    if (s_.mode == "fitcall") {
      for (Index i = 0; i < n; ++i) model_.fit(X_, y_, {.batch_size = 1, .verbose = 0, .shuffle = false});
      return n;
    }
    if (s_.mode == "newfit") {
      for (Index i = 0; i < n; ++i) make_model().fit(X_, y_, {.batch_size = s_.batch, .epochs = 1000, .verbose = 0});
      return n;
    }
    const Index steps = X_.shape()[0] / s_.batch, epochs = (n + steps - 1) / steps;
    model_.fit(X_, y_, {.batch_size = s_.batch, .epochs = epochs, .verbose = 0});
    return epochs * steps;
  }

  Setup s_;
  Tensor X_, y_, out_;
  Sequential model_;
  std::optional<Stream> stream_;
};

// Seconds per iteration over about so many seconds.
double measure(Runner& runner, double seconds, double& estimate) {
  runner.run(1);
  const double n = std::max(1.0, seconds / estimate);
  return estimate = runner.run(static_cast<Index>(n));
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc > 1) set_simd_target(argv[1]);
  std::unique_ptr<Runner> runner;
  double estimate = 1e-3;
  std::cout.precision(9);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "quit") break;
    if (command == "setup") {
      Setup s{};
      words >> s.batch >> s.steps >> s.features >> s.units >> s.layers >> s.threads >> s.mode;
      try {
        runner = std::make_unique<Runner>(s);
        runner->run(2);
        for (int i = 0; i < 3; ++i) measure(*runner, 0.01, estimate);
        std::cout << "ok " << estimate << std::endl;
      } catch (const Error& error) {
        runner.reset();
        std::cout << "no " << error.what() << std::endl;
      }
    } else if (command == "run" && runner != nullptr) {
      double milliseconds = 0;
      words >> milliseconds;
      std::cout << measure(*runner, milliseconds * 1e-3, estimate) << std::endl;
    } else if (!command.empty()) {
      std::cout << "no command '" << command << "'" << std::endl;
    }
  }
} catch (const Error& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
