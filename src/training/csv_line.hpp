// Lines of CSV files, as Python's csv.writer has them.
#pragma once

#include <string>
#include <vector>

namespace rondo::training {

// The cell of an epoch that has no such number.
inline constexpr const char* kNoNumber = "NA";

// With its end. Cells that hold a separator, a quote or the end of a line are put in quotes.
std::string csv_line(const std::vector<std::string>& cells, const std::string& separator);

}  // namespace rondo::training
