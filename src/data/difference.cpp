#include <rondo/data.hpp>

#include "data/series.hpp"

namespace rondo {

namespace {

void require_lag(Index lag, const std::string& caller) {
  if (lag < 1) throw ConfigError(caller + ": lag must be at least 1, got " + std::to_string(lag));
}

}  // namespace

Tensor difference(const Tensor& series, Dim lag) {
  require_lag(lag, "difference");
  const Series s = read_series(series, "difference");
  if (s.steps <= lag) {
    throw ShapeError("difference: a series of " + std::to_string(s.steps) + " steps has no difference of lag " +
                     std::to_string(lag) + "; it takes more steps than the lag");
  }
  std::vector<double> values;
  for (Index t = lag; t < s.steps; ++t) {
    for (Index v = 0; v < s.variables; ++v) values.push_back(s.at(t, v) - s.at(t - lag, v));
  }
  return make_tensor(series.shape().with(0, s.steps - lag), std::move(values), series.dtype());
}

Tensor undifference(const Tensor& differences, const Tensor& history, Dim lag) {
  require_lag(lag, "undifference");
  const Series d = read_series(differences, "undifference", "the tensor of differences");
  const Series known = read_series(history, "undifference", "the history");
  if (known.variables != d.variables) {
    throw ShapeError("undifference: the differences " + to_string(differences.shape()) + " have " +
                     std::to_string(d.variables) + " variables, the history " + to_string(history.shape()) + " has " +
                     std::to_string(known.variables) + "; both must have the same");
  }
  if (known.steps < lag) {
    throw ShapeError("undifference: a lag of " + std::to_string(lag) + " takes the last " + std::to_string(lag) +
                     " steps before the first difference, but the history " + to_string(history.shape()) +
                     " has only " + std::to_string(known.steps));
  }
  std::vector<double> values;
  for (Index t = 0; t < d.steps; ++t) {
    for (Index v = 0; v < d.variables; ++v) {
      const Index earlier = t - lag;
      const double base = earlier < 0 ? known.at(known.steps + earlier, v)
                                      : values[static_cast<std::size_t>(earlier * d.variables + v)];
      values.push_back(d.at(t, v) + base);
    }
  }
  const bool wide = differences.dtype() == DType::float64 || history.dtype() == DType::float64;
  return make_tensor(differences.shape(), std::move(values), wide ? DType::float64 : DType::float32);
}

}  // namespace rondo
