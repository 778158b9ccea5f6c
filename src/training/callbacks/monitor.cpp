#include <algorithm>
#include <cmath>
#include <utility>

#include <rondo/callbacks.hpp>
#include <rondo/error.hpp>
#include <rondo/model.hpp>

#include "core/names.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace {

constexpr const char* kValidation = "val_";

std::string without_validation(const std::string& monitor) {
  return monitor.starts_with(kValidation) ? monitor.substr(std::string(kValidation).size()) : monitor;
}

// The direction of a compiled metric, of an output's own name in front where there are several; none where no metric
// has that name.
std::optional<Direction> direction_of(training::ModelNode& node, const std::string& name) {
  const std::vector<std::string> outputs = node.output_names();
  const std::vector<training::HeadOptions>& heads = node.compiled("a callback").heads;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const std::string prefix = outputs.size() == 1 ? "" : outputs[i] + "_";
    for (const Metric& metric : heads[i].metrics) {
      if (name == prefix + metric.name()) return metric.direction();
    }
  }
  return {};
}

std::string known_keys(const Logs& logs) {
  std::vector<std::string> names;
  for (const auto& [name, value] : logs) names.push_back(name);
  return quoted_list(names);
}

}  // namespace

MonitorCallback::MonitorCallback(std::string class_name, std::string monitor, std::string mode, double min_delta)
    : class_name_(std::move(class_name)),
      monitor_(std::move(monitor)),
      mode_(std::move(mode)),
      min_delta_(std::abs(min_delta)) {
  if (mode_ != "auto" && mode_ != "min" && mode_ != "max") {
    throw ConfigError(class_name_ + ": mode is '" + mode_ + "'; there are 'auto', 'min' and 'max'");
  }
}

std::optional<double> MonitorCallback::monitored(const Logs& logs) const {
  if (logs.contains(monitor_)) return logs[monitor_];
  const bool passed_over =
      monitor_.starts_with(kValidation) && params().validates && logs.contains(without_validation(monitor_));
  if (passed_over) return {};
  throw ConfigError(class_name_ + " watches '" + monitor_ + "', but the logs have " + known_keys(logs) +
                    (monitor_.starts_with(kValidation) && !params().validates
                         ? ": give fit .validation_data or .validation_split, or watch another number"
                         : ": set .monitor to one of them"));
}

bool MonitorCallback::wants_more() const {
  if (mode_ != "auto") return mode_ == "max";
  const std::string name = without_validation(monitor_);
  auto& node = training::node_of(model());
  if (const std::optional<Direction> direction = direction_of(node, name)) {
    if (*direction != Direction::none) return *direction == Direction::up;
  } else if (name == "loss" || name.ends_with("_loss")) {
    return false;
  }
  throw ConfigError(class_name_ + ": mode 'auto' cannot tell which way '" + monitor_ +
                    "' is better; give .mode = \"min\" or \"max\"");
}

bool MonitorCallback::is_improvement(double now, const std::optional<double>& reference) const {
  if (!reference) return true;
  return wants_more() ? now - min_delta_ > *reference : now + min_delta_ < *reference;
}

bool MonitorCallback::improves(double now) {
  if (!is_improvement(now, best_)) return false;
  best_ = now;
  return true;
}

}  // namespace rondo
