// What fit, evaluate and predict print: Keras's progress bar and lines.
//
// verbose 1 at a terminal redraws a bar at most ten times a second, in one line that is shortened to fit; elsewhere it
// prints one finished line, without colours or control characters. verbose 2 prints one line at the end.
#pragma once

#include <chrono>
#include <string>

#include <rondo/history.hpp>

namespace rondo::training {

class ProgressBar {
 public:
  // `steps` batches are to come.
  ProgressBar(int verbose, Index steps);

  // `done` batches are finished; logs are running means.
  void update(Index done, const Logs& logs);
  // The final state, once.
  void finish(const Logs& logs);
  // Of verbose 2, without its end.
  std::string finished_line(const Logs& logs) const;

  // The parts of a line, for tests.
  static std::string format_rate(double seconds_per_step);
  static std::string format_remaining(double seconds);
  static std::string format_value(double value);

 private:
  using Clock = std::chrono::steady_clock;
  double elapsed() const;
  double seconds_per_step(Index done) const;
  std::string emphasised(const std::string& text) const;
  std::string bar(Index done, Index cells) const;
  std::string line(Index done, const std::string& time, const Logs& logs, std::size_t columns) const;
  void draw(Index done, const std::string& time, const Logs& logs, bool last);

  int verbose_;
  Index steps_;
  bool redraws_, colours_;
  Clock::time_point start_, first_step_, last_drawn_;
  std::size_t width_ = 0;  // visible characters of the last state drawn
};

// "Epoch 3/10" in front of an epoch, where Keras prints it: with verbose 1 or 2 and more than one epoch.
void print_epoch_header(int verbose, Index epoch, Index epochs);

}  // namespace rondo::training
