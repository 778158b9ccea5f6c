// The line protocol of the race: a worker is a program that a referee (grid.py) starts beside its rivals and gives
// slices of time in turn. The referee writes lines to standard input and reads one line back:
//
//   setup B T I H L threads mode   "ok <seconds per iteration>", or "no <reason>"
//   run <milliseconds>             seconds per iteration, measured over about that long
//   quit
//
// B batch rows, T time steps, I features, H units, L stacked layers; what an iteration is, the mode says.
#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>

#include <rondo/shape.hpp>

namespace rondo::benchmarks {

struct Setup {
  Index batch, steps, features, units, layers, threads;
  std::string mode;
};

// One kind of work, repeated.
class Runner {
 public:
  virtual ~Runner() = default;
  // At least n iterations; returns seconds per iteration.
  virtual double run(Index n) = 0;
};

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Times one runner over slices of about the asked length.
class Stopwatch {
 public:
  explicit Stopwatch(std::unique_ptr<Runner> runner) : runner_(std::move(runner)), estimate_(runner_->run(1)) {
    for (int i = 0; i < 3 && estimate_ < 0.1; ++i) slice(0.01);
  }

  double slice(double seconds) {
    // The rivals had the caches in between; beside a long iteration that does not show.
    if (estimate_ < seconds / 4) runner_->run(1);
    return estimate_ = runner_->run(static_cast<Index>(std::max(1.0, seconds / estimate_)));
  }

  double estimate() const { return estimate_; }

 private:
  std::unique_ptr<Runner> runner_;
  double estimate_;
};

// Answers lines until "quit" or the end of input. make(const Setup&) returns a runner or throws why there is none.
template <class Make>
void serve(Make&& make) {
  std::unique_ptr<Stopwatch> stopwatch;
  std::cout.precision(9);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "quit") break;
    if (command == "setup") {
      Setup s{};
      words >> s.batch >> s.steps >> s.features >> s.units >> s.layers >> s.threads >> s.mode;
      stopwatch.reset();
      try {
        stopwatch = std::make_unique<Stopwatch>(make(s));
        std::cout << "ok " << stopwatch->estimate() << std::endl;
      } catch (const std::exception& error) {
        std::cout << "no " << error.what() << std::endl;
      }
    } else if (command == "run" && stopwatch != nullptr) {
      double milliseconds = 0;
      words >> milliseconds;
      std::cout << stopwatch->slice(milliseconds * 1e-3) << std::endl;
    } else if (!command.empty()) {
      std::cout << "no command '" << command << "'" << std::endl;
    }
  }
}

}  // namespace rondo::benchmarks
