// A user's functions of rows, as losses and metrics.
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include <rondo/error.hpp>
#include <rondo/extend.hpp>

#include "core/access.hpp"
#include "training/function_rows.hpp"
#include "training/losses.hpp"
#include "training/metrics.hpp"

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

void require_fit(const std::string& who, const FunctionRows& rows, const Shape& prediction, const Shape& truth) {
  if (training::labels_fit(rows.labels(), prediction, truth)) return;
  throw ShapeError(training::labels_mismatch(who, rows.labels(), prediction, truth));
}

class CustomLoss final : public detail::LossImpl {
 public:
  explicit CustomLoss(std::shared_ptr<const FunctionRows> rows) : rows_(std::move(rows)) {}
  const std::string& name() const override { return rows_->traits().name; }
  std::string class_name() const override { return name(); }
  nlohmann::ordered_json config() const override { return {{"name", name()}}; }
  std::shared_ptr<const BoundLoss> bind(const Shape& prediction, const Shape& truth) const override {
    require_fit("loss '" + name() + "'", *rows_, prediction, truth);
    return rows_;
  }

 private:
  std::shared_ptr<const FunctionRows> rows_;
};

class CustomMetric final : public detail::MetricImpl {
 public:
  explicit CustomMetric(std::shared_ptr<const FunctionRows> rows) : rows_(std::move(rows)) {}
  std::string class_name() const override { return rows_->traits().name; }
  nlohmann::ordered_json config(const std::string& name) const override { return {{"name", name}}; }
  training::BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    require_fit("metric '" + name + "'", *rows_, prediction, truth);
    return {.rows = rows_};
  }

 private:
  std::shared_ptr<const FunctionRows> rows_;
};

}  // namespace

Loss custom_loss(const std::string& name, LossFunction function, const CustomLossOptions& options) {
  const bool is_empty = !function;
  return detail::Access::make<Loss>(
      std::make_shared<CustomLoss>(checked("custom_loss", name, std::move(function), is_empty, options)));
}

Metric custom_metric(const std::string& name, MetricFunction function, const CustomLossOptions& options) {
  const bool is_empty = !function;
  auto of_row = [function = std::move(function)](Row truth, Row prediction, GradientRow) {
    return function(truth, prediction);
  };
  return detail::Access::make<Metric>(
      name, std::make_shared<CustomMetric>(checked("custom_metric", name, std::move(of_row), is_empty, options)));
}

}  // namespace rondo
