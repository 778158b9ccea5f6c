#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <utility>

#include <rondo/callbacks.hpp>
#include <rondo/error.hpp>

#include "core/names.hpp"
#include "training/csv_line.hpp"

namespace rondo {

using training::csv_line;
using training::kNoNumber;

namespace {

bool has_content(const std::string& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return !none && size > 0;
}

}  // namespace

CSVLogger::CSVLogger(std::string filename, const CSVLoggerOptions& options)
    : filename_(std::move(filename)), options_(options) {
  if (filename_.empty()) throw ConfigError("CSVLogger needs the name of a file");
  if (options.separator.empty()) throw ConfigError("CSVLogger: separator is empty");
}

void CSVLogger::on_train_begin() {
  keys_.clear();
  begun_ = options_.append;
  has_header_ = options_.append && has_content(filename_);
}

void CSVLogger::on_epoch_end(Index epoch, Logs& logs) {
  const auto is_validation = [](const std::string& key) { return key.starts_with("val_"); };
  if (keys_.empty()) {
    for (const auto& [key, value] : logs) keys_.push_back(key);
    std::sort(keys_.begin(), keys_.end());
    if (params().validates && std::none_of(keys_.begin(), keys_.end(), is_validation)) {
      const std::vector<std::string> of_training = keys_;
      for (const std::string& key : of_training) {
        if (key != "learning_rate") keys_.push_back("val_" + key);
      }
    }
    if (!has_header_) {
      std::vector<std::string> header{"epoch"};
      header.insert(header.end(), keys_.begin(), keys_.end());
      write(header);
    }
  }
  std::vector<std::string> row{std::to_string(epoch)};
  for (const std::string& key : keys_) row.push_back(logs.contains(key) ? exact_text(logs[key]) : kNoNumber);
  write(row);
}

void CSVLogger::write(const std::vector<std::string>& cells) {
  std::ofstream file(filename_, std::ios::binary | (begun_ ? std::ios::app : std::ios::trunc));
  file << csv_line(cells, options_.separator) << std::flush;
  if (!file) {
    throw FileError("CSVLogger cannot write '" + filename_ + "': " + system_error_text(errno));
  }
  begun_ = has_header_ = true;
}

}  // namespace rondo
