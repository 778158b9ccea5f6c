// A user's functions of rows, as losses and metrics.
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include <rondo/error.hpp>
#include <rondo/extend.hpp>

#include "core/access.hpp"
#include "training/function_rows.hpp"
#include "training/losses.hpp"
#include "training/metrics/metric.hpp"

namespace rondo {

namespace {

using training::BoundLoss;
using training::FunctionRows;
using training::Labels;

std::shared_ptr<const FunctionRows> checked(const char* what, const std::string& name, LossFunction function,
                                            bool is_empty, const CustomLossOptions& options) {
  if (name.empty()) throw ConfigError(std::string(what) + " needs a name");
  if (is_empty) throw ConfigError(std::string(what) + " '" + name + "' has no function");
  return std::make_shared<FunctionRows>(options.one_label ? Labels::one : Labels::same,
                                        BoundLoss::Traits{.name = name, .class_name = name}, std::move(function));
}

}  // namespace

Loss custom_loss(const std::string& name, LossFunction function, const CustomLossOptions& options) {
  const bool is_empty = !function;
  return training::fixed_loss(checked("custom_loss", name, std::move(function), is_empty, options), {{"name", name}});
}

Metric custom_metric(const std::string& name, MetricFunction function, const CustomLossOptions& options) {
  const bool is_empty = !function;
  auto of_row = [function = std::move(function)](Row truth, Row prediction, GradientRow) {
    return function(truth, prediction);
  };
  return detail::Access::make<Metric>(
      name, training::rows_metric(name, checked("custom_metric", name, std::move(of_row), is_empty, options),
                                  {{"name", name}}));
}

}  // namespace rondo
