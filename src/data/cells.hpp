// What one cell of a CSV file means: a number, a missing value, or neither.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rondo {

// A cell without the blanks around it.
std::string_view without_blanks(std::string_view text);

// Whether a cell without blanks is one of the marks of a missing value that everybody knows.
bool means_missing(std::string_view cell);

// A cell or a name for a message: on one line, and not longer than one.
std::string in_one_line(std::string_view text);

struct Parsed {
  std::optional<double> number;
  bool overflows = false;  // then there is no number
};

// A cell without blanks as a number with this decimal sign ('.' or ','). Numbers too small for a double are 0.
Parsed parse_number(std::string_view cell, char decimal);

}  // namespace rondo
