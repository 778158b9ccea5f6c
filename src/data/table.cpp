// What the cells of a table mean: columns by name, and numbers.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <rondo/data.hpp>

#include "core/names.hpp"
#include "core/positions.hpp"

namespace rondo {

namespace {

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool means_missing(std::string_view cell) {
  constexpr std::array<std::string_view, 6> kMissing = {"", "na", "n/a", "nan", "null", "?"};
  constexpr std::size_t kLongest = 4;
  if (cell.size() > kLongest) return false;
  return std::find(kMissing.begin(), kMissing.end(), lower_case(cell)) != kMissing.end();
}

struct Parsed {
  std::optional<double> number;
  bool out_of_range = false;
};

// std::from_chars knows no locale and no leading '+'.
Parsed parse_number(std::string_view cell, char decimal) {
  std::string with_point;
  if (decimal == ',') {
    if (cell.find('.') != std::string_view::npos) return {};
    with_point = cell;
    std::replace(with_point.begin(), with_point.end(), ',', '.');
    cell = with_point;
  }
  if (cell.starts_with('+')) {
    cell.remove_prefix(1);
    if (cell.starts_with('-')) return {};
  }
  double number = 0;
  const char* end = cell.data() + cell.size();
  const auto [stop, error] = std::from_chars(cell.data(), end, number);
  if (stop != end || error == std::errc::invalid_argument) return {};
  if (error == std::errc::result_out_of_range) return {.number = {}, .out_of_range = true};
  if (std::isnan(number)) return {};  // nan(1), -nan: no spelling of a missing value that a table promises
  return {.number = number};
}

// A cell for a message: on one line, and not longer than a line.
std::string shown(const std::string& cell) {
  constexpr std::size_t kLongest = 40;
  std::string text = cell.substr(0, kLongest);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return "'" + text + (cell.size() > kLongest ? "...'" : "'");
}

std::string advice(std::string_view cell, char decimal, bool out_of_range, const std::string& column) {
  if (out_of_range) return " is outside the range of float64";
  const bool has_digit = cell.find_first_of("0123456789") != std::string_view::npos;
  const bool numeric = has_digit && cell.find_first_not_of("0123456789.,+-eE ") == std::string_view::npos;
  if (numeric && decimal == '.' && cell.find(',') != std::string_view::npos) {
    return " is not a number: if the comma is its decimal sign, read the file with {.decimal = ','}; separators of "
           "thousands must be taken out";
  }
  if (numeric && decimal == ',' && cell.find('.') != std::string_view::npos) {
    return " is not a number with a decimal comma: read the file with {.decimal = '.'} if the point is its decimal "
           "sign; separators of thousands must be taken out";
  }
  return " is not a number; correct it, leave it empty if the value is missing, or read the column with text(\"" +
         column + "\")";
}

std::string list_of(const std::vector<std::string>& columns) {
  constexpr std::size_t kMost = 20;
  const std::size_t some = std::min(columns.size(), kMost);
  const std::string names = quoted_list(std::span<const std::string>(columns).first(some));
  return some == columns.size() ? names : names + " and " + std::to_string(columns.size() - some) + " more";
}

}  // namespace

std::size_t Table::find(const ColumnRef& column) const {
  const auto count = static_cast<Index>(columns_.size());
  if (!column.by_name_) {
    const std::optional<Index> i = resolve_position(column.position_, count);
    if (i) return static_cast<std::size_t>(*i);
    throw ConfigError(source_ + " has no column " + std::to_string(column.position_) + "; it has " +
                      std::to_string(count) + ", counted from 0: " + list_of(columns_));
  }
  const auto found = std::find(columns_.begin(), columns_.end(), column.name_);
  if (found != columns_.end()) return static_cast<std::size_t>(found - columns_.begin());
  throw ConfigError(source_ + " has no column '" + column.name_ + "'." + did_you_mean(column.name_, columns_) +
                    " Its columns are " + list_of(columns_));
}

const std::vector<std::string>& Table::text(const ColumnRef& column) const { return cells_[find(column)]; }

std::vector<double> Table::numbers(const ColumnRef& column) const {
  const std::size_t c = find(column);
  std::vector<double> numbers;
  numbers.reserve(lines_.size());
  for (std::size_t row = 0; row < lines_.size(); ++row) {
    const std::string& text = cells_[c][row];
    const std::string_view cell = without_blanks(text);
    if (means_missing(cell)) {
      numbers.push_back(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    const Parsed parsed = parse_number(cell, decimal_);
    if (!parsed.number) {
      throw FileError(source_ + ", line " + std::to_string(lines_[row]) + ", column '" + columns_[c] +
                      "': " + shown(text) + advice(cell, decimal_, parsed.out_of_range, columns_[c]));
    }
    numbers.push_back(*parsed.number);
  }
  return numbers;
}

Tensor Table::tensor(const std::vector<std::string>& names) const {
  if (names.empty()) {
    throw ConfigError(source_ + ": tensor needs at least one column name" +
                      (columns_.empty() ? "" : ", for example tensor({\"" + columns_.front() + "\"})"));
  }
  for (const std::string& name : names) (void)find(name);  // a wrong name comes before a wrong cell
  const std::size_t width = names.size();
  std::vector<double> values(lines_.size() * width);
  for (std::size_t c = 0; c < width; ++c) {
    const std::vector<double> column = numbers(names[c]);
    for (std::size_t row = 0; row < column.size(); ++row) values[row * width + c] = column[row];
  }
  return Tensor(Shape{rows(), width}, std::move(values));
}

}  // namespace rondo
