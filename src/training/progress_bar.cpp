#include "training/progress_bar.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <unistd.h>

#include "core/names.hpp"

namespace rondo::training {

namespace {

constexpr int kCells = 20;
constexpr std::chrono::milliseconds kRedrawEvery{100};
constexpr const char* kBold = "\033[1m";
constexpr const char* kGreen = "\033[32m";
constexpr const char* kGrey = "\033[37m";
constexpr const char* kPlain = "\033[0m";

template <class... A>
std::string format(const char* pattern, A... values) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string cells(Index n) {
  std::string text;
  for (Index i = 0; i < n; ++i) text += "━";
  return text;
}

}  // namespace

ProgressBar::ProgressBar(int verbose, Index steps)
    : verbose_(verbose), steps_(steps), terminal_(verbose == 1 && isatty(STDOUT_FILENO) == 1) {
  if (verbose_ != 0) start_ = first_step_ = last_drawn_ = Clock::now();
}

std::string ProgressBar::format_rate(double s) {
  if (s >= 1 || s == 0) return format("%.0fs/step", s);
  if (s >= 1e-3) return format("%.0fms/step", s * 1e3);
  return format("%.0fus/step", s * 1e6);
}

std::string ProgressBar::format_remaining(double seconds) {
  const auto s = static_cast<long>(seconds);
  if (s > 3600) return format("%ld:%02ld:%02ld", s / 3600, s % 3600 / 60, s % 60);
  if (s > 60) return format("%ld:%02ld", s / 60, s % 60);
  return format("%lds", s);
}

std::string ProgressBar::format_value(double v) { return std::abs(v) > 1e-3 ? format("%.4f", v) : format("%.4e", v); }

// Keras leaves the first step, which may compile, out of the rate.
double ProgressBar::seconds_per_step(Index done) const {
  const auto now = Clock::now();
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  if (done > 1 && first_step_ != start_) return seconds(now - first_step_) / static_cast<double>(done - 1);
  return done > 0 ? seconds(now - start_) / static_cast<double>(done) : 0;
}

std::string ProgressBar::bar(Index done) const {
  const Index filled = steps_ > 0 ? kCells * done / steps_ : kCells;
  const std::string full = cells(filled), rest = cells(kCells - filled);
  if (!terminal_) return full + rest;
  return (filled > 0 ? kGreen + full + kPlain : "") + kGrey + rest + kPlain;
}

std::string ProgressBar::values(const Logs& logs) const {
  std::string text;
  for (const auto& [name, value] : logs) text += " - " + name + ": " + format_value(value);
  return text;
}

void ProgressBar::draw(Index done, const std::string& time, const Logs& logs, bool last) {
  const std::string total = std::to_string(steps_), count = std::to_string(done);
  const std::string position =
      std::string(total.size() - std::min(total.size(), count.size()), ' ') + count + "/" + total;
  const std::string bold = terminal_ ? kBold : "", plain = terminal_ ? kPlain : "";
  const std::string line = bold + position + plain + " " + bar(done) + " " + bold + time + plain + " " +
                           format_rate(seconds_per_step(done)) + values(logs);
  const std::size_t width = display_width(line);
  if (terminal_) std::cout << '\r';
  std::cout << line;
  if (terminal_ && width < width_) std::cout << std::string(width_ - width, ' ');
  if (last) std::cout << '\n';
  std::cout << std::flush;
  width_ = width;
}

void ProgressBar::update(Index done, const Logs& logs) {
  if (!terminal_) return;
  const auto now = Clock::now();
  if (done == 1) first_step_ = now;
  if (done >= steps_ || now - last_drawn_ < kRedrawEvery) return;
  last_drawn_ = now;
  draw(done, format_remaining(seconds_per_step(done) * static_cast<double>(steps_ - done)), logs, false);
}

void ProgressBar::finish(const Logs& logs) {
  if (verbose_ == 0) return;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  if (verbose_ == 1) return draw(steps_, format("%.0fs", elapsed), logs, true);
  const std::string count = std::to_string(steps_);
  std::cout << count << '/' << count << " - " << format("%.0fs", elapsed) << " - "
            << format_rate(seconds_per_step(steps_)) << values(logs) << std::endl;
}

void print_epoch_header(int verbose, Index epoch, Index epochs) {
  if (verbose != 0 && epochs > 1) std::cout << "Epoch " << epoch + 1 << '/' << epochs << std::endl;
}

}  // namespace rondo::training
