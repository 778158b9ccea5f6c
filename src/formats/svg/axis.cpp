#include "formats/svg/axis.hpp"

#include <charconv>
#include <cmath>

#include "core/names.hpp"
#include "formats/svg/text.hpp"

namespace rondo::svg {

void ValueRange::include(double value) {
  if (!std::isfinite(value)) return;
  low = std::min(low, value);
  high = std::max(high, value);
  whole_numbers = whole_numbers && value == std::floor(value);
}

ValueRange ValueRange::drawable() const {
  constexpr double kHuge = 1e300;
  constexpr double kTiny = 1e-290;
  ValueRange range = *this;
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

namespace {

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
  if (!scientific) return fixed_text(value, std::max(0, -step.exponent));
  const int digits = static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-9)) - step.exponent;
  std::string text = scientific_text(value, std::clamp(digits, 0, 15));
  const std::size_t e = text.find('e');
  int power = 0;
  std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), power);
  return without_trailing_zeros(text.substr(0, e)) + "e" + std::to_string(power);
}

}  // namespace

Axis make_axis(const ValueRange& values, double wanted, bool to_ticks) {
  const ValueRange range = values.drawable();
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

Axis make_log_axis(const ValueRange& logarithms, double wanted) {
  const ValueRange range = logarithms.drawable();
  Axis axis;
  const auto add = [&](double factor, double power) {
    const double tick = std::log10(factor) + power;
    if (tick < range.low - 1e-9 || tick > range.high + 1e-9) return;
    axis.ticks.push_back(tick);
    axis.tick_labels.push_back(number_text(factor * std::pow(10.0, power), 3));
  };
  axis.low = range.low;
  axis.high = range.high;
  const double first = std::floor(range.low), last = std::ceil(range.high);
  const double step = std::max(1.0, std::ceil((last - first) / std::max(wanted, 2.0)));
  const bool has_powers = std::floor(range.high + 1e-9) - std::ceil(range.low - 1e-9) >= 2;
  for (double power = std::floor(first / step) * step; power <= last; power += step) {
    add(1, power);
    if (has_powers) continue;
    add(2, power);
    add(5, power);
  }
  return axis;
}

}  // namespace rondo::svg
