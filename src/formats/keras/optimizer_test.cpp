// What an optimizer remembers, as versions of Keras before 3 kept it: how many numbers, and in which order.
#include <chrono>
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <list>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "core/atomic_file.hpp"
#include "formats/hdf5/writer.hpp"
#include "formats/keras/config.hpp"
#include "support/ramp.hpp"

namespace rondo {
namespace {

using keras::Json;
using test::ramp;

// A file of Keras 2: Dense(2), Dense(1) over three features, and whatever an optimizer kept.
class OldOptimizers : public testing::Test {
 protected:
  void SetUp() override {
    hdf5::GroupWriter& weights = file_.root().group("model_weights");
    weights.attribute("layer_names", std::vector<std::string>{"a", "b"});
    add(weights, "a", {"a/kernel:0", "a/bias:0"}, {ramp({3, 2}), ramp({2})});
    add(weights, "b", {"b/kernel:0", "b/bias:0"}, {ramp({2, 1}), ramp({1})});
  }
  void TearDown() override { std::filesystem::remove(path_); }

  static Tensor number(double value) { return Tensor(Shape{}, std::vector<double>{value}); }
  // One of each weight, so that all differ.
  static std::vector<Tensor> of_weights(double first) {
    return {ramp({3, 2}, first), ramp({2}, first + 0.1), ramp({2, 1}, first + 0.2), ramp({1}, first + 0.3)};
  }
  static std::vector<Tensor> joined(std::vector<Tensor> begin, const std::vector<std::vector<Tensor>>& all) {
    for (const std::vector<Tensor>& more : all) begin.insert(begin.end(), more.begin(), more.end());
    return begin;
  }

  // Loads the file, which had these in its optimizer, the first of this name.
  Model loaded(const char* version, const char* optimizer, const Json& options, const std::string& first,
               const std::vector<Tensor>& kept) {
    file_.root().attribute("keras_version", version);
    const Json a = {{"class_name", "Dense"},
                    {"config", {{"name", "a"}, {"batch_input_shape", {nullptr, 3}}, {"units", 2}}}};
    const Json b = {{"class_name", "Dense"}, {"config", {{"name", "b"}, {"units", 1}}}};
    file_.root().attribute("model_config", Json{{"class_name", "Sequential"}, {"config", {{"layers", {a, b}}}}}.dump());
    file_.root().attribute(
        "training_config",
        Json{{"optimizer_config", {{"class_name", optimizer}, {"config", options}}}, {"loss", "mse"}}.dump());
    std::vector<std::string> names{first};
    while (names.size() < kept.size()) names.push_back("variable_" + std::to_string(names.size()));
    add(file_.root(), "optimizer_weights", names, kept);
    core::write_file(path_, {file_.bytes()});
    return load_model(path_);
  }

  // The variables that have this at the end of their names.
  static std::vector<Tensor> named(const Model& model, const std::string& end) {
    std::vector<Tensor> all;
    for (const OptimizerVariable& variable : model.optimizer_variables()) {
      if (variable.name.ends_with(end)) all.push_back(variable.value);
    }
    return all;
  }
  static void expect_same(const std::vector<Tensor>& got, const std::vector<Tensor>& expected) {
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].to_vector(), expected[i].cast(DType::float32).to_vector()) << i;
    }
  }
  static double only(const Model& model, const std::string& end) { return named(model, end).at(0)(); }

 private:
  void add(hdf5::GroupWriter& parent, const std::string& path, const std::vector<std::string>& names,
           const std::vector<Tensor>& values) {
    hdf5::GroupWriter& group = parent.group(path);
    group.attribute("weight_names", names);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const Tensor& kept = kept_.emplace_back(values[i].cast(DType::float32));
      group.dataset(names[i], kept.shape(), kept.data<float>());
    }
  }

  const std::string path_ =
      (std::filesystem::path(testing::TempDir()) / ("rondo_optimizer_" + std::to_string(getpid()) + ".h5")).string();
  hdf5::Writer file_;
  std::list<Tensor> kept_;
};

// 0.96^(0.004 t), of which half is taken off beta_1, as Keras 2 and TensorFlow have it; those are multiplied.
double product_after(int steps, double schedule_decay) {
  double product = 1;
  for (int t = 1; t <= steps; ++t) product *= 0.9 * (1 - 0.5 * std::pow(0.96, schedule_decay * t));
  return product;
}

TEST_F(OldOptimizers, NadamOfKeras22BeginsItsProductAnew) {
  const Model model = loaded("2.2.4", "Nadam", {{"lr", 0.002}, {"schedule_decay", 0.004}}, "Nadam/iterations:0",
                             joined({number(6)}, {of_weights(0.1), of_weights(0.2)}));
  EXPECT_EQ(only(model, "/iteration"), 6);
  EXPECT_EQ(only(model, "/variable"), 1);
  expect_same(named(model, "_momentum"), of_weights(0.1));
  expect_same(named(model, "_velocity"), of_weights(0.2));
}

TEST_F(OldOptimizers, NadamOfKeras23AndTensorFlowKeepsItsProduct) {
  const Model model = loaded("2.8.0", "Nadam", {{"learning_rate", 0.001}, {"decay", 0.004}}, "Nadam/iter:0",
                             joined({number(6), number(product_after(6, 0.004))}, {of_weights(0.1), of_weights(0.2)}));
  EXPECT_EQ(only(model, "/iteration"), 6);
  EXPECT_NEAR(only(model, "/variable"), product_after(6, 0.004), 1e-12);
  EXPECT_EQ(model.learning_rate(), 0.001);
  expect_same(named(model, "_momentum"), of_weights(0.1));
  expect_same(named(model, "_velocity"), of_weights(0.2));
}

// On TensorFlow 2 its steps were counted from 2 on.
TEST_F(OldOptimizers, NadamOfKeras23CountsFromTwo) {
  const Model model =
      loaded("2.3.1", "Nadam", {{"learning_rate", 0.002}, {"schedule_decay", 0.004}}, "training/Nadam/iterations:0",
             joined({number(6), number(0.03)}, {of_weights(0.1), of_weights(0.2)}));
  EXPECT_EQ(only(model, "/iteration"), 7);
  EXPECT_NEAR(only(model, "/variable"), product_after(7, 0.004), 1e-12);
  expect_same(named(model, "_velocity"), of_weights(0.2));
}

TEST_F(OldOptimizers, NadamOfTensorFlow211BeginsItsProductAnew) {
  const std::vector<Tensor> m = of_weights(0.1), v = of_weights(0.2);
  const Model model = loaded("2.12.0", "Nadam", {{"learning_rate", 0.001}, {"is_legacy_optimizer", false}},
                             "iteration:0", {number(6), m[0], v[0], m[1], v[1], m[2], v[2], m[3], v[3]});
  EXPECT_EQ(only(model, "/iteration"), 6);
  EXPECT_EQ(only(model, "/variable"), 1);
  expect_same(named(model, "_momentum"), m);
  expect_same(named(model, "_velocity"), v);
}

// It kept moments that were never used.
TEST_F(OldOptimizers, SgdOfKeras2WithoutMomentumGoesOnCounting) {
  const Model model = loaded("2.0.8", "SGD", {{"lr", 0.1}, {"momentum", 0.0}, {"decay", 0.01}}, "SGD/iterations:0",
                             joined({number(500)}, {of_weights(0)}));
  EXPECT_EQ(only(model, "/iteration"), 500);
  EXPECT_DOUBLE_EQ(model.learning_rate(), 0.1 / 6);
}

// A file may have been made to keep its reader busy.
TEST_F(OldOptimizers, AnyNumberOfStepsIsReadAtOnce) {
  const Json options = {{"lr", 0.002}, {"schedule_decay", 0.0}, {"beta_1", 0.99999999}, {"beta_2", 0.99999999}};
  const auto begin = std::chrono::steady_clock::now();
  const Model model = loaded("2.2.4", "Nadam", options, "Nadam/iterations:0",
                             joined({number(0x1p53)}, {of_weights(0.1), of_weights(0.2)}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  EXPECT_EQ(only(model, "/iteration"), 0x1p53);
}

}  // namespace
}  // namespace rondo
