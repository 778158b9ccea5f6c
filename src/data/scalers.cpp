#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include <rondo/data.hpp>

#include "core/names.hpp"
#include "core/positions.hpp"
#include "data/series.hpp"

namespace rondo {

namespace {

std::size_t column_count(const Tensor& data, const std::string& scaler) {
  if (data.rank() == 0) throw ShapeError(scaler + ": a scalar has no columns; reshape it to (1,) first");
  return data.rank() == 1 ? 1 : static_cast<std::size_t>(data.shape().back());
}

// "row 3, column 1", or all positions where there are more than two axes.
std::string place(const Tensor& data, std::size_t element, std::size_t columns) {
  if (data.rank() <= 2) {
    return "row " + std::to_string(element / columns) + ", column " + std::to_string(element % columns);
  }
  std::vector<Index> position;
  auto rest = static_cast<Index>(element);
  for (Index axis = data.rank() - 1; axis >= 0; --axis) {
    position.insert(position.begin(), rest % data.shape()[axis]);
    rest /= data.shape()[axis];
  }
  return "position " + to_string(Shape(position));
}

[[noreturn]] void refuse_infinity(const std::string& scaler, const char* call, const std::string& where) {
  throw NumericError(scaler + ": " + call + " found an infinity in " + where +
                     "; replace it by a number, or by NaN if the value is missing");
}

// The tensor with f(value, column) in place of every value; NaN stays.
template <class F>
Tensor map_columns(const Tensor& data, std::size_t columns, const std::string& scaler, const char* call, F f) {
  std::vector<double> values = data.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    if (std::isinf(values[i])) refuse_infinity(scaler, call, place(data, i, columns));
    values[i] = f(values[i], i % columns);
  }
  return make_tensor(data.shape(), std::move(values), data.dtype());
}

// Checks what both scalers check before they transform anything.
std::size_t fitted_columns(const Tensor& data, std::size_t fitted, const std::string& scaler, const char* call) {
  if (fitted == 0) {
    throw StateError(scaler + ": " + call + " before fit; call fit (or fit_transform) on the training part first");
  }
  const std::size_t columns = column_count(data, scaler);
  if (columns != fitted) {
    throw ShapeError(scaler + ": " + call + " got " + std::to_string(columns) + " columns (shape " +
                     to_string(data.shape()) + ", last axis), but it was fitted on " + std::to_string(fitted) +
                     "; scale the same columns as in fit, before lag_frame, or take one of them with column()");
  }
  return columns;
}

// The values of each column without NaN; refuses what nothing can be learned from.
std::vector<std::vector<double>> known_values(const Tensor& data, const std::string& scaler) {
  const std::size_t columns = column_count(data, scaler);
  if (data.empty()) {
    throw ShapeError(scaler + ": fit got an empty tensor of shape " + to_string(data.shape()) +
                     "; at least one row and one column are needed");
  }
  std::vector<std::vector<double>> known(columns);
  const std::vector<double> values = data.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isinf(values[i])) refuse_infinity(scaler, "fit", place(data, i, columns));
    if (!std::isnan(values[i])) known[i % columns].push_back(values[i]);
  }
  for (std::size_t c = 0; c < columns; ++c) {
    if (known[c].empty()) {
      throw NumericError(scaler + ": fit found nothing but NaN in column " + std::to_string(c) + "; leave it out");
    }
  }
  return known;
}

// (x - from) / (to - from): where x stands on the way from one to the other. No difference overflows.
double fraction(double x, double from, double to) {
  const double part = x - from;
  const double whole = to - from;
  if (std::isfinite(part) && std::isfinite(whole)) return part / whole;
  return (x / 2 - from / 2) / (to / 2 - from / 2);
}

// The way back.
double between(double from, double to, double part) {
  return std::isfinite(part) ? std::lerp(from, to, part) : part;  // lerp makes NaN of an infinity
}

struct Moments {
  double mean, variance, scale;
};

// Over n, not n - 1. Values are taken in units of a power of two near the largest, so that no square overflows or
// vanishes, and from the smallest on, so that a small spread about a large mean keeps its digits. The correction takes
// out what rounding left in the mean.
Moments moments(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  if (*low == *high) return {*low, 0, 1};
  int unit = 0;
  (void)std::frexp(std::max(std::abs(*low), std::abs(*high)), &unit);
  const double origin = std::ldexp(*low, -unit);
  const auto n = static_cast<double>(values.size());
  double sum = 0;
  for (const double value : values) sum += std::ldexp(value, -unit) - origin;
  const double mean = sum / n;
  double squares = 0;
  double correction = 0;
  for (const double value : values) {
    const double off = std::ldexp(value, -unit) - origin - mean;
    squares += off * off;
    correction += off;
  }
  const double variance = (squares - correction * correction / n) / n;
  return {std::ldexp(origin + mean, unit), std::ldexp(variance, 2 * unit),
          std::max(std::ldexp(std::sqrt(variance), unit), std::numeric_limits<double>::denorm_min())};
}

std::size_t column_position(Index position, std::size_t columns, const std::string& scaler) {
  if (columns == 0) throw StateError(scaler + ": column before fit; call fit on the training part first");
  const std::optional<Index> i = resolve_position(position, static_cast<Index>(columns));
  if (!i) {
    throw ShapeError(scaler + ": column " + std::to_string(position) + " does not exist; it was fitted on " +
                     std::to_string(columns));
  }
  return static_cast<std::size_t>(*i);
}

std::vector<double> pick(const std::vector<double>& values, std::size_t position) {
  return values.empty() ? values : std::vector<double>{values[position]};
}

}  // namespace

// ---- MinMaxScaler ----------------------------------------------------------------------------------------------

MinMaxScaler::MinMaxScaler(const MinMaxScalerOptions& options) : options_(options) {
  const FeatureRange& range = options_.feature_range;
  if (!(range.low < range.high) || !std::isfinite(range.low) || !std::isfinite(range.high)) {
    throw ConfigError("MinMaxScaler: feature_range must run from a smaller to a larger number, got {" +
                      number_text(range.low) + ", " + number_text(range.high) + "}");
  }
}

MinMaxScaler::MinMaxScaler(const MinMaxScalerOptions& options, std::vector<double> data_min,
                           std::vector<double> data_max)
    : MinMaxScaler(options) {
  if (data_min.empty() || data_min.size() != data_max.size()) {
    throw ShapeError("MinMaxScaler: data_min has " + std::to_string(data_min.size()) + " values, data_max has " +
                     std::to_string(data_max.size()) + "; both need one a column");
  }
  for (std::size_t c = 0; c < data_min.size(); ++c) {
    if (!(data_min[c] <= data_max[c]) || std::isinf(data_min[c]) || std::isinf(data_max[c])) {
      throw ConfigError("MinMaxScaler: data_min and data_max of column " + std::to_string(c) + " are " +
                        number_text(data_min[c]) + " and " + number_text(data_max[c]) +
                        "; numbers are expected, the first not above the second");
    }
  }
  data_min_ = std::move(data_min);
  data_max_ = std::move(data_max);
  derive();
}

MinMaxScaler& MinMaxScaler::fit(const Tensor& data) {
  const std::vector<std::vector<double>> known = known_values(data, "MinMaxScaler");
  data_min_.clear();
  data_max_.clear();
  for (const std::vector<double>& column : known) {
    const auto [low, high] = std::minmax_element(column.begin(), column.end());
    data_min_.push_back(*low);
    data_max_.push_back(*high);
  }
  derive();
  return *this;
}

void MinMaxScaler::derive() {
  const FeatureRange& range = options_.feature_range;
  scale_.clear();
  min_.clear();
  for (std::size_t c = 0; c < data_min_.size(); ++c) {
    const bool constant = data_min_[c] == data_max_[c];
    scale_.push_back(constant ? range.high - range.low
                              : (range.high / 2 - range.low / 2) / (data_max_[c] / 2 - data_min_[c] / 2));
    min_.push_back(data_min_[c] == 0 ? range.low.value : range.low - data_min_[c] * scale_[c]);
  }
}

Tensor MinMaxScaler::transform(const Tensor& data) const {
  const std::size_t columns = fitted_columns(data, scale_.size(), "MinMaxScaler", "transform");
  const double low = options_.feature_range.low;
  const double high = options_.feature_range.high;
  return map_columns(data, columns, "MinMaxScaler", "transform", [&](double value, std::size_t c) {
    const bool constant = data_min_[c] == data_max_[c];
    const double part = constant ? value - data_min_[c] : fraction(value, data_min_[c], data_max_[c]);
    const double scaled = between(low, high, part);
    return options_.clip ? std::clamp(scaled, low, high) : scaled;
  });
}

Tensor MinMaxScaler::inverse_transform(const Tensor& scaled) const {
  const std::size_t columns = fitted_columns(scaled, scale_.size(), "MinMaxScaler", "inverse_transform");
  const double low = options_.feature_range.low;
  const double high = options_.feature_range.high;
  return map_columns(scaled, columns, "MinMaxScaler", "inverse_transform", [&](double value, std::size_t c) {
    const bool constant = data_min_[c] == data_max_[c];
    const double part = fraction(value, low, high);
    return constant ? data_min_[c] + part : between(data_min_[c], data_max_[c], part);
  });
}

MinMaxScaler MinMaxScaler::column(Dim position) const {
  const std::size_t i = column_position(position, scale_.size(), "MinMaxScaler");
  return MinMaxScaler(options_, pick(data_min_, i), pick(data_max_, i));
}

// ---- StandardScaler --------------------------------------------------------------------------------------------

StandardScaler::StandardScaler(const StandardScalerOptions& options, std::vector<double> mean, std::vector<double> var,
                               std::vector<double> scale)
    : options_(options), mean_(std::move(mean)), var_(std::move(var)), scale_(std::move(scale)) {
  const std::size_t expected = options_.with_std ? mean_.size() : 0;
  if (mean_.empty() || var_.size() != expected || scale_.size() != expected) {
    throw ShapeError("StandardScaler: mean has " + std::to_string(mean_.size()) + " values, var " +
                     std::to_string(var_.size()) + " and scale " + std::to_string(scale_.size()) +
                     "; each needs one a column, var and scale none without with_std");
  }
  for (std::size_t c = 0; c < mean_.size(); ++c) {
    const double one = scale_.empty() ? 1 : scale_[c];
    if (!std::isfinite(mean_[c]) || !(one > 0) || std::isinf(one)) {
      throw ConfigError("StandardScaler: mean and scale of column " + std::to_string(c) + " are " +
                        number_text(mean_[c]) + " and " + number_text(one) +
                        "; numbers are expected, the scale above 0");
    }
  }
}

StandardScaler& StandardScaler::fit(const Tensor& data) {
  const std::vector<std::vector<double>> known = known_values(data, "StandardScaler");
  mean_.clear();
  var_.clear();
  scale_.clear();
  for (const std::vector<double>& column : known) {
    const Moments m = moments(column);
    mean_.push_back(m.mean);
    if (!options_.with_std) continue;
    var_.push_back(m.variance);
    scale_.push_back(m.scale);
  }
  return *this;
}

Tensor StandardScaler::transform(const Tensor& data) const {
  const std::size_t columns = fitted_columns(data, mean_.size(), "StandardScaler", "transform");
  return map_columns(data, columns, "StandardScaler", "transform", [&](double value, std::size_t c) {
    const double mean = options_.with_mean ? mean_[c] : 0;
    const double scale = options_.with_std ? scale_[c] : 1;
    const double centred = value - mean;
    return std::isfinite(centred) ? centred / scale : value / scale - mean / scale;
  });
}

Tensor StandardScaler::inverse_transform(const Tensor& scaled) const {
  const std::size_t columns = fitted_columns(scaled, mean_.size(), "StandardScaler", "inverse_transform");
  return map_columns(scaled, columns, "StandardScaler", "inverse_transform", [&](double value, std::size_t c) {
    const double mean = options_.with_mean ? mean_[c] : 0;
    const double scale = options_.with_std ? scale_[c] : 1;
    const double stretched = value * scale;
    return std::isfinite(stretched) ? stretched + mean : 2 * (value * (scale / 2) + mean / 2);
  });
}

StandardScaler StandardScaler::column(Dim position) const {
  const std::size_t i = column_position(position, mean_.size(), "StandardScaler");
  return StandardScaler(options_, pick(mean_, i), pick(var_, i), pick(scale_, i));
}

}  // namespace rondo
