#include <cmath>

#include <rondo/data.hpp>

#include "core/names.hpp"

namespace rondo {

namespace {

std::string describe(const Tensor& data) {
  return std::to_string(data.shape()[0]) + " rows (shape " + to_string(data.shape()) + ")";
}

Index test_rows(const Tensor& data, const SplitOptions& options) {
  if (data.rank() == 0) throw ShapeError("split_in_time: a scalar has no rows to split");
  const bool by_rows = options.test != 0;
  const bool by_fraction = options.test_fraction != 0;
  if (by_rows == by_fraction) {
    throw ConfigError("split_in_time: give exactly one of test (a number of rows) and test_fraction; got test = " +
                      std::to_string(options.test) + " and test_fraction = " + number_text(options.test_fraction));
  }
  if (options.test < 0) {
    throw ConfigError("split_in_time: test must be at least 1, got " + std::to_string(options.test));
  }
  if (by_rows) return options.test;
  if (!(options.test_fraction > 0 && options.test_fraction < 1)) {
    throw ConfigError("split_in_time: test_fraction must lie between 0 and 1, got " +
                      number_text(options.test_fraction));
  }
  // 100 * 0.07 is 7.000000000000001 in floating point and must not round up to 8.
  const double exact = static_cast<double>(data.shape()[0]) * options.test_fraction;
  return static_cast<Index>(std::ceil(exact * (1 - 1e-12)));
}

Split cut(const Tensor& data, Index test) {
  const Index rows = data.shape()[0];
  if (test < 1 || test >= rows) {
    throw ShapeError("split_in_time: " + std::to_string(test) + " of " + describe(data) +
                     " for the test part leaves nothing for the other; both parts need at least one row");
  }
  return {data.rows(0, rows - test), data.rows(rows - test)};
}

}  // namespace

Split split_in_time(const Tensor& data, const SplitOptions& options) { return cut(data, test_rows(data, options)); }

SplitXY split_in_time(const Tensor& X, const Tensor& y, const SplitOptions& options) {
  const Index test = test_rows(X, options);
  if (y.rank() == 0 || y.shape()[0] != X.shape()[0]) {
    throw ShapeError("split_in_time: X has " + describe(X) + ", y has shape " + to_string(y.shape()) +
                     "; both need one row a sample");
  }
  Split x_parts = cut(X, test);
  Split y_parts = cut(y, test);
  return {std::move(x_parts.train), std::move(x_parts.test), std::move(y_parts.train), std::move(y_parts.test)};
}

}  // namespace rondo
