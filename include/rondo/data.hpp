// Data: from a file of numbers to the tensors that a model trains on, and back to the numbers' own units.
//
//   Table table = read_csv("airline-passengers.csv");
//   Tensor series = table.numbers("Passengers");                     // (144,)
//   auto [train, test] = split_in_time(series, {.test = 12});        // (132,), (12,)
//
//   MinMaxScaler scaler({.feature_range = {-1, 1}});
//   Tensor scaled = scaler.fit_transform(difference(train));         // (131,); fitted on the training part only
//   LagFrame frame = lag_frame(scaled, {.lags = 12});                // X: (119, 12), y: (119, 1)
//   model.fit(as_timesteps(frame), frame.y, {.epochs = 100});        // (119, 12, 1): samples, timesteps, features
//   ...
//   Tensor forecast = undifference(scaler.inverse_transform(predicted), train);
//
// A series is a tensor of shape (steps,) or (steps, variables), oldest step first. A missing value is NaN. Everything
// here keeps the dtype of the tensor it was given and computes in float64. Functions are pure; a scaler may be used by
// several threads once it is fitted.
#pragma once

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

// ---- CSV -------------------------------------------------------------------------------------------------------

struct CsvOptions {
  // Between cells; 0 finds out which of comma, semicolon and tab the text uses.
  char separator = 0;
  // true: the first line names the columns; false: it does not, and they are called column0, column1, ... Not given: it
  // does, but a FileError asks which of the two it is if all its names are numbers, as in a file without a header.
  std::optional<bool> header = {};
  // '.' or ','. Where both the separator and the decimal sign are commas, numbers with a comma must be in quotes.
  char decimal = '.';
  // Further cells that mean a missing value, as they stand without the blanks around them: {".", "-999"}.
  std::vector<std::string> missing = {};
  // false: a blank line is a row of missing values, as in pandas; for a file of one column, whose gaps are such lines.
  bool skip_blank_lines = true;
};

// A column of a table, by name or by position (from 0; negative positions count from the end).
class ColumnRef {
 public:
  ColumnRef(const char* name) : name_(name) {}
  ColumnRef(std::string_view name) : name_(name) {}
  ColumnRef(std::string name) : name_(std::move(name)) {}
  ColumnRef(std::nullptr_t) = delete;
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  ColumnRef(I position) : position_(static_cast<Index>(position)), by_name_(false) {}

 private:
  friend class Table;
  std::string name_;
  Index position_ = 0;
  bool by_name_ = true;
};

// The cells of a CSV file as text; a column becomes numbers when it is asked for.
class Table {
 public:
  // Number of data rows (the header is not one), and the names of the columns in the file's order.
  Index rows() const { return static_cast<Index>(lines_.size()); }
  const std::vector<std::string>& columns() const { return columns_; }

  // A column as float64. Blanks around a number and a leading '+' are allowed, so are exponents and inf; numbers too
  // small for float64 are 0, too large ones an error. NaN are, in any case of the letters: an empty cell, NA, N/A, #NA,
  // #N/A, #N/A N/A, <NA>, NaN, -NaN, null, None, 1.#IND, 1.#QNAN (also with a minus), ? and what CsvOptions::missing
  // names. The user's locale plays no part. FileError for any other cell: names file, line, column and cell.
  // ConfigError for an unknown column.
  std::vector<double> numbers(const ColumnRef& column) const;

  // A column as it stands in the file, without the quotes. ConfigError for an unknown column.
  const std::vector<std::string>& text(const ColumnRef& column) const;

  // Columns side by side as float64, (rows, names); without argument all columns. Errors as numbers().
  Tensor tensor(const std::vector<std::string>& names) const;
  Tensor tensor() const { return tensor(columns_); }

 private:
  friend class TableBuilder;
  Table() = default;
  std::size_t find(const ColumnRef& column) const;

  std::string source_;  // "airline.csv" or "CSV text", for messages
  char separator_ = ',';
  char decimal_ = '.';
  std::vector<std::string> missing_;  // beside those that everybody knows
  std::vector<std::string> columns_;
  std::vector<std::vector<std::string>> cells_;  // [column][row]
  std::vector<Index> lines_;                     // [row] the line of the file on which the row begins, from 1
};

// Reads a CSV file (RFC 4180): cells in double quotes may hold separators, line ends and, doubled, quotes; lines end in
// LF, CRLF or CR, the last one with or without; a UTF-8 byte order mark is skipped, and so are blank lines, unless
// skip_blank_lines is false. Blanks around column names and around a quoted cell are dropped.
// FileError, with the line where there is one: no such file, nothing in it, a row with more or fewer cells than the
// first, a quote that is never closed or is followed by text, two columns of the same name, names that are all numbers
// (see CsvOptions::header), UTF-16 or binary content.
// ConfigError for a separator or decimal sign that cannot work.
//
//   Table weather = read_csv("weather.csv", {.separator = ';', .decimal = ','});
//   Tensor X = weather.tensor({"temperature", "wind"});
//   Table euro = parse_csv("Datum,Kurs\n\"27.07.2025\",\"1,1749\"\n", {.separator = ',', .decimal = ','});
Table read_csv(const std::string& path, const CsvOptions& options = {});

// The same from text in memory.
Table parse_csv(std::string_view text, const CsvOptions& options = {});

// ---- Series to samples -----------------------------------------------------------------------------------------

// pandas' shift: the series moved `periods` steps later (earlier if negative), same shape; steps without a value are
// NaN. ShapeError unless the series has one or two axes.
Tensor shift(const Tensor& series, Dim periods = 1);

struct LagOptions {
  Dim lags = 1;              // steps of the past in X
  Dim horizon = 1;           // steps to predict in y, the first of them being t
  bool drop_missing = true;  // leave out the rows that contain NaN: both ends of the series, and its own gaps
};

struct LagFrame {
  Tensor X;                        // (rows, lags * variables): oldest step first, within a step the variables in order
  Tensor y;                        // (rows, horizon * variables)
  std::vector<std::string> names;  // of X's columns, then of y's: t-2, t-1, t, t+1; with several variables var1(t-1)
  std::vector<Index> index;        // the step of the series that is t, one a row
  Index variables = 1;             // of the series: how many columns of X make one step
};

// A series as a supervised learning problem: pandas' shift, concat and dropna in one. One row for each step t:
// X holds the steps t-lags ... t-1, y the steps t ... t+horizon-1.
// ConfigError if lags or horizon is below 1; ShapeError unless the series has one or two axes, or if no row is left.
//
//   LagFrame f = lag_frame(Tensor{0.0, 0.1, 0.2, 0.3}, {.lags = 2});   // X = [[0 0.1] [0.1 0.2]], y = [[0.2] [0.3]]
LagFrame lag_frame(const Tensor& series, const LagOptions& options = {});

// The X of a frame as an LSTM takes it, the lags as time steps: (rows, lags, variables).
Tensor as_timesteps(const LagFrame& frame);

// Columns as time steps: (samples, columns) becomes (samples, columns / features, features). A tensor does not know how
// many of its columns belong to one step, so that is one unless said; of a frame of several variables, take the form
// above. ShapeError for other ranks, or where the features do not divide the columns.
Tensor as_timesteps(const Tensor& X, Dim features = 1);

// Columns as features of one single step: (samples, columns) becomes (samples, 1, columns), with a frame its X.
// ShapeError for other ranks.
Tensor as_features(const Tensor& X);
Tensor as_features(const LagFrame& frame);

// ---- Differences -----------------------------------------------------------------------------------------------

// series[t] - series[t - lag] for every t from `lag` on: (steps - lag,) or (steps - lag, variables). lag 1 takes out a
// trend, lag 12 the season of monthly data. ConfigError if lag is below 1, ShapeError if no step is left.
Tensor difference(const Tensor& series, Dim lag = 1);

// The inverse of difference: the steps that follow `history`, one for each difference. `history` is the series up to
// the step before the first difference belongs; only its last `lag` steps are used, and later steps build on those
// just restored. For s of any length, with a = difference(s, lag),
//
//   undifference(a, s.rows(0, lag), lag)              is s.rows(lag)
//   undifference(predicted, train, lag)               are forecasts for the steps after the training part
//   undifference(Tensor{d}, s, lag)(0)                is one step of a walk forward: d plus the value lag steps earlier
//
// Differences of shape (steps, 1), as a model predicts them, go with a history of shape (steps,). The result has the
// differences' shape; it is float64 if either argument is. ConfigError if lag is below 1, ShapeError if the history is
// shorter than lag or has other variables.
Tensor undifference(const Tensor& differences, const Tensor& history, Dim lag = 1);

// ---- Scalers ---------------------------------------------------------------------------------------------------

// Both scalers work column by column. The columns are the last axis: one column for shape (steps,), `features` columns
// for (samples, features) and (samples, timesteps, features). Fit on the training part only, or the test part leaks.
//
// fit ignores NaN, the transforms leave it as NaN. A column of one value only is moved but not stretched; every other
// is scaled, however close or far apart its values are. Errors of both: StateError for transform before fit, ShapeError
// for another number of columns than fitted or for nothing to fit on; NumericError, naming row and column, for an
// infinity at fit or in a transform, and for a column of nothing but NaN at fit.
//
// What fit learned can be read, and given back to a constructor, so that a scaler can be kept with its model.

struct FeatureRange {
  Real low = 0;
  Real high = 1;
};

struct MinMaxScalerOptions {
  FeatureRange feature_range = {};  // where the smallest and the largest value of a column go
  bool clip = false;                // whether transform holds later, more extreme values within the range
};

// scikit-learn's MinMaxScaler: x * scale + min, with scale = (high - low) / (data_max - data_min). It is computed from
// data_min and data_max in a way that neither overflows nor loses digits where they are close or far apart; scale
// itself is infinite for a column whose values are less than 1e-308 apart.
class MinMaxScaler {
 public:
  // ConfigError unless low is below high.
  explicit MinMaxScaler(const MinMaxScalerOptions& options = {});
  // A fitted scaler, from what another one learned. ShapeError unless there is one value a column of both, ConfigError
  // unless they are numbers and data_min is not above data_max.
  MinMaxScaler(const MinMaxScalerOptions& options, std::vector<double> data_min, std::vector<double> data_max);

  // Learns the smallest and largest value of each column; forgets what it knew.
  MinMaxScaler& fit(const Tensor& data);
  Tensor transform(const Tensor& data) const;
  Tensor fit_transform(const Tensor& data) { return fit(data).transform(data); }
  Tensor inverse_transform(const Tensor& scaled) const;

  // The fitted scaler of one column alone: for predictions of one target among scaled variables.
  MinMaxScaler column(Dim position) const;

  const MinMaxScalerOptions& options() const { return options_; }
  bool fitted() const { return !scale_.empty(); }
  // One value a column; empty before fit.
  const std::vector<double>& data_min() const { return data_min_; }
  const std::vector<double>& data_max() const { return data_max_; }
  const std::vector<double>& scale() const { return scale_; }
  const std::vector<double>& min() const { return min_; }

 private:
  void derive();

  MinMaxScalerOptions options_;
  std::vector<double> data_min_, data_max_, scale_, min_;
};

struct StandardScalerOptions {
  bool with_mean = true;  // subtract the mean
  bool with_std = true;   // divide by the standard deviation
};

// scikit-learn's StandardScaler: (x - mean) / scale, where scale is the square root of the variance over all rows
// (divided by n, not n - 1), 1 for a column of one value. var may overflow or vanish where scale does not.
class StandardScaler {
 public:
  explicit StandardScaler(const StandardScalerOptions& options = {}) : options_(options) {}
  // A fitted scaler, from what another one learned; var and scale are empty without with_std. ShapeError for another
  // number of values than one a column, ConfigError unless mean and scale are numbers, the latter above 0.
  StandardScaler(const StandardScalerOptions& options, std::vector<double> mean, std::vector<double> var,
                 std::vector<double> scale);

  // Learns mean and variance of each column; forgets what it knew.
  StandardScaler& fit(const Tensor& data);
  Tensor transform(const Tensor& data) const;
  Tensor fit_transform(const Tensor& data) { return fit(data).transform(data); }
  Tensor inverse_transform(const Tensor& scaled) const;

  // The fitted scaler of one column alone: for predictions of one target among scaled variables.
  StandardScaler column(Dim position) const;

  const StandardScalerOptions& options() const { return options_; }
  bool fitted() const { return !mean_.empty(); }
  // One value a column; empty before fit, var and scale also without with_std.
  const std::vector<double>& mean() const { return mean_; }
  const std::vector<double>& var() const { return var_; }
  const std::vector<double>& scale() const { return scale_; }

 private:
  StandardScalerOptions options_;
  std::vector<double> mean_, var_, scale_;
};

// ---- Splits ----------------------------------------------------------------------------------------------------

// How much goes to the test part: give exactly one of the two.
struct SplitOptions {
  Dim test = 0;            // so many rows
  Real test_fraction = 0;  // this share of the rows, rounded up; between 0 and 1
};

struct Split {
  Tensor train;  // the earlier rows
  Tensor test;   // the later rows
};

struct SplitXY {
  Tensor X_train, X_test, y_train, y_test;
};

// Cuts along axis 0 without shuffling: the last rows are the test part, as time demands. Split twice for a validation
// part. ConfigError unless exactly one option is given and in its range; ShapeError if a part would be empty, or if X
// and y differ in rows.
//
//   auto [train, test] = split_in_time(series, {.test = 12});
//   auto [X_train, X_test, y_train, y_test] = split_in_time(X, y, {.test_fraction = 0.2});
Split split_in_time(const Tensor& data, const SplitOptions& options);
SplitXY split_in_time(const Tensor& X, const Tensor& y, const SplitOptions& options);

}  // namespace rondo
