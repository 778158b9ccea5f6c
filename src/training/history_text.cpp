// The course of a fit as JSON and CSV.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>
#include <rondo/history.hpp>

#include "core/atomic_file.hpp"
#include "core/names.hpp"
#include "training/csv_line.hpp"

namespace rondo {

namespace {

std::string json_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return exact_text(value);
}

std::string json_list(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "" : ", ") + json_number(value);
  return "[" + text + "]";
}

std::string json_text(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
}

// The cells of a series, in the order of the epochs.
std::vector<std::string> cells_of(const History& history, const std::string& name) {
  std::map<Index, double> numbers;
  const std::vector<Index> epochs = history.epochs(name);
  for (std::size_t i = 0; i < epochs.size(); ++i) numbers[epochs[i]] = history[name][i];
  std::vector<std::string> cells;
  for (const Index epoch : history.epochs()) {
    const auto found = numbers.find(epoch);
    cells.push_back(found == numbers.end() ? training::kNoNumber : exact_text(found->second));
  }
  return cells;
}

}  // namespace

std::string History::to_json() const {
  std::string text;
  for (const std::string& name : names_) {
    text += (text.empty() ? "" : ", ") + json_text(name) + ": " + json_list((*this)[name]);
  }
  return "{" + text + "}";
}

std::string History::to_csv() const {
  std::vector<std::string> names = names_;
  std::sort(names.begin(), names.end());
  std::vector<std::vector<std::string>> columns;
  for (const std::string& name : names) columns.push_back(cells_of(*this, name));
  names.insert(names.begin(), "epoch");
  std::string text = training::csv_line(names, ",");
  for (std::size_t i = 0; i < epochs_.size(); ++i) {
    std::vector<std::string> row{std::to_string(epochs_[i])};
    for (const std::vector<std::string>& column : columns) row.push_back(column[i]);
    text += training::csv_line(row, ",");
  }
  return text;
}

void History::save(const std::string& path) const {
  if (path.ends_with(".json")) return core::write_file(path, to_json());
  if (path.ends_with(".csv")) return core::write_file(path, to_csv());
  throw ConfigError("History::save: '" + path + "' must end in .json or .csv");
}

}  // namespace rondo
