// What all metrics promise: a model's and a MetricState's say the same, however rows are batched and weighted.
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"
#include "support/metric_data.hpp"
#include "support/nan.hpp"
#include "training/metrics/metric.hpp"

namespace rondo {
namespace {

using test::expect_error;
using test::metric_data;
using test::MetricData;

using test::kNaN;

// Of labels of the predictions' shape.
std::vector<Metric> comparing() {
  using namespace metrics;
  return {"mse",
          "rmse",
          "cosine_similarity",
          "hinge",
          "squared_hinge",
          "categorical_accuracy",
          Accuracy(),
          TopKCategoricalAccuracy({.k = 2}),
          MeanMetricWrapper("huber"),
          "true_positives",
          "false_negatives",
          Precision({.thresholds = {0.25, 0.5}}),
          Recall({.top_k = 2}),
          "auc",
          AUC({.name = "areas", .multi_label = true, .label_weights = {1, 2, 3}}),
          SensitivityAtSpecificity(0.5),
          PrecisionAtRecall(0.5),
          F1Score(),
          FBetaScore({.average = "weighted", .beta = 2, .threshold = 0.5}),
          R2Score({.class_aggregation = std::nullopt}),
          "pearson_correlation",
          "concordance_correlation",
          OneHotMeanIoU(3),
          BinaryIoU()};
}

std::vector<Metric> of_classes() {
  using namespace metrics;
  return {"sparse_categorical_accuracy", SparseTopKCategoricalAccuracy({.k = 2}),
          SparseCategoricalCrossentropy({.ignore_class = 1}), MeanIoU(3, {.sparse_y_pred = false})};
}

// Passes its input on, so that every prediction is known.
Evaluation evaluated(const MetricData& data, const std::vector<Metric>& metrics, Index batch_size,
                     const std::optional<Tensor>& weights = {}, const char* loss = "mse") {
  const DType dtype = data.y_pred.dtype();
  Sequential model{Activation("linear", {.dtype = dtype, .input_shape = data.y_pred.shape().from(1)})};
  model.compile({.optimizer = "sgd", .loss = loss, .weighted_metrics = metrics});
  return model.evaluate(data.y_pred, data.y_true, {.batch_size = batch_size, .verbose = 0, .sample_weight = weights});
}

std::vector<double> alone(const MetricData& data, const Metric& metric, Index batch_size,
                          const std::optional<Tensor>& weights = {}) {
  MetricState state(metric);
  for (Index b = 0; b < data.y_pred.shape()[0]; b += batch_size) {
    const Index end = std::min(b + batch_size, data.y_pred.shape()[0]);
    std::optional<Tensor> part;
    if (weights) part = weights->rows(b, end);
    state.update_state(data.y_true.rows(b, end), data.y_pred.rows(b, end), part);
  }
  return state.result().to_vector();
}

// The numbers that a model says of a metric.
std::vector<double> of(const Evaluation& evaluation, const std::string& name, std::size_t count) {
  if (count == 1) return {evaluation[name]};
  std::vector<double> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(evaluation[name + "_" + std::to_string(i)]);
  return numbers;
}

void expect_same(const std::vector<double>& a, const std::vector<double>& b, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(a.size(), b.size()) << what;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(b[i])) {
      EXPECT_TRUE(std::isnan(a[i])) << what;
    } else {
      EXPECT_NEAR(a[i], b[i], tolerance) << what << ", number " << i;
    }
  }
}

TEST(MetricState, SaysWhatAModelSaysToTheBit) {
  for (const DType dtype : {DType::float64, DType::float32}) {
    MetricData data = metric_data(21, 3, 1);
    data.y_pred = data.y_pred.cast(dtype);
    data.y_true = data.y_true.cast(dtype);
    for (const std::optional<Tensor>& weights : {std::optional<Tensor>(), std::optional<Tensor>(data.weights)}) {
      const Evaluation evaluation = evaluated(data, comparing(), 4, weights);
      for (const Metric& metric : comparing()) {
        const std::vector<double> expected = alone(data, metric, 4, weights);
        expect_same(of(evaluation, metric.name(), expected.size()), expected, 0, metric.name());
      }
    }
    data.y_true = Tensor(Shape{21}, std::vector<double>{0, 1, 2, 0, 1, 2, 2, 2, 1, 0, 0, 1, 1, 1, 2, 0, 2, 1, 0, 1, 2});
    data.y_true = data.y_true.cast(dtype);
    const Evaluation evaluation = evaluated(data, of_classes(), 4, data.weights, "crossentropy");
    for (const Metric& metric : of_classes()) {
      const std::vector<double> expected = alone(data, metric, 4, data.weights);
      expect_same(of(evaluation, metric.name(), expected.size()), expected, 0, metric.name());
    }
  }
}

TEST(Metrics, SayTheSameHoweverRowsAreBatched) {
  const MetricData data = metric_data(24, 3, 2);
  for (const Metric& metric : comparing()) {
    const std::vector<double> whole = alone(data, metric, 24, data.weights);
    for (const Index batch : {1, 5, 8}) {
      expect_same(alone(data, metric, batch, data.weights), whole, 1e-12, metric.name());
    }
  }
}

TEST(Metrics, CountARowAsOftenAsItWeighs) {
  MetricData data = metric_data(20, 3, 3), repeated;
  std::vector<double> y, p;
  for (Index r = 0; r < 20; ++r) {
    for (Index i = 0; i < 3 * static_cast<Index>(data.weights(r)); ++i) {
      y.push_back(data.y_true(r, i % 3));
      p.push_back(data.y_pred(r, i % 3));
    }
    if (data.weights(r) != 0) continue;
    for (Index i = 0; i < 3; ++i) data.y_pred.set({r, i}, kNaN);  // a row of weight 0 is not there
  }
  const auto rows = static_cast<Index>(y.size()) / 3;
  repeated.y_true = Tensor({rows, 3}, y);
  repeated.y_pred = Tensor({rows, 3}, p);
  for (const Metric& metric : comparing()) {
    expect_same(alone(data, metric, 20, data.weights), alone(repeated, metric, rows), 1e-12, metric.name());
  }
}

TEST(Metrics, HeedTheMaskOfAModelsOutput) {
  Tensor x = metric_data(12, 3, 4).y_pred.reshape({4, 3, 3});
  const Tensor y = metric_data(12, 3, 5).y_true.reshape({4, 3, 3});
  for (Index i = 0; i < 3; ++i) x.set({1, 2, i}, -1);
  for (Index i = 0; i < 3; ++i) x.set({3, 0, i}, -1);
  const Tensor weights = {{1, 1, 1}, {1, 1, 0}, {1, 1, 1}, {0, 1, 1}};
  Sequential model{Masking({.mask_value = -1, .dtype = "float64", .input_shape = {3, 3}})};
  const std::vector<Metric> metrics = {"mae", "auc", "hinge", metrics::Precision({.thresholds = {0.25, 0.5}})};
  model.compile({.optimizer = "sgd", .loss = "mse", .metrics = metrics});
  const Evaluation evaluation = model.evaluate(x, y, {.verbose = 0});
  for (const Metric& metric : metrics) {
    MetricState state(metric);
    state.update_state(y, x, weights);
    const std::vector<double> expected = state.result().to_vector();
    expect_same(of(evaluation, metric.name(), expected.size()), expected, 1e-15, metric.name());
  }
}

TEST(Metrics, OfTrainingAreThoseOfThePredictionsBeforeTheStep) {
  set_random_seed(3);
  const Tensor x = metric_data(16 * 4, 2, 6).y_pred.reshape({16, 4, 2});
  const Tensor y = metric_data(16 * 4, 2, 7).y_true.reshape({16, 4, 2});
  for (const char* activation : {"sigmoid", "linear"}) {
    Sequential model{LSTM(5, {.return_sequences = true, .dtype = "float64", .input_shape = {4, 2}}),
                     Dense(2, {.activation = activation, .dtype = "float64"})};
    model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"auc", "hinge", "precision"}});
    const Evaluation before = model.evaluate(x, y, {.batch_size = 16, .verbose = 0});
    const History history = model.fit(x, y, {.batch_size = 16, .epochs = 1, .verbose = 0});
    for (const char* name : {"auc", "hinge", "precision"}) EXPECT_EQ(history[name].at(0), before[name]) << name;
  }
  Sequential model{LSTM(2, {.return_sequences = true, .dtype = "float64", .input_shape = {4, 2}})};
  model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"auc"}});
  const Evaluation before = model.evaluate(x, y, {.batch_size = 16, .verbose = 0});
  EXPECT_EQ(model.fit(x, y, {.batch_size = 16, .epochs = 1, .verbose = 0})["auc"].at(0), before["auc"]);
}

TEST(Metrics, OfSeveralNumbersHaveANameForEach) {
  const MetricData data = metric_data(8, 2, 8);
  const Evaluation evaluation =
      evaluated(data, {metrics::Recall({.thresholds = {0.25, 0.75}}), "mae", metrics::F1Score({.name = "f"})}, 8);
  std::vector<std::string> names;
  for (const auto& [name, value] : evaluation.values()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"loss", "recall_0", "recall_1", "mae", "f_0", "f_1"}));
}

TEST(Metrics, StayThereWhateverTheNumbersAre) {
  const double inf = std::numeric_limits<double>::infinity();
  MetricData data;
  data.y_pred = {{kNaN, inf, -inf}, {-5, 7, 0}, {kNaN, kNaN, kNaN}, {1e300, -1e300, 0.5}};
  data.y_true = {{1, kNaN, 0}, {inf, -1, 3.5}, {0, 0, 0}, {1e300, -inf, 2}};
  for (const Metric& metric : comparing()) (void)alone(data, metric, 2);
  data.y_true = {kNaN, -1.0, 3.5, 1e300};
  for (const Metric& metric : of_classes()) (void)alone(data, metric, 2);
  (void)alone(data, metrics::MeanMetricWrapper("categorical_generalized_cross_entropy"), 2);
}

TEST(Metrics, KnowWhichWayIsBetter) {
  EXPECT_EQ(Metric("mse").direction(), Direction::down);
  EXPECT_EQ(Metric("cosine_similarity").direction(), Direction::up);
  EXPECT_EQ(Metric("acc").direction(), Direction::up);
  EXPECT_EQ(Metric("true_positives").direction(), Direction::none);
  EXPECT_EQ(Metric("auc").renamed("area").direction(), Direction::up);
  EXPECT_EQ(custom_metric("mine", [](Row, Row) { return 0.0; }).direction(), Direction::none);
}

TEST(MetricState, GoesOnByItselfWhenCopied) {
  MetricState a((metrics::BinaryAccuracy()));
  a.update_state({1, 0}, {0.9, 0.9});
  MetricState b = a;
  b.update_state({1, 1}, {0.9, 0.9});
  EXPECT_EQ(a.result()(), 0.5);
  EXPECT_EQ(b.result()(), 0.75);
  b.reset_state();
  EXPECT_EQ(b.result()(), 0);
}

TEST(MetricState, OfValuesTakesThemOnTheirOwn) {
  MetricState mean((metrics::Mean())), sum((metrics::Sum()));
  mean.update_state({{1, 2}, {3, 6}});
  EXPECT_EQ(mean.result()(), 3);
  mean.update_state({10, 20}, {3, 1});
  EXPECT_EQ(mean.result()(), (1.5 + 4.5 + 30 + 20) / 6);
  sum.update_state({{1, 2}, {3, 6}}, {{1, 0}});
  EXPECT_EQ(sum.result()(), 4) << "a weight for each column";
  expect_error<ConfigError>([&] { sum.update_state({1}, {1}, Tensor{1}); }, {"'sum'", "update_state(values"});
  expect_error<ShapeError>([&] { sum.update_state({1, 2, 3}, {1, 2}); }, {"'sum'", "(2,)", "(3,)"});
  expect_error<ConfigError>([] { MetricState("mae").update_state({1}); }, {"'mae'", "y_true, y_pred"});
  Sequential model{Dense(1, {.input_shape = {1}})};
  expect_error<ConfigError>([&] { model.compile({.loss = "mse", .metrics = {"mean"}}); },
                            {"'mean' is of values", "MetricState"});
}

TEST(MetricState, RefusesWhatDoesNotFit) {
  MetricState f1((metrics::F1Score()));
  expect_error<StateError>([&] { (void)f1.result(); }, {"'f1_score'", "update_state"});
  f1.update_state(Tensor::zeros({4, 3}), Tensor::zeros({4, 3}));
  expect_error<ShapeError>(
      [&] {
        f1.update_state(Tensor::zeros({4, 2}), Tensor::zeros({4, 2}));
      },
      {"'f1_score'", "(None, 2)", "(None, 3)"});
  expect_error<ShapeError>(
      [&] {
        f1.update_state(Tensor::zeros({3, 3}), Tensor::zeros({4, 3}));
      },
      {"(3, 3)", "(4, 3)", "same samples"});
  expect_error<ShapeError>(
      [&] {
        f1.update_state(Tensor::zeros({4, 3}), Tensor::zeros({4, 3}), Tensor::zeros({4, 3}));
      },
      {"sample_weight", "(4, 3)", "(4,)"});
  expect_error<ShapeError>([&] { f1.update_state(Tensor::zeros({4, 2}), Tensor::zeros({4, 3})); }, {"f1_score"});
  MetricState mae("mae");
  const Tensor steps = Tensor::zeros({4, 4, 1});
  mae.update_state(steps, steps, Tensor{{1}, {2}, {3}, {4}});
  expect_error<ShapeError>(
      [&] {
        mae.update_state(steps, steps, Tensor{1, 2, 3, 4});
      },
      {"sample_weight", "(4,)", "(4, 4)"});
}

}  // namespace
}  // namespace rondo
