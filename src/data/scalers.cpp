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

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

std::size_t column_count(const Tensor& data, const std::string& scaler) {
  if (data.rank() == 0) throw ShapeError(scaler + ": a scalar has no columns; reshape it to (1,) first");
  return data.rank() == 1 ? 1 : static_cast<std::size_t>(data.shape().back());
}

// The tensor with f(value, column) in place of every value.
template <class F>
Tensor map_columns(const Tensor& data, std::size_t columns, F f) {
  std::vector<double> values = data.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = f(values[i], i % columns);
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
    if (std::isinf(values[i])) {
      throw NumericError(scaler + ": fit found an infinity in row " + std::to_string(i / columns) + ", column " +
                         std::to_string(i % columns) + "; replace it by a number, or by NaN if the value is missing");
    }
    if (!std::isnan(values[i])) known[i % columns].push_back(values[i]);
  }
  for (std::size_t c = 0; c < columns; ++c) {
    if (known[c].empty()) {
      throw NumericError(scaler + ": fit found nothing but NaN in column " + std::to_string(c) + "; leave it out");
    }
  }
  return known;
}

double sum(const std::vector<double>& values) {
  double total = 0;
  for (const double value : values) total += value;
  return total;
}

struct Moments {
  double mean, variance;
  bool constant;
};

// scikit-learn's formulas, so that the bits are nearly its own. The correction takes out what rounding left in the
// mean; a variance within rounding error of a constant column counts as constant.
Moments moments(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = sum(values) / n;
  double squares = 0;
  double correction = 0;
  for (const double value : values) {
    correction += value - mean;
    squares += (value - mean) * (value - mean);
  }
  const double variance = (squares - correction * correction / n) / n;
  const double rounding = n * mean * kEpsilon;
  return {mean, variance, variance <= n * kEpsilon * variance + rounding * rounding};
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
                      std::to_string(range.low) + ", " + std::to_string(range.high) + "}");
  }
}

MinMaxScaler::MinMaxScaler(const MinMaxScalerOptions& options, std::vector<double> data_min,
                           std::vector<double> data_max)
    : MinMaxScaler(options) {
  if (data_min.empty() || data_min.size() != data_max.size()) {
    throw ShapeError("MinMaxScaler: data_min has " + std::to_string(data_min.size()) + " values, data_max has " +
                     std::to_string(data_max.size()) + "; both need one a column");
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
    const double spread = data_max_[c] - data_min_[c];
    scale_.push_back((range.high - range.low) / (spread < 10 * kEpsilon ? 1 : spread));
    min_.push_back(range.low - data_min_[c] * scale_[c]);
  }
}

Tensor MinMaxScaler::transform(const Tensor& data) const {
  const std::size_t columns = fitted_columns(data, scale_.size(), "MinMaxScaler", "transform");
  const double low = options_.feature_range.low;
  const double high = options_.feature_range.high;
  return map_columns(data, columns, [&](double value, std::size_t c) {
    const double scaled = value * scale_[c] + min_[c];
    if (!options_.clip) return scaled;
    return scaled < low ? low : scaled > high ? high : scaled;  // lets NaN through
  });
}

Tensor MinMaxScaler::inverse_transform(const Tensor& scaled) const {
  const std::size_t columns = fitted_columns(scaled, scale_.size(), "MinMaxScaler", "inverse_transform");
  return map_columns(scaled, columns, [&](double value, std::size_t c) { return (value - min_[c]) / scale_[c]; });
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
    scale_.push_back(m.constant ? 1 : std::sqrt(m.variance));
  }
  return *this;
}

Tensor StandardScaler::transform(const Tensor& data) const {
  const std::size_t columns = fitted_columns(data, mean_.size(), "StandardScaler", "transform");
  return map_columns(data, columns, [&](double value, std::size_t c) {
    const double centred = options_.with_mean ? value - mean_[c] : value;
    return options_.with_std ? centred / scale_[c] : centred;
  });
}

Tensor StandardScaler::inverse_transform(const Tensor& scaled) const {
  const std::size_t columns = fitted_columns(scaled, mean_.size(), "StandardScaler", "inverse_transform");
  return map_columns(scaled, columns, [&](double value, std::size_t c) {
    const double stretched = options_.with_std ? value * scale_[c] : value;
    return options_.with_mean ? stretched + mean_[c] : stretched;
  });
}

StandardScaler StandardScaler::column(Dim position) const {
  const std::size_t i = column_position(position, mean_.size(), "StandardScaler");
  return StandardScaler(options_, pick(mean_, i), pick(var_, i), pick(scale_, i));
}

}  // namespace rondo
