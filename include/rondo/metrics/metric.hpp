// Metric: a number that is logged beside the loss.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace rondo {

namespace detail {
class MetricImpl;
struct Access;
}  // namespace detail

// Which way a metric is better: up (accuracies, scores), down (errors, losses), or none that could be said (counts,
// means of values, metrics of yours). What a callback with mode "auto" goes by.
enum class Direction { up, down, none };

// A metric by name or from rondo::metrics. A value that is never empty; immutable; thread-safe. Not a base for metrics
// of your own.
class Metric {
 public:
  // ConfigError for a name that is not known, with the nearest one that is, and for a metric that cannot do without
  // options.
  Metric(const char* name) : Metric(std::string(name)) {}
  Metric(const std::string& name);
  Metric(std::nullptr_t) = delete;
  Metric(const Metric&) = default;
  Metric& operator=(const Metric&) = default;

  // The key in history and logs.
  const std::string& name() const { return name_; }
  Direction direction() const;
  // The same metric under another key.
  Metric renamed(const std::string& name) const { return Metric(name, impl_); }
  const detail::MetricImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  Metric(std::string name, std::shared_ptr<const detail::MetricImpl> impl)
      : name_(std::move(name)), impl_(std::move(impl)) {}

  std::string name_;
  std::shared_ptr<const detail::MetricImpl> impl_;
};

namespace metrics {

struct NameOptions {
  std::string name = {};  // default: the class in snake case
};

}  // namespace metrics
}  // namespace rondo
