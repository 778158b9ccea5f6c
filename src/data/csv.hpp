// Parts of a CSV file, for those who never have all of it in memory.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <rondo/data.hpp>

namespace rondo {

// What a part has to know of the whole.
struct CsvPiece {
  std::string source;  // for messages
  CsvOptions options;  // with the separator
  std::vector<std::string> columns;
  Index header_line = 1;  // where the columns are named, or the first row stands
  Index line = 1;         // where the part begins
};

// From the file's first lines. Errors as of read_csv.
CsvPiece csv_piece_of(std::string_view head, const CsvOptions& options, const std::string& source);

// Whole lines of rows as a table. Errors as of read_csv.
Table read_csv_piece(std::string_view text, const CsvPiece& piece);

}  // namespace rondo
