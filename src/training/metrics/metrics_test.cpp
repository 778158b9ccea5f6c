// What losses and metrics are asked to compare, and what they call it. A model that passes its input on makes every
// prediction known.
#include <cmath>
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

namespace rondo {
namespace {

Sequential passing_on(const Shape& sample, const Loss& loss, const std::vector<Metric>& metrics = {}) {
  Sequential model{Activation("linear", {.dtype = DType::float64, .input_shape = sample})};
  model.compile({.optimizer = "sgd", .loss = loss, .metrics = metrics});
  return model;
}

Evaluation compare(const Tensor& predictions, const Tensor& labels, const Loss& loss,
                   const std::vector<Metric>& metrics = {}, Index batch_size = 32) {
  return passing_on(predictions.shape().from(1), loss, metrics)
      .evaluate(predictions, labels, {.batch_size = batch_size, .verbose = 0});
}

TEST(Labels, MayLackOrHaveALastAxisOfOne) {
  const Tensor p = {{1.0}, {2.0}};
  EXPECT_EQ(compare(p, Tensor{{1.0}, {4.0}}, "mse").loss(), 2);
  EXPECT_EQ(compare(p, Tensor{1.0, 4.0}, "mse").loss(), 2);
  const Tensor steps = p.reshape({1, 2, 1});
  EXPECT_EQ(compare(steps, Tensor{{1.0, 4.0}}, "mse").loss(), 2);
  EXPECT_EQ(compare(p.reshape({1, 2}), Tensor{{{1.0}, {4.0}}}, "mse").loss(), 2);
  EXPECT_THROW(compare(p, Tensor{{1.0, 2.0}, {4.0, 5.0}}, "mse"), ShapeError) << "Keras broadcasts this silently";
  EXPECT_THROW(compare(Tensor{{1.0, 2.0}, {4.0, 5.0}}, p, "mse"), ShapeError);
  EXPECT_THROW(compare(Tensor{{1.0, 2.0}, {4.0, 5.0}}, Tensor{1.0, 2.0}, "mse"), ShapeError);
}

TEST(Labels, OfASparseLossAreClassNumbersWithOrWithoutTheirAxis) {
  const Tensor p = {{0.5, 0.25, 0.25}, {0.25, 0.25, 0.5}};
  const double expected = -(std::log(0.5) + std::log(0.25)) / 2;
  for (const char* loss : {"sparse_categorical_crossentropy", "crossentropy"}) {
    EXPECT_NEAR(compare(p, Tensor{{0}, {1}}, loss).loss(), expected, 1e-12);
    EXPECT_NEAR(compare(p, Tensor{0, 1}, loss).loss(), expected, 1e-12);
  }
  EXPECT_THROW(compare(p, Tensor{{1, 0, 0}, {0, 1, 0}}, "sparse_categorical_crossentropy"), ShapeError);
  EXPECT_THROW(compare(p, Tensor{0, 3}, "sparse_categorical_crossentropy"), ShapeError);
  EXPECT_THROW(compare(p, Tensor{0, -1}, "sparse_categorical_crossentropy"), ShapeError);
  EXPECT_NEAR(compare(p, Tensor{{1, 0, 0}, {0, 1, 0}}, "crossentropy").loss(), expected, 1e-12)
      << "one-hot labels make it the categorical one";
  // Per step: (batch, steps) beside (batch, steps, classes).
  EXPECT_NEAR(compare(p.reshape({1, 2, 3}), Tensor{{0, 1}}, "sparse_categorical_crossentropy").loss(), expected, 1e-12);
}

TEST(Accuracy, IsBinaryForOneOutput) {
  const Tensor p = {{0.2}, {0.5}, {0.500001}, {0.9}};
  EXPECT_EQ(compare(p, Tensor{0, 0, 1, 0}, "bce", {"accuracy"})["accuracy"], 0.75) << "one half is class 0";
  EXPECT_EQ(compare(p, Tensor{0, 1, 1, 1}, "bce", {metrics::BinaryAccuracy({.threshold = 0.4})})["binary_accuracy"], 1);
  EXPECT_EQ(compare(p, Tensor{0.1, 0.3, 0.7, 0.2}, "mse", {"accuracy"})["accuracy"], 0)
      << "on a regression it counts equal integers, as in Keras";
}

TEST(Accuracy, IsCategoricalForOneHotLabelsAndSparseForClassNumbers) {
  const Tensor p = {{0.1, 0.8, 0.1}, {0.4, 0.4, 0.2}, {0.2, 0.3, 0.5}};
  const Tensor one_hot = {{0, 1, 0}, {1, 0, 0}, {0, 1, 0}};
  EXPECT_NEAR(compare(p, one_hot, "categorical_crossentropy", {"acc"})["acc"], 2.0 / 3, 1e-15)
      << "the first of equals counts";
  EXPECT_NEAR(compare(p, Tensor{1, 0, 1}, "sparse_categorical_crossentropy", {"accuracy"})["accuracy"], 2.0 / 3, 1e-15);
  EXPECT_NEAR(compare(p, Tensor{{1}, {0}, {1}}, "sparse_categorical_crossentropy",
                      {metrics::SparseCategoricalAccuracy()})["sparse_categorical_accuracy"],
              2.0 / 3, 1e-15);
}

TEST(Metrics, AreMeansOverSamplesHoweverTheyAreBatched) {
  const Tensor p = {{1.0}, {2.0}, {3.0}, {4.0}, {6.0}}, y = Tensor::zeros({5, 1});
  const double mse = (1 + 4 + 9 + 16 + 36) / 5.0;
  for (const Index batch : {1, 2, 4, 5}) {
    const Evaluation result = compare(p, y, "mse", {"mae", "rmse", metrics::RootMeanSquaredError()}, batch);
    EXPECT_NEAR(result.loss(), mse, 1e-12);
    EXPECT_NEAR(result["mae"], 16 / 5.0, 1e-12);
    EXPECT_NEAR(result["rmse"], std::sqrt(mse), 1e-12) << "the root of the mean, not the mean of the batches' roots";
    EXPECT_NEAR(result["root_mean_squared_error"], std::sqrt(mse), 1e-12);
  }
}

TEST(Metrics, AreLoggedUnderTheNameAsGiven) {
  const Tensor p = {{1.0}}, y = {{0.0}};
  const Evaluation result = compare(p, y, "mse", {"mae", "mean_absolute_error", "MSE", "mae"});
  std::vector<std::string> names;
  for (const auto& [name, value] : result.values()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"loss", "mae", "mean_absolute_error", "MSE", "mae_1"}));
  EXPECT_EQ(Metric("mse").renamed("m").name(), "m");
  EXPECT_EQ(metrics::MeanSquaredError({.name = "error"}).name(), "error");
}

TEST(Metrics, RefuseLabelsThatDoNotFit) {
  EXPECT_THROW(compare(Tensor{{0.1, 0.9}}, Tensor{{1}}, "sparse_categorical_crossentropy", {"categorical_accuracy"}),
               ShapeError);
  EXPECT_THROW(compare(Tensor{{0.1, 0.9}}, Tensor{{0, 1}}, "mse", {"sparse_categorical_accuracy"}), ShapeError);
}

TEST(Losses, HaveKerasNames) {
  for (const char* name : {"mse", "MSE", "mean_squared_error", "MeanSquaredError"}) {
    EXPECT_EQ(Loss(name).name(), "mean_squared_error");
  }
  EXPECT_EQ(Loss("BCE").name(), "binary_crossentropy");
  EXPECT_THROW(losses::BinaryCrossentropy({.label_smoothing = 2}), ConfigError);
}

}  // namespace
}  // namespace rondo
