#include "training/csv_line.hpp"

namespace rondo::training {

namespace {

std::string quoted(const std::string& cell, const std::string& separator) {
  if (cell.find(separator) == std::string::npos && cell.find_first_of("\"\r\n") == std::string::npos) return cell;
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

}  // namespace

std::string csv_line(const std::vector<std::string>& cells, const std::string& separator) {
  std::string line;
  for (const std::string& cell : cells) line += (&cell == cells.data() ? "" : separator) + quoted(cell, separator);
  return line + "\r\n";
}

}  // namespace rondo::training
