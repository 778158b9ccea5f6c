// The losses of a training as a chart of characters, redrawn in place: verbose 3.
//
//   loss ⠒⠒⠒  val_loss ⠒ ⠒
//       0.5789 ┤⠢⡀
//              │ ⠑⠢⣀
//   2.482e-05  ┤    ⠉⠒⠤⣀⣀⣀
//              1          30
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include <rondo/history.hpp>

namespace rondo::training {

// A line of the chart: a number for each of some epochs, which are counted from 0.
struct ChartLine {
  std::string name;
  std::span<const double> values;
  std::vector<Index> epochs;
};

// Lines of text, each with its end, always as many for one width: at most so many columns wide. Characters are those of
// ASCII unless told otherwise. The second chart line is dashed. The axis is logarithmic where all numbers are above 0
// and the largest is thirty times the smallest; numbers that are not finite are left out.
std::string loss_chart(std::span<const ChartLine> lines, Index columns, bool unicode);

class LossChart {
 public:
  // Draws the losses so far and a line below them, where those of before stand. At most ten times a second.
  void update(const History& history, const std::string& line);
  // Draws what was left out since.
  void finish(const History& history);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const History& history);

  Clock::time_point last_drawn_ = {};
  bool is_drawn_ = false, is_late_ = false;
  std::string line_;
};

}  // namespace rondo::training
