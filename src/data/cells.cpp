#include "data/cells.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/names.hpp"

namespace rondo {

namespace {

// Whether a number that no double holds is too small rather than too large: whether its first digit that is not 0
// stands behind the decimal point once the exponent has moved it.
bool too_small(std::string_view number) {
  const std::size_t e = std::min(number.find_first_of("eE"), number.size());
  const std::string_view mantissa = number.substr(0, e);
  const auto point = static_cast<double>(std::min(mantissa.find('.'), mantissa.size()));
  const auto first = static_cast<double>(std::min(mantissa.find_first_of("123456789"), mantissa.size()));
  const double magnitude = point - first;  // to within 1
  if (e == number.size()) return magnitude < 0;
  std::string_view text = number.substr(e + 1);
  const bool negative = text.starts_with('-');
  if (text.find_first_of("+-") == 0) text.remove_prefix(1);
  double exponent = 0;
  for (const char digit : text) exponent = 10 * exponent + (digit - '0');  // up to infinity
  return magnitude + (negative ? -exponent : exponent) < 0;
}

}  // namespace

std::string_view without_blanks(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string in_one_line(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  std::string line(text.substr(0, kLongest));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  return text.size() > kLongest ? line + "..." : line;
}

bool means_missing(std::string_view cell) {
  // Those of pandas, and the question mark of the UCI repository.
  constexpr std::array<std::string_view, 16> kMissing = {"",        "na",      "n/a",      "#na",  "#n/a", "#n/a n/a",
                                                         "<na>",    "nan",     "-nan",     "null", "none", "1.#ind",
                                                         "-1.#ind", "1.#qnan", "-1.#qnan", "?"};
  constexpr std::size_t kLongest = 8;
  if (cell.size() > kLongest) return false;
  return std::find(kMissing.begin(), kMissing.end(), lower_case(cell)) != kMissing.end();
}

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
  if (error == std::errc::result_out_of_range) {
    if (!too_small(cell)) return {.number = {}, .overflows = true};
    return {.number = cell.starts_with('-') ? -0.0 : 0.0};
  }
  if (std::isnan(number)) return {};  // nan(1): no spelling of a missing value that a table promises
  return {.number = number};
}

}  // namespace rondo
