// The course of a training as a LinePlot.
#include <algorithm>
#include <utility>

#include <rondo/plot.hpp>

namespace rondo {

namespace {

// Positive everywhere, and so different that small ones would lie on a linear axis.
bool spans_decades(const std::vector<double>& loss, const std::vector<double>& val_loss) {
  double low = loss.front(), high = loss.front();
  for (const auto* losses : {&loss, &val_loss}) {
    for (const double v : *losses) {
      low = std::min(low, v);
      high = std::max(high, v);
    }
  }
  return low > 0 && high > 30 * low;
}

Tensor counted_from_one(const std::vector<Index>& epochs) {
  std::vector<double> numbers;
  for (const Index e : epochs) numbers.push_back(static_cast<double>(e + 1));
  return numbers;
}

}  // namespace

LinePlot history_plot(const History& history, PlotOptions options) {
  const std::vector<double>& loss = history["loss"];
  const bool validates = history.contains("val_loss");
  const std::vector<double> val_loss = validates ? history["val_loss"] : std::vector<double>();
  if (options.title.empty()) options.title = "Learning curve";
  if (options.x_label.empty()) options.x_label = "epoch";
  if (options.y_label.empty()) options.y_label = "loss";
  options.log_y = options.log_y || spans_decades(loss, val_loss);
  LinePlot plot(std::move(options));
  plot.add({.label = "loss", .x = counted_from_one(history.epochs("loss")), .y = loss});
  if (validates) plot.add({.label = "val_loss", .x = counted_from_one(history.epochs("val_loss")), .y = val_loss});
  return plot;
}

void plot_history(const History& history, const std::string& path, const PlotOptions& options) {
  history_plot(history, options).save(path);
}

}  // namespace rondo
