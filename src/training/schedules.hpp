// The rule behind a LearningRateSchedule handle, and schedules and learning rates in configurations.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include <rondo/schedules.hpp>

namespace rondo {

namespace detail {

class ScheduleImpl {
 public:
  virtual ~ScheduleImpl() = default;
  virtual double rate(Index step) const = 0;
  virtual std::string class_name() const = 0;
  virtual nlohmann::ordered_json config() const = 0;  // Keras's
};

}  // namespace detail

// A number, or what Keras writes of a schedule: {module, class_name, config, registered_name}.
nlohmann::ordered_json to_config(const LearningRate& rate);
// ConfigError for a schedule that is not known or cannot work.
void from_config(const nlohmann::ordered_json& config, LearningRate& rate);

namespace training {

// {class_name, config}.
LearningRateSchedule schedule_from_config(const nlohmann::ordered_json& config);

}  // namespace training
}  // namespace rondo
