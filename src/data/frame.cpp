#include <algorithm>
#include <cmath>
#include <limits>

#include <rondo/data.hpp>

#include "core/sizes.hpp"
#include "data/series.hpp"

namespace rondo {

namespace {

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

double value_or_missing(const Series& series, Index step, Index variable) {
  return step >= 0 && step < series.steps ? series.at(step, variable) : kMissing;
}

void append_steps(const Series& series, Index begin, Index end, std::vector<double>& out) {
  for (Index step = begin; step < end; ++step) {
    for (Index v = 0; v < series.variables; ++v) out.push_back(value_or_missing(series, step, v));
  }
}

std::string step_name(Index offset) {
  if (offset == 0) return "t";
  return (offset < 0 ? "t" : "t+") + std::to_string(offset);
}

std::vector<std::string> column_names(Index lags, Index horizon, Index variables) {
  std::vector<std::string> names;
  for (Index offset = -lags; offset < horizon; ++offset) {
    for (Index v = 1; v <= variables; ++v) {
      const std::string step = step_name(offset);
      names.push_back(variables == 1 ? step : "var" + std::to_string(v) + "(" + step + ")");
    }
  }
  return names;
}

bool any_missing(const std::vector<double>& row) {
  return std::any_of(row.begin(), row.end(), [](double value) { return std::isnan(value); });
}

void require_rows(const LagFrame& frame, const Series& series, Index lags, Index horizon) {
  if (!frame.index.empty()) return;
  const std::string steps = std::to_string(series.steps);
  if (series.steps < lags + horizon) {
    throw ShapeError("lag_frame: a series of " + steps + " steps is too short for " + std::to_string(lags) +
                     " lags and a horizon of " + std::to_string(horizon) + "; it takes at least " +
                     std::to_string(lags + horizon) + " steps");
  }
  throw ShapeError("lag_frame: the missing values of the series leave none of its " + steps +
                   " rows complete; fill the gaps first, or set drop_missing = false");
}

void require_table(const Tensor& X, const std::string& caller, const std::string& result) {
  if (X.rank() == 2) return;
  std::string fix = "reshape X to two axes first";
  if (X.rank() == 1) fix = "cut a series into rows of lags with lag_frame first, or reshape X to (samples, 1)";
  if (X.rank() == 3) fix = "X already has the three axes (samples, timesteps, features)";
  throw ShapeError(caller + ": X has shape " + to_string(X.shape()) +
                   ", but two axes (samples, columns) are expected to make " + result + "; " + fix);
}

}  // namespace

Tensor shift(const Tensor& series, Dim periods) {
  const Series s = read_series(series, "shift");
  // Past either end all shifts are alike; holding the number there keeps the differences below from overflowing.
  const Index by = std::clamp<Index>(periods, -s.steps, s.steps);
  std::vector<double> values;
  append_steps(s, -by, s.steps - by, values);
  return make_tensor(series.shape(), std::move(values), series.dtype());
}

LagFrame lag_frame(const Tensor& series, const LagOptions& options) {
  const Series s = read_series(series, "lag_frame");
  const Index lags = options.lags;
  const Index horizon = options.horizon;
  constexpr Index kMost = 1'000'000'000;  // far above any use; sums stay in range
  if (lags < 1 || horizon < 1 || lags > kMost || horizon > kMost) {
    throw ConfigError("lag_frame: lags and horizon must be at least 1 and at most " + std::to_string(kMost) +
                      ", got lags = " + std::to_string(lags) + " and horizon = " + std::to_string(horizon));
  }
  LagFrame frame;
  const Index first = options.drop_missing ? lags : 0;
  const Index last = options.drop_missing ? s.steps - horizon : s.steps - 1;
  const auto room_for = [&](Index steps, const std::string& what) {
    const Size count = Size(std::max<Index>(last - first + 1, 0)) * steps * s.variables;
    return allocating(
        count.bytes(DType::float64),
        [&] {
          std::vector<double> values;
          values.reserve(static_cast<std::size_t>(count.count(what)));
          return values;
        },
        [&] { return what; });
  };
  std::vector<double> past, future, X = room_for(lags, "lag_frame: X of " + std::to_string(lags) + " lags");
  std::vector<double> y = room_for(horizon, "lag_frame: y of " + std::to_string(horizon) + " steps");
  for (Index t = first; t <= last; ++t) {
    past.clear();
    future.clear();
    append_steps(s, t - lags, t, past);
    append_steps(s, t, t + horizon, future);
    if (options.drop_missing && (any_missing(past) || any_missing(future))) continue;
    X.insert(X.end(), past.begin(), past.end());
    y.insert(y.end(), future.begin(), future.end());
    frame.index.push_back(t);
  }
  require_rows(frame, s, lags, horizon);
  const auto rows = static_cast<Index>(frame.index.size());
  frame.X = make_tensor({rows, lags * s.variables}, std::move(X), series.dtype());
  frame.y = make_tensor({rows, horizon * s.variables}, std::move(y), series.dtype());
  frame.variables = s.variables;
  frame.names = column_names(lags, horizon, s.variables);
  return frame;
}

Tensor as_timesteps(const Tensor& X, Dim features) {
  require_table(X, "as_timesteps", "(samples, timesteps, features)");
  const Index columns = X.shape()[1];
  if (features < 1 || columns % features != 0) {
    throw ShapeError("as_timesteps: the " + std::to_string(columns) + " columns of X " + to_string(X.shape()) +
                     " cannot be cut into steps of " + std::to_string(features) +
                     " features; features must be at least 1 and divide the number of columns");
  }
  return X.reshape({X.shape()[0], columns / features, features});
}

Tensor as_timesteps(const LagFrame& frame) { return as_timesteps(frame.X, frame.variables); }

Tensor as_features(const LagFrame& frame) { return as_features(frame.X); }

Tensor as_features(const Tensor& X) {
  require_table(X, "as_features", "(samples, 1, features)");
  return X.reshape({X.shape()[0], 1, X.shape()[1]});
}

}  // namespace rondo
