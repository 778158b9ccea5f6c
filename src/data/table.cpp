// What the cells of a table mean: columns by name, and numbers.
#include <algorithm>
#include <limits>
#include <optional>

#include <rondo/data.hpp>

#include "core/names.hpp"
#include "core/positions.hpp"
#include "data/cells.hpp"

namespace rondo {

namespace {

// Whether these are digits in groups of three, with a decimal sign behind them or not: 1,234,567.8
bool has_thousands(std::string_view cell, char separator, char decimal) {
  if (cell.starts_with('+') || cell.starts_with('-')) cell.remove_prefix(1);
  cell = cell.substr(0, std::min(cell.find(decimal), cell.size()));
  const std::size_t head = cell.find(separator);
  if (head == std::string_view::npos || head == 0 || head > 3 || (cell.size() - head) % 4 != 0) return false;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const bool between = i >= head && (i - head) % 4 == 0;
    if (between ? cell[i] != separator : cell[i] < '0' || cell[i] > '9') return false;
  }
  return true;
}

// How to mend a cell that is no number. What is advised leads to a number, or to the text.
std::string advice(std::string_view cell, char separator, char decimal, const std::string& column) {
  const char other = decimal == '.' ? ',' : '.';
  const std::string sign = other == ',' ? "comma" : "point";
  const std::string thousands = "take the " + sign + "s out if they separate thousands";
  if (parse_number(cell, other).number) {
    // Where commas separate cells, they go on doing so: those inside of numbers are in quotes.
    const std::string keep = separator == ',' ? ".separator = ',', " : "";
    return " is not a number: if the " + sign + " is its decimal sign, read the file with {" + keep + ".decimal = '" +
           other + "'}" + (has_thousands(cell, other, decimal) ? "; " + thousands : "");
  }
  if (has_thousands(cell, other, decimal)) return " is not a number: " + thousands;
  constexpr std::size_t kLongestMark = 16;
  std::string mark;
  const auto plain = [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\'; };
  if (cell.size() <= kLongestMark && std::all_of(cell.begin(), cell.end(), plain)) {
    mark = "; if it means a missing value, read the file with {.missing = {\"" + std::string(cell) + "\"}}";
  }
  return " is not a number" + mark + "; otherwise correct it, or read the column with text(\"" + column + "\")";
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 20;
  const std::size_t some = std::min(names.size(), kMost);
  const std::string list = quoted_list(std::span<const std::string>(names).first(some));
  return some == names.size() ? list : list + " and " + std::to_string(names.size() - some) + " more";
}

}  // namespace

std::size_t Table::find(const ColumnRef& column) const {
  const auto count = static_cast<Index>(columns_.size());
  const auto known = [this] {
    std::vector<std::string> names;
    for (const std::string& name : columns_) names.push_back(in_one_line(name));
    return names;
  };
  if (!column.by_name_) {
    const std::optional<Index> i = resolve_position(column.position_, count);
    if (i) return static_cast<std::size_t>(*i);
    throw ConfigError(source_ + " has no column " + std::to_string(column.position_) + "; it has " +
                      std::to_string(count) + ", counted from 0: " + list_of(known()));
  }
  const auto found = std::find(columns_.begin(), columns_.end(), column.name_);
  if (found != columns_.end()) return static_cast<std::size_t>(found - columns_.begin());
  const std::string name = in_one_line(column.name_);
  throw ConfigError(source_ + " has no column '" + name + "'." + did_you_mean(name, known()) + " Its columns are " +
                    list_of(known()));
}

const std::vector<std::string>& Table::text(const ColumnRef& column) const { return cells_[find(column)]; }

std::vector<double> Table::numbers(const ColumnRef& column) const {
  const std::size_t c = find(column);
  std::vector<double> numbers;
  numbers.reserve(lines_.size());
  for (std::size_t row = 0; row < lines_.size(); ++row) {
    const std::string& text = cells_[c][row];
    const std::string_view cell = without_blanks(text);
    if (means_missing(cell) || std::find(missing_.begin(), missing_.end(), cell) != missing_.end()) {
      numbers.push_back(std::numeric_limits<double>::quiet_NaN());
      continue;
    }
    const Parsed parsed = parse_number(cell, decimal_);
    if (!parsed.number) {
      throw FileError(source_ + ", line " + std::to_string(lines_[row]) + ", column '" + in_one_line(columns_[c]) +
                      "': '" + in_one_line(text) + "'" +
                      (parsed.overflows ? " is outside the range of float64"
                                        : advice(cell, separator_, decimal_, in_one_line(columns_[c]))));
    }
    numbers.push_back(*parsed.number);
  }
  return numbers;
}

Tensor Table::tensor(const std::vector<std::string>& names) const {
  if (names.empty()) {
    throw ConfigError(source_ + ": tensor needs at least one column name" +
                      (columns_.empty() ? "" : ", for example tensor({\"" + in_one_line(columns_.front()) + "\"})"));
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
