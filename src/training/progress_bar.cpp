#include "training/progress_bar.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/names.hpp"
#include "training/terminal.hpp"

namespace rondo::training {

namespace {

constexpr Index kCells = 20;
constexpr const char* kBold = "\033[1m";
constexpr const char* kGreen = "\033[32m";
constexpr const char* kGrey = "\033[37m";
constexpr const char* kPlain = "\033[0m";

std::string repeated(const char* cell, Index n) {
  std::string text;
  for (Index i = 0; i < n; ++i) text += cell;
  return text;
}

std::string two_digits(long n) { return (n < 10 ? "0" : "") + std::to_string(n); }

std::string whole_seconds(double seconds) { return fixed_text(seconds, 0) + "s"; }

std::string entry(const std::string& name, double value) {
  return " - " + name + ": " + ProgressBar::format_value(value);
}

std::string entries(const Logs& logs) {
  std::string text;
  for (const auto& [name, value] : logs) text += entry(name, value);
  return text;
}

// As many entries as fit into so many columns, then "…".
std::string first_entries(const Logs& logs, std::size_t columns) {
  const std::string more = " …";
  std::string text;
  for (const auto& [name, value] : logs) {
    const std::string next = text + entry(name, value);
    if (display_width(next + more) > columns) break;
    text = next;
  }
  return display_width(text + more) <= columns ? text + more : "";
}

}  // namespace

ProgressBar::ProgressBar(int verbose, Index steps)
    : verbose_(verbose), steps_(steps), redraws_(verbose == 1 && can_redraw()), colours_(redraws_ && wants_colours()) {
  if (verbose_ != 0) start_ = first_step_ = last_drawn_ = Clock::now();
}

std::string ProgressBar::format_rate(double s) {
  if (s >= 1 || s == 0) return whole_seconds(s) + "/step";
  return s >= 1e-3 ? fixed_text(s * 1e3, 0) + "ms/step" : fixed_text(s * 1e6, 0) + "us/step";
}

std::string ProgressBar::format_remaining(double seconds) {
  const auto s = static_cast<long>(seconds);
  if (s > 3600) return std::to_string(s / 3600) + ":" + two_digits(s % 3600 / 60) + ":" + two_digits(s % 60);
  if (s > 60) return std::to_string(s / 60) + ":" + two_digits(s % 60);
  return std::to_string(s) + "s";
}

std::string ProgressBar::format_value(double v) {
  return std::abs(v) > 1e-3 ? fixed_text(v, 4) : scientific_text(v, 4);
}

// Keras leaves the first step, which may compile, out of the rate.
double ProgressBar::seconds_per_step(Index done) const {
  const auto now = Clock::now();
  const auto seconds = [](Clock::duration d) { return std::chrono::duration<double>(d).count(); };
  if (done > 1 && first_step_ != start_) return seconds(now - first_step_) / static_cast<double>(done - 1);
  return done > 0 ? seconds(now - start_) / static_cast<double>(done) : 0;
}

std::string ProgressBar::emphasised(const std::string& text) const { return colours_ ? kBold + text + kPlain : text; }

std::string ProgressBar::bar(Index done, Index cells) const {
  if (cells == 0) return "";
  const double part = steps_ > 0 ? static_cast<double>(done) / static_cast<double>(steps_) : 1;
  const auto filled = static_cast<Index>(part * static_cast<double>(cells));
  const std::string full = repeated("━", filled);
  if (!colours_) return full + repeated("─", cells - filled) + " ";
  return (filled > 0 ? kGreen + full + kPlain : "") + kGrey + repeated("━", cells - filled) + kPlain + " ";
}

// Where there is no room for all, the bar gets shorter and goes, then the rate, then the last of the numbers.
std::string ProgressBar::line(Index done, const std::string& time, const Logs& logs, std::size_t columns) const {
  const std::string total = std::to_string(steps_), count = std::to_string(done);
  const std::string position =
      std::string(total.size() - std::min(total.size(), count.size()), ' ') + count + "/" + total;
  const std::string left = emphasised(position) + " ", clock = emphasised(time);
  const std::string right = clock + " " + format_rate(seconds_per_step(done)) + entries(logs);
  for (const Index cells : {kCells, kCells / 2, kCells / 4, Index{0}}) {
    const std::string whole = left + bar(done, cells) + right;
    if (display_width(whole) <= columns) return whole;
  }
  const std::string without_rate = left + clock + entries(logs);
  if (display_width(without_rate) <= columns) return without_rate;
  const std::size_t width = display_width(left + clock);
  if (width <= columns) return left + clock + first_entries(logs, columns - width);
  return position.substr(0, columns);
}

void ProgressBar::draw(Index done, const std::string& time, const Logs& logs, bool last) {
  // One column less than there is: some terminals go to the next line as soon as the last one is taken.
  const std::size_t columns =
      redraws_ ? static_cast<std::size_t>(std::max<Index>(terminal_columns().value_or(80) - 1, 1)) : SIZE_MAX;
  const std::string text = line(done, time, logs, columns);
  const std::size_t width = display_width(text), before = std::min(width_, columns);
  const std::string rest(before - std::min(before, width), ' ');
  print((redraws_ ? "\r" : "") + text + rest + (last ? "\n" : ""));
  width_ = width;
}

void ProgressBar::update(Index done, const Logs& logs) {
  if (!redraws_) return;
  const auto now = Clock::now();
  if (done == 1) first_step_ = now;
  if (done >= steps_ || now - last_drawn_ < kRedrawEvery) return;
  last_drawn_ = now;
  draw(done, format_remaining(seconds_per_step(done) * static_cast<double>(steps_ - done)), logs, false);
}

double ProgressBar::elapsed() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

std::string ProgressBar::finished_line(const Logs& logs) const {
  const std::string count = std::to_string(steps_);
  return count + "/" + count + " - " + whole_seconds(elapsed()) + " - " + format_rate(seconds_per_step(steps_)) +
         entries(logs);
}

void ProgressBar::finish(const Logs& logs) {
  if (verbose_ == 0) return;
  if (verbose_ == 1) return draw(steps_, whole_seconds(elapsed()), logs, true);
  print(finished_line(logs) + "\n");
}

void print_epoch_header(int verbose, Index epoch, Index epochs) {
  if (verbose != 0 && epochs > 1) print("Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(epochs) + "\n");
}

}  // namespace rondo::training
