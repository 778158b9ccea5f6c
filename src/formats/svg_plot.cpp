#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <numeric>
#include <random>
#include <string_view>
#include <system_error>

#include <rondo/plot.hpp>

#include "core/names.hpp"

namespace rondo {

namespace {

// ---- Text ------------------------------------------------------------------------------------------------------

// Bytes of the UTF-8 character at the front, 0 if it is none or one that XML forbids.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return byte(0) >= 0x20 && byte(0) != 0x7F ? 1 : 0;
  const std::size_t length = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < length) return 0;
  std::uint32_t code = byte(0) & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return overlong || surrogate || code == 0xFFFE || code == 0xFFFF || code > 0x10FFFF ? 0 : length;
}

// Text for XML content and attributes; what is no text becomes the replacement character.
std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const char c = text[0];
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      case '\t':
      case '\n':
      case '\r': out += ' '; break;
      default: out += length == 0 ? "\xEF\xBF\xBD" : text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

// Without font metrics: the mean width of a character of the usual sans-serif fonts, on the wide side.
double text_width(std::string_view text, double font_size) {
  const auto characters = std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; });
  return 0.6 * font_size * static_cast<double>(characters);
}

std::string print(double value, std::chars_format format, int precision) {
  std::array<char, 400> buffer;
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, format, precision);
  return error == std::errc() ? std::string(buffer.data(), end) : "0";
}

std::string without_trailing_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// A coordinate: at most two decimals, no "-0".
std::string number(double value) {
  const std::string text = without_trailing_zeros(print(value, std::chars_format::fixed, 2));
  return text == "-0" ? "0" : text;
}

// ---- Axes ------------------------------------------------------------------------------------------------------

// From values to pixels, with ticks at 1, 2 or 5 times a power of ten.
struct Axis {
  double low = 0, high = 1;  // values at both ends
  std::vector<double> ticks;
  std::vector<std::string> tick_labels;
  double from = 0, to = 0;  // pixels at both ends

  // Values beyond the ends (Range::drawable cuts at 1e300) stay at the edge.
  double pixel(double value) const {
    return from + (to - from) * ((std::clamp(value, low, high) - low) / (high - low));
  }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool whole_numbers = true;

  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
    whole_numbers = whole_numbers && value == std::floor(value);
  }

  // The range made fit for an axis: never empty, never so wide that a difference overflows.
  Range drawable() const {
    constexpr double kHuge = 1e300;
    constexpr double kTiny = 1e-290;
    Range range = *this;
    if (low > high) return {.low = 0, .high = 1, .whole_numbers = whole_numbers};
    range.low = std::clamp(low, -kHuge, kHuge);
    range.high = std::clamp(high, -kHuge, kHuge);
    const double size = std::max(std::abs(range.low), std::abs(range.high));
    if (range.high - range.low <= 1e-12 * size || range.high - range.low < kTiny) {
      const double margin = size < kTiny ? 1 : 0.1 * size;
      range.low -= margin;
      range.high += margin;
    }
    return range;
  }
};

struct Step {
  double size;
  int exponent;  // of ten
};

Step nice_step(double span, double wanted) {
  const double rough = span / std::max(wanted, 2.0);
  const int exponent = static_cast<int>(std::floor(std::log10(rough)));
  const double unit = std::pow(10.0, exponent);
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * unit >= rough * (1 - 1e-9)) return {factor * unit, exponent};
  }
  return {std::pow(10.0, exponent + 1), exponent + 1};
}

std::string tick_label(double value, Step step, bool scientific) {
  if (value == 0) return "0";
  if (!scientific) return print(value, std::chars_format::fixed, std::max(0, -step.exponent));
  const int digits = static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-9)) - step.exponent;
  std::string text = print(value, std::chars_format::scientific, std::clamp(digits, 0, 15));
  const std::size_t e = text.find('e');
  int power = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), power);
  return without_trailing_zeros(text.substr(0, e)) + "e" + std::to_string(power);
}

// `wanted` ticks at most, about; `to_ticks` widens the range to the next ticks.
Axis make_axis(const Range& data, double wanted, bool to_ticks) {
  const Range range = data.drawable();
  Step step = nice_step(range.high - range.low, wanted);
  if (range.whole_numbers && step.size < 1) step = {1, 0};
  Axis axis;
  axis.low = to_ticks ? std::floor(range.low / step.size + 1e-9) * step.size : range.low;
  axis.high = to_ticks ? std::ceil(range.high / step.size - 1e-9) * step.size : range.high;
  const double first = std::ceil(axis.low / step.size - 1e-9);
  const double last = std::floor(axis.high / step.size + 1e-9);
  const double largest = std::max(std::abs(axis.low), std::abs(axis.high));
  const bool scientific = largest >= 1e7 || step.size < 1e-5;
  for (double i = 0; i <= last - first; ++i) {
    axis.ticks.push_back((first + i) * step.size);
    axis.tick_labels.push_back(tick_label(axis.ticks.back(), step, scientific));
  }
  return axis;
}

double widest(const std::vector<std::string>& texts, double font_size) {
  double width = 0;
  for (const std::string& text : texts) width = std::max(width, text_width(text, font_size));
  return width;
}

// ---- Looks -----------------------------------------------------------------------------------------------------

constexpr double kTitleSize = 17, kTextSize = 13, kMargin = 18, kLegendRow = 22, kLegendSample = 28;
constexpr std::string_view kInk = "#222222", kSoftInk = "#555555", kGrid = "#e3e3e3", kAxisLine = "#888888";

// Okabe and Ito's colours without the yellow, which is too light for lines on white.
constexpr std::array<std::string_view, 7> kPalette = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                      "#E69F00", "#56B4E9", "#000000"};

// ---- Files -----------------------------------------------------------------------------------------------------

[[noreturn]] void fail_to_write(const std::string& path, const std::string& reason) {
  throw FileError("cannot write '" + path + "': " + reason);
}

void write_all(const std::string& path, const std::string& temporary, const std::string& content) {
  std::FILE* file = std::fopen(temporary.c_str(), "wbx");
  if (file == nullptr) fail_to_write(path, system_error_text(errno));
  const bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size();
  const int write_error = errno;
  const bool closed = std::fclose(file) == 0;
  const int error = written ? errno : write_error;
  if (written && closed) return;
  std::remove(temporary.c_str());
  fail_to_write(path, system_error_text(error));
}

// Readers see the old file or the whole new one: a new name beside it, then a rename.
void write_atomically(const std::string& path, const std::string& content) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) fail_to_write(path, "it is a directory");
  std::random_device random;
  const std::string temporary = path + ".tmp" + std::to_string(random());
  write_all(path, temporary, content);
  std::filesystem::rename(temporary, path, error);
  if (!error) return;
  std::remove(temporary.c_str());
  fail_to_write(path, system_error_text(error.value()));
}

}  // namespace

// ---- Drawing ---------------------------------------------------------------------------------------------------

// One picture of a LinePlot: places everything, then writes it from back to front.
class SvgChart {
 public:
  explicit SvgChart(const LinePlot& plot) : options_(plot.options_), items_(plot.items_) {
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
    Range x_range, y_range;
    for (const Item& item : items_) {
      for (std::size_t i = 0; i < item.x.size(); ++i) {
        if (!drawable(item, i)) continue;
        x_range.include(item.x[i]);
        y_range.include(item.low[i]);
        if (item.is_band) y_range.include(item.high[i]);
      }
    }
    y_range.whole_numbers = false;
    y_ = make_axis(y_range, (bottom_ - top_) / 55, true);
    y_.from = bottom_;
    y_.to = top_;
    left_ = kMargin + widest(y_.tick_labels, kTextSize) + 8;
    // How many labels there is room for depends on the labels; the first guess is good enough to measure them.
    const double room = right_ - left_;
    x_ = make_axis(x_range, room / 80, false);
    const double label_room = 1.6 * widest(x_.tick_labels, kTextSize);
    if (label_room > 80) x_ = make_axis(x_range, room / label_room, false);
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
  const std::vector<Item>& items_;
  Axis x_, y_;
  double left_ = 0, right_ = 0, top_ = 0, bottom_ = 0, height_ = 0;
  bool legend_right_ = true;
  std::string out_;
};

// ---- LinePlot --------------------------------------------------------------------------------------------------

namespace {

void require_equal(const std::string& label, const char* name, std::size_t size, std::size_t expected) {
  if (size == expected) return;
  throw ShapeError("LinePlot: '" + label + "' has " + std::to_string(size) + " values of " + name + ", but " +
                   std::to_string(expected) + " of the others; all need one a point");
}

std::vector<double> positions(const Tensor& x, std::size_t points) {
  std::vector<double> values = x.to_vector();
  if (values.empty()) {
    values.resize(points);
    std::iota(values.begin(), values.end(), 0.0);
  }
  return values;
}

}  // namespace

LinePlot::LinePlot(PlotOptions options) : options_(std::move(options)) {
  for (const Index size : {Index{options_.width}, Index{options_.height}}) {
    if (size < 200 || size > 10000) {
      throw ConfigError("LinePlot: width and height must lie between 200 and 10000 pixels, got " +
                        std::to_string(options_.width) + " x " + std::to_string(options_.height));
    }
  }
}

std::string LinePlot::next_color() const { return std::string(kPalette[palette_used_ % kPalette.size()]); }

LinePlot& LinePlot::add(const PlotLine& line) {
  Item item{line.label, line.color, {}, line.y.to_vector(), {}, false, line.style};
  item.x = positions(line.x, item.low.size());
  require_equal(line.label, "x", item.x.size(), item.low.size());
  if (item.color.empty()) {
    item.color = next_color();
    ++palette_used_;
  }
  items_.push_back(std::move(item));
  return *this;
}

LinePlot& LinePlot::band(const PlotBand& band) {
  Item item{band.label, band.color, {}, band.low.to_vector(), band.high.to_vector(), true, LineStyle::line};
  item.x = positions(band.x, item.low.size());
  require_equal(band.label, "high", item.high.size(), item.low.size());
  require_equal(band.label, "x", item.x.size(), item.low.size());
  if (item.color.empty()) item.color = next_color();
  items_.push_back(std::move(item));
  return *this;
}

std::string LinePlot::svg() const { return SvgChart(*this).draw(); }

void LinePlot::save(const std::string& path) const { write_atomically(path, svg()); }

}  // namespace rondo
