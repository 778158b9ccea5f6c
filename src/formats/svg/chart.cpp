// The picture of a LinePlot.
#include <algorithm>
#include <cmath>
#include <string_view>

#include <rondo/plot.hpp>

#include "formats/svg/axis.hpp"
#include "formats/svg/text.hpp"

namespace rondo {

namespace {

using svg::escaped;
using svg::number;
using svg::widest;

constexpr double kTitleSize = 17, kTextSize = 13, kMargin = 18, kLegendRow = 22, kLegendSample = 28;
constexpr std::string_view kInk = "#222222", kSoftInk = "#555555", kGrid = "#e3e3e3", kAxisLine = "#888888";

}  // namespace

// One picture of a LinePlot: places everything, then writes it from back to front.
class SvgChart {
 public:
  explicit SvgChart(const LinePlot& plot) : options_(plot.options_), items_(plot.items_) {
    if (options_.log_y) take_logarithms();
    place_legend();
    place_axes();
  }

  std::string draw() {
    open();
    draw_grid();
    for (const bool bands : {true, false}) {
      for (const LinePlot::Item& item : items_) {
        if (item.is_band != bands) continue;
        if (item.is_band) {
          draw_band(item);
        } else {
          draw_line(item);
        }
      }
    }
    draw_legend();
    return out_ + "</svg>\n";
  }

 private:
  using Item = LinePlot::Item;

  // NaN, which breaks a line, of what has none.
  void take_logarithms() {
    for (Item& item : items_) {
      for (std::vector<double>* values : {&item.low, &item.high}) {
        for (double& v : *values) v = v > 0 ? std::log10(v) : std::nan("");
      }
    }
  }

  // The legend stands on the right unless its texts would take too much of the width: then below.
  void place_legend() {
    std::vector<std::string> labels;
    for (const Item& item : items_) {
      if (!item.label.empty()) labels.push_back(item.label);
    }
    const double room = kLegendSample + 8 + widest(labels, kTextSize);
    const double rows = static_cast<double>(labels.size()) * kLegendRow;
    legend_right_ = room < 0.35 * static_cast<double>(options_.width);
    right_ = static_cast<double>(options_.width) - kMargin;
    if (legend_right_ && !labels.empty()) right_ -= room + kMargin;
    top_ = kMargin + (options_.title.empty() ? 0 : 34) + (options_.y_label.empty() ? 0 : 22);
    height_ = static_cast<double>(options_.height);
    if (legend_right_) height_ = std::max(height_, top_ + rows + kMargin);
    bottom_ = height_ - kMargin - 20 - (options_.x_label.empty() ? 0 : 24);
    if (!legend_right_) height_ += rows + 6;
  }

  void place_axes() {
    svg::ValueRange x_range, y_range;
    for (const Item& item : items_) {
      for (std::size_t i = 0; i < item.x.size(); ++i) {
        if (!drawable(item, i)) continue;
        x_range.include(item.x[i]);
        y_range.include(item.low[i]);
        if (item.is_band) y_range.include(item.high[i]);
      }
    }
    y_range.whole_numbers = false;
    const double ticks = (bottom_ - top_) / 55;
    y_ = options_.log_y ? svg::make_log_axis(y_range, ticks) : svg::make_axis(y_range, ticks, true);
    y_.from = bottom_;
    y_.to = top_;
    left_ = kMargin + widest(y_.tick_labels, kTextSize) + 8;
    // How many labels there is room for depends on the labels; the first guess is good enough to measure them.
    const double room = right_ - left_;
    x_ = svg::make_axis(x_range, room / 80, false);
    const double label_room = 1.6 * widest(x_.tick_labels, kTextSize);
    if (label_room > 80) x_ = svg::make_axis(x_range, room / label_room, false);
    x_.from = left_ + 6;
    x_.to = right_ - 6;
  }

  static bool drawable(const Item& item, std::size_t i) {
    return std::isfinite(item.x[i]) && std::isfinite(item.low[i]) && (!item.is_band || std::isfinite(item.high[i]));
  }

  // Calls f(begin, end) for each run of values without a break.
  template <class F>
  static void for_each_run(const Item& item, F f) {
    for (std::size_t i = 0; i < item.x.size();) {
      const std::size_t begin = i;
      while (i < item.x.size() && drawable(item, i)) ++i;
      if (i > begin) f(begin, i);
      if (i < item.x.size()) ++i;
    }
  }

  void open() {
    const std::string width = number(static_cast<double>(options_.width));
    const std::string height = number(height_);
    out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" + height +
           "\" viewBox=\"0 0 " + width + " " + height +
           "\" font-family=\"Helvetica, Arial, 'Liberation Sans', sans-serif\" font-size=\"" + number(kTextSize) +
           "\" role=\"img\">\n";
    if (!options_.title.empty()) out_ += "<title>" + escaped(options_.title) + "</title>\n";
    out_ += "<rect width=\"" + width + "\" height=\"" + height + "\" fill=\"#ffffff\"/>\n";
    if (!options_.title.empty()) {
      text(kMargin, kMargin + 12, options_.title, kInk,
           "font-size=\"" + number(kTitleSize) + "\" font-weight=\"bold\"");
    }
  }

  void draw_grid() {
    if (!options_.y_label.empty()) text(kMargin, top_ - 16, options_.y_label, kSoftInk, "");
    for (std::size_t i = 0; i < y_.ticks.size(); ++i) {
      const double y = y_.pixel(y_.ticks[i]);
      segment(left_, y, right_, y, y_.ticks[i] == 0 ? kAxisLine : kGrid);
      text(left_ - 8, y + 4.5, y_.tick_labels[i], kSoftInk, "text-anchor=\"end\"");
    }
    segment(left_, bottom_, right_, bottom_, kAxisLine);
    for (std::size_t i = 0; i < x_.ticks.size(); ++i) {
      const double x = x_.pixel(x_.ticks[i]);
      segment(x, bottom_, x, bottom_ + 5, kAxisLine);
      text(x, bottom_ + 20, x_.tick_labels[i], kSoftInk, "text-anchor=\"middle\"");
    }
    if (!options_.x_label.empty()) {
      text((left_ + right_) / 2, bottom_ + 43, options_.x_label, kSoftInk, "text-anchor=\"middle\"");
    }
  }

  void draw_band(const Item& item) {
    for_each_run(item, [&](std::size_t begin, std::size_t end) {
      out_ += "<polygon fill=\"" + escaped(item.color) + "\" fill-opacity=\"0.18\" points=\"";
      for (std::size_t i = begin; i < end; ++i) point(item.x[i], item.high[i], i == begin ? "" : " ");
      for (std::size_t i = end; i-- > begin;) point(item.x[i], item.low[i], " ");
      out_ += "\"/>\n";
    });
  }

  void draw_line(const Item& item) {
    if (item.style == LineStyle::points) {
      const double radius = item.x.size() > 400 ? 1.6 : 3.2;
      for (std::size_t i = 0; i < item.x.size(); ++i) {
        if (drawable(item, i)) dot(x_.pixel(item.x[i]), y_.pixel(item.low[i]), radius, item.color);
      }
      return;
    }
    for_each_run(item, [&](std::size_t begin, std::size_t end) {
      if (end - begin == 1) {
        dot(x_.pixel(item.x[begin]), y_.pixel(item.low[begin]), 2.4, item.color);
        return;
      }
      out_ += "<polyline" + stroke(item) + " points=\"";
      for (std::size_t i = begin; i < end; ++i) point(item.x[i], item.low[i], i == begin ? "" : " ");
      out_ += "\"/>\n";
    });
  }

  void draw_legend() {
    const double x = legend_right_ ? right_ + kMargin : left_;
    double y = legend_right_ ? top_ + 8 : static_cast<double>(options_.height) + 2;
    for (const Item& item : items_) {
      if (item.label.empty()) continue;
      draw_sample(item, x, y);
      text(x + kLegendSample + 8, y + 4.5, item.label, kInk, "");
      y += kLegendRow;
    }
  }

  void draw_sample(const Item& item, double x, double y) {
    if (item.is_band) {
      out_ += "<rect x=\"" + number(x) + "\" y=\"" + number(y - 6) + "\" width=\"" + number(kLegendSample) +
              "\" height=\"12\" fill=\"" + escaped(item.color) + "\" fill-opacity=\"0.18\"/>\n";
    } else if (item.style == LineStyle::points) {
      dot(x + kLegendSample / 2, y, 3.2, item.color);
    } else {
      out_ += "<polyline" + stroke(item) + " points=\"" + number(x) + "," + number(y) + " " +
              number(x + kLegendSample) + "," + number(y) + "\"/>\n";
    }
  }

  static std::string stroke(const Item& item) {
    return " fill=\"none\" stroke=\"" + escaped(item.color) +
           "\" stroke-width=\"2\" stroke-linejoin=\"round\" stroke-linecap=\"" +
           (item.style == LineStyle::dashed ? "butt\" stroke-dasharray=\"7 4\"" : "round\"");
  }

  void point(double x, double y, std::string_view before) {
    out_ += before;
    out_ += number(x_.pixel(x)) + "," + number(y_.pixel(y));
  }

  void dot(double x, double y, double radius, const std::string& color) {
    out_ += "<circle cx=\"" + number(x) + "\" cy=\"" + number(y) + "\" r=\"" + number(radius) + "\" fill=\"" +
            escaped(color) + "\"/>\n";
  }

  void segment(double x1, double y1, double x2, double y2, std::string_view color) {
    out_ += "<line x1=\"" + number(x1) + "\" y1=\"" + number(y1) + "\" x2=\"" + number(x2) + "\" y2=\"" + number(y2) +
            "\" stroke=\"" + std::string(color) + "\"/>\n";
  }

  void text(double x, double y, std::string_view words, std::string_view color, const std::string& attributes) {
    out_ += "<text x=\"" + number(x) + "\" y=\"" + number(y) + "\" fill=\"" + std::string(color) + "\"" +
            (attributes.empty() ? "" : " ") + attributes + ">" + escaped(words) + "</text>\n";
  }

  const PlotOptions& options_;
  std::vector<Item> items_;
  svg::Axis x_, y_;
  double left_ = 0, right_ = 0, top_ = 0, bottom_ = 0, height_ = 0;
  bool legend_right_ = true;
  std::string out_;
};

std::string LinePlot::svg() const { return SvgChart(*this).draw(); }

}  // namespace rondo
