#include <algorithm>

#include <rondo/error.hpp>
#include <rondo/history.hpp>

#include "core/names.hpp"
#include "training/diagnosis/evidence.hpp"

namespace rondo {

void Logs::set(const std::string& name, double value) {
  for (std::size_t i = 0; i < size_; ++i) {
    if (entries_[i].first == name) {
      entries_[i].second = value;
      return;
    }
  }
  if (size_ == entries_.size()) entries_.emplace_back();
  entries_[size_].first = name;
  entries_[size_].second = value;
  ++size_;
}

double Logs::operator[](const std::string& name) const {
  for (const auto& [n, v] : *this) {
    if (n == name) return v;
  }
  std::vector<std::string> names;
  for (const auto& [n, v] : *this) names.push_back(n);
  const bool misses_validation = name.starts_with("val_") && contains(name.substr(4));
  throw ConfigError("the logs have no '" + name + "'." + did_you_mean(name, names) +
                    (misses_validation ? " Give fit .validation_data or .validation_split for it." : "") +
                    " They have " + (names.empty() ? "no entries" : quoted_list(names)));
}

bool Logs::contains(const std::string& name) const {
  return std::any_of(begin(), end(), [&](const auto& e) { return e.first == name; });
}

namespace {

// Keras 2's short keys and today's long ones find each other.
std::string other_spelling(const std::string& name) {
  if (name == "acc") return "accuracy";
  if (name == "val_acc") return "val_accuracy";
  if (name == "accuracy") return "acc";
  if (name == "val_accuracy") return "val_acc";
  return name;
}

}  // namespace

const History::Series& History::series(const std::string& name) const {
  auto found = series_.find(name);
  if (found == series_.end()) found = series_.find(other_spelling(name));
  if (found == series_.end()) {
    throw ConfigError("history has no '" + name + "'." + did_you_mean(name, names_) + " It has " +
                      (names_.empty() ? "no entries: no epoch was run" : quoted_list(names_)));
  }
  return found->second;
}

const std::vector<double>& History::operator[](const std::string& name) const& { return series(name).values; }

std::vector<Index> History::epochs(const std::string& name) const {
  const Series& found = series(name);
  if (!found.epochs.empty()) return found.epochs;
  return {epochs_.begin(), epochs_.begin() + static_cast<std::ptrdiff_t>(found.values.size())};
}

bool History::contains(const std::string& name) const {
  return series_.contains(name) || series_.contains(other_spelling(name));
}

void History::append(Index epoch, const Logs& logs) {
  for (const auto& [name, value] : logs) {
    auto [entry, is_new] = series_.try_emplace(name);
    if (is_new) names_.push_back(name);
    Series& series = entry->second;
    if (series.epochs.empty() && series.values.size() < epochs_.size()) series.epochs = epochs(name);
    const bool has_gap = !series.epochs.empty() || series.values.size() < epochs_.size();
    if (has_gap) series.epochs.push_back(epoch);
    series.values.push_back(value);
  }
  epochs_.push_back(epoch);
}

namespace {

// The place of a position, negative from the end, among the names; ConfigError outside.
std::size_t place_of(Index position, const std::vector<std::string>& names, const char* who) {
  const auto count = static_cast<Index>(names.size());
  const Index place = position < 0 ? position + count : position;
  if (place >= 0 && place < count) return static_cast<std::size_t>(place);
  throw ConfigError(std::string(who) + " has no position " + std::to_string(position) + ". It has " +
                    (names.empty() ? "no entries" : quoted_list(names)));
}

}  // namespace

Diagnosis History::diagnosis() const { return training::diagnose(*this, evidence_.get()); }

const std::vector<double>& History::at(Index position) const {
  return series_.at(names_[place_of(position, names_, "history")]).values;
}

double Evaluation::at(Index position) const {
  std::vector<std::string> names;
  for (const auto& [name, value] : values_) names.push_back(name);
  return values_[place_of(position, names, "the evaluation")].second;
}

double Evaluation::operator[](const std::string& name) const {
  std::vector<std::string> names;
  for (const auto& [n, value] : values_) {
    if (n == name || n == other_spelling(name)) return value;
    names.push_back(n);
  }
  throw ConfigError("the evaluation has no '" + name + "'." + did_you_mean(name, names) + " It has " +
                    quoted_list(names));
}

}  // namespace rondo
