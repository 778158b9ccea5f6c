// LinePlot: a line chart as an SVG file, to look at a forecast, a history, a series. SVG is text that browsers, editors
// and converters show at any size.
//
//   LinePlot plot({.title = "Airline passengers", .x_label = "Month", .y_label = "Thousands"});
//   plot.add({.label = "truth", .x = months, .y = test});
//   plot.band({.label = "90 % interval", .x = months, .low = low, .high = high});   // in the colour of the next line
//   plot.add({.label = "LSTM", .x = months, .y = forecast, .style = LineStyle::dashed});
//   plot.save("airline.svg");
//
// The course of a training is one call:
//
//   plot_history(history, "curve.svg");
//
// The same calls give the same bytes, whatever the locale. A LinePlot belongs to one thread at a time.
#pragma once

#include <string>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/history.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

struct PlotOptions {
  std::string title = {};  // texts are UTF-8; an empty one takes no room
  std::string x_label = {};
  std::string y_label = {};
  Dim width = 900;     // of the picture, in pixels: 200 to 10000
  Dim height = 420;    // at least; a long legend makes it higher
  bool log_y = false;  // a logarithmic axis, on which values of 0 or less break a line
};

enum class LineStyle { line, dashed, points };

// One line. The values of tensors of any shape are taken in row-major order, so predictions of shape (samples, 1) fit.
// NaN and infinities break the line; a value alone between two breaks is drawn as a dot.
struct PlotLine {
  std::string label = {};  // its name in the legend; none if empty
  Tensor x = {};           // positions; 0, 1, 2, ... if empty
  Tensor y = {};
  LineStyle style = LineStyle::line;
  std::string color = {};  // as CSS writes colours: "black", "#0072B2"; if empty the next of a palette that
                           // colour-blind readers can tell apart (Okabe and Ito)
};

// A shaded interval behind the lines. NaN and infinities break it.
struct PlotBand {
  std::string label = {};
  Tensor x = {};
  Tensor low = {};
  Tensor high = {};
  std::string color = {};  // if empty the colour that the next line takes from the palette
};

class LinePlot {
 public:
  // ConfigError for a width or height outside 200 to 10000.
  explicit LinePlot(PlotOptions options = {});

  // Adds a line or a band; later lines are drawn over earlier ones. ShapeError if the lengths differ.
  LinePlot& add(const PlotLine& line);
  LinePlot& band(const PlotBand& band);

  // The picture as SVG text.
  std::string svg() const;

  // Writes the picture: the file is complete or, after a FileError, as it was before.
  void save(const std::string& path) const;

 private:
  struct Item {
    std::string label, color;
    std::vector<double> x, low, high;  // a line has low only
    bool is_band;
    LineStyle style;
  };
  friend class SvgChart;

  std::string next_color() const;

  PlotOptions options_;
  std::vector<Item> items_;
  std::size_t palette_used_ = 0;
};

// The loss of a training, and that of its validation where there was one, over the epochs, counted from 1. Titles and
// labels that are left out are "Learning curve", "epoch" and "loss". The axis is logarithmic where the losses are
// positive and differ by a factor of 30 or more, or if the options say so. ConfigError for a history without epochs.
LinePlot history_plot(const History& history, PlotOptions options = {});

// The same as a file, as LinePlot::save.
void plot_history(const History& history, const std::string& path, const PlotOptions& options = {});

}  // namespace rondo
