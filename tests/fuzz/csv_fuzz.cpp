// Any bytes give a table or an error of the family; a table keeps its promises, and what is written of it is read back.
//
// An input is two characters of options and the text. The first is the separator, '0' for "find out"; the second is '0'
// plus: 1 header = true, 2 header = false, 4 decimal = ',', 8 skip_blank_lines = false, 16 missing = {".", "-"}.
#include <charconv>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <rondo/data.hpp>

#include "fuzz/promises.hpp"

namespace {

using rondo::Table;
using rondo::fuzz::check_message, rondo::fuzz::require;

rondo::CsvOptions options_of(char separator, char bits) {
  rondo::CsvOptions options;
  options.separator = separator == '0' ? '\0' : separator;
  const int on = bits - '0';
  if ((on & 3) == 1) options.header = true;
  if ((on & 3) == 2) options.header = false;
  if ((on & 4) != 0) options.decimal = ',';
  if ((on & 8) != 0) options.skip_blank_lines = false;
  if ((on & 16) != 0) options.missing = {".", "-"};
  return options;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

// The column as numbers, or nothing where it holds other text.
std::vector<double> numbers_or_nothing(const Table& table, rondo::Index column) {
  try {
    return table.numbers(column);
  } catch (const rondo::FileError& error) {
    check_message(error);
    return {};
  }
}

void check_promises(const Table& table) {
  require(!table.columns().empty(), "a table has columns");
  std::set<std::string> names;
  for (std::size_t c = 0; c < table.columns().size(); ++c) {
    const std::string& name = table.columns()[c];
    require(!name.empty(), "columns have names");
    require(names.insert(name).second, "names differ");
    require(table.text(name) == table.text(c), "a name is its position");
    require(static_cast<rondo::Index>(table.text(c).size()) == table.rows(), "columns are equally long");
    const std::vector<double> numbers = numbers_or_nothing(table, static_cast<rondo::Index>(c));
    require(numbers.empty() || static_cast<rondo::Index>(numbers.size()) == table.rows(), "no number is lost");
  }
  try {
    require(table.tensor().shape() == rondo::Shape{table.rows(), table.columns().size()}, "a tensor has all cells");
  } catch (const rondo::FileError& error) {
    check_message(error);
  }
  try {
    (void)table.text("no such column");
  } catch (const rondo::ConfigError& error) {
    check_message(error);
  }
}

std::string quoted(const std::string& cell) {
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + '"';
}

// All cells in quotes, which may hold anything.
std::string written(const Table& table) {
  std::string text;
  const std::size_t width = table.columns().size();
  for (std::size_t c = 0; c < width; ++c) text += quoted(table.columns()[c]) + (c + 1 < width ? "," : "\n");
  for (std::size_t row = 0; row < static_cast<std::size_t>(table.rows()); ++row) {
    for (std::size_t c = 0; c < width; ++c) text += quoted(table.text(c)[row]) + (c + 1 < width ? "," : "\n");
  }
  return text;
}

void check_reads_back(const Table& table, const rondo::CsvOptions& first) {
  rondo::CsvOptions options = first;
  options.separator = ',';
  options.header = true;
  const Table again = rondo::parse_csv(written(table), options);
  require(again.columns() == table.columns(), "names are read back");
  require(again.rows() == table.rows(), "rows are read back");
  for (std::size_t c = 0; c < table.columns().size(); ++c) {
    require(again.text(c) == table.text(c), "cells are read back");
    const std::vector<double> one = numbers_or_nothing(table, static_cast<rondo::Index>(c));
    const std::vector<double> other = numbers_or_nothing(again, static_cast<rondo::Index>(c));
    require(one.size() == other.size(), "numbers are read back");
    for (std::size_t row = 0; row < one.size(); ++row) require(same(one[row], other[row]), "with their values");
  }
}

// Numbers written in their shortest form keep their values.
void check_numbers_read_back(const Table& table) {
  for (std::size_t c = 0; c < table.columns().size(); ++c) {
    for (const double number : numbers_or_nothing(table, static_cast<rondo::Index>(c))) {
      char text[40] = "x\n";
      const char* end = std::to_chars(text + 2, text + sizeof text, number).ptr;
      const Table one = rondo::parse_csv(std::string_view(text, static_cast<std::size_t>(end - text)));
      require(same(one.numbers("x")[0], number), "a number keeps its value");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  if (input.size() < 2) return 0;
  const rondo::CsvOptions options = options_of(input[0], input[1]);
  try {
    const Table table = rondo::parse_csv(input.substr(2), options);
    check_promises(table);
    check_reads_back(table, options);
    check_numbers_read_back(table);
  } catch (const rondo::Error& error) {
    check_message(error);
  }
  return 0;
}
