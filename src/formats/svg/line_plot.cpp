// What a LinePlot holds; how it looks is in chart.cpp.
#include <array>
#include <numeric>
#include <string_view>

#include <rondo/plot.hpp>

#include "core/atomic_file.hpp"

namespace rondo {

namespace {

// Okabe and Ito's colours without the yellow, which is too light for lines on white.
constexpr std::array<std::string_view, 7> kPalette = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                      "#E69F00", "#56B4E9", "#000000"};

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

void LinePlot::save(const std::string& path) const { core::write_file(path, svg()); }

}  // namespace rondo
