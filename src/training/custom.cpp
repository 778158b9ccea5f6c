// A user's functions of rows, as losses and metrics.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/extend.hpp>

#include "core/access.hpp"
#include "core/thread_buffers.hpp"
#include "training/losses.hpp"
#include "training/metrics.hpp"

namespace rondo {

namespace {

using training::BoundLoss;
using training::Labels;

// A row's numbers as doubles.
struct RowBuffers {
  std::vector<double> truth, prediction, gradient;
};

// Rows of a plan's numbers as rows of doubles.
template <class T>
void for_rows(const kernels::LossArgs<T>& a, Labels labels, const LossFunction& function) {
  core::ThreadBuffers<RowBuffers> buffers;
  auto& [truth, prediction, gradient] = *buffers;
  const auto features = static_cast<std::size_t>(a.features);
  truth.resize(labels == Labels::same ? features : 1);
  prediction.resize(features);
  gradient.resize(a.gradient != nullptr ? features : 0);
  for (Index r = 0; r < a.rows; ++r) {
    const T* t = a.truth + r * a.truth_stride;
    const T* p = a.prediction + r * a.prediction_stride;
    truth.assign(t, t + truth.size());
    prediction.assign(p, p + features);
    std::fill(gradient.begin(), gradient.end(), 0.0);  // what the function leaves alone is none
    a.value[r] = static_cast<T>(function(truth, prediction, gradient));
    const double weight = a.row_weights == nullptr ? 1 : static_cast<double>(a.row_weights[r]);
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      T& out = a.gradient[r * a.gradient_stride + static_cast<Index>(i)];
      out = weight == 0 ? T{0} : static_cast<T>(gradient[i] * static_cast<double>(a.scale) * weight);
    }
  }
}

class CustomRows final : public BoundLoss {
 public:
  CustomRows(Labels labels, const std::string& name, LossFunction function)
      : BoundLoss(labels, {.name = name, .class_name = name}), function_(std::move(function)) {}
  void rows(const kernels::Ops<float>&, kernels::LossArgs<float> args) const override {
    for_rows(args, labels(), function_);
  }
  void rows(const kernels::Ops<double>&, kernels::LossArgs<double> args) const override {
    for_rows(args, labels(), function_);
  }

 private:
  LossFunction function_;
};

std::shared_ptr<const CustomRows> checked(const char* what, const std::string& name, LossFunction function,
                                          bool is_empty, const CustomLossOptions& options) {
  if (name.empty()) throw ConfigError(std::string(what) + " needs a name");
  if (is_empty) throw ConfigError(std::string(what) + " '" + name + "' has no function");
  return std::make_shared<CustomRows>(options.one_label ? Labels::one : Labels::same, name, std::move(function));
}

void require_fit(const std::string& who, const CustomRows& rows, const Shape& prediction, const Shape& truth) {
  if (training::labels_fit(rows.labels(), prediction, truth)) return;
  throw ShapeError(training::labels_mismatch(who, rows.labels(), prediction, truth));
}

class CustomLoss final : public detail::LossImpl {
 public:
  explicit CustomLoss(std::shared_ptr<const CustomRows> rows) : rows_(std::move(rows)) {}
  const std::string& name() const override { return rows_->traits().name; }
  nlohmann::ordered_json config() const override { return {{"name", name()}}; }
  std::shared_ptr<const BoundLoss> bind(const Shape& prediction, const Shape& truth) const override {
    require_fit("loss '" + name() + "'", *rows_, prediction, truth);
    return rows_;
  }

 private:
  std::shared_ptr<const CustomRows> rows_;
};

class CustomMetric final : public detail::MetricImpl {
 public:
  explicit CustomMetric(std::shared_ptr<const CustomRows> rows) : rows_(std::move(rows)) {}
  std::string class_name() const override { return rows_->traits().name; }
  nlohmann::ordered_json config(const std::string& name) const override { return {{"name", name}}; }
  training::BoundMetric bind(const std::string& name, const Shape& prediction, const Shape& truth) const override {
    require_fit("metric '" + name + "'", *rows_, prediction, truth);
    return {.rows = rows_};
  }

 private:
  std::shared_ptr<const CustomRows> rows_;
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
