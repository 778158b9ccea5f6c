#include "training/diagnosis/outputs.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "training/diagnosis/look.hpp"

namespace rondo::training {
namespace {

// Waves, and predictions made of them.
template <class F>
Compared compared(F prediction, double scale = 1, double shift = 0) {
  Compared c{.what = "y", .truth = {}, .predicted = {}, .columns = 1, .samples = 40};
  for (int i = 0; i < 40; ++i) {
    c.truth.push_back(shift + scale * std::sin(0.4 * i));
    c.predicted.push_back(prediction(i));
  }
  return c;
}
double zero(int) { return 0; }

// The samples of which those waves are the next values.
Tensor windows() {
  Tensor X = Tensor::zeros({40, 3, 1});
  for (Index i = 0; i < 40; ++i) {
    for (Index t = 0; t < 3; ++t) X.set({i, t, 0}, std::sin(0.4 * static_cast<double>(i + t - 3)));
  }
  return X;
}

TEST(Squares, SayHowMuchIsExplained) {
  EXPECT_DOUBLE_EQ(Squares(compared([](int i) { return std::sin(0.4 * i); })).explained(), 1);
  const Compared two{.what = "y",
                     .truth = {1, 0, 0, 1, 1, 0, 0, 1},
                     .predicted = {.5, .5, .5, .5, .5, .5, .5, .5},
                     .columns = 2,
                     .samples = 4};
  EXPECT_EQ(Squares(two).truth, 2);
  EXPECT_EQ(Squares(two).predicted, 0);
  EXPECT_EQ(Squares(two).explained(), 0);
}

TEST(Outputs, TargetsFarOutsideAreNamedWithTheirRange) {
  const auto finding = targets_out_of_range(compared(zero, 100, 300), "sigmoid", "end");
  ASSERT_EQ(finding.size(), 1U);
  EXPECT_EQ(finding[0].text.substr(0, 18), "y reaches from 200");
  EXPECT_EQ(finding[0].layer, "end");
  EXPECT_FALSE(targets_out_of_range(compared(zero), "relu", "end").empty());
  EXPECT_FALSE(targets_out_of_range(compared(zero, 2), "tanh", "end").empty());
}

TEST(Outputs, TargetsWithinReachAndALittleBeyondAreFine) {
  EXPECT_TRUE(targets_out_of_range(compared(zero), "tanh", "end").empty());
  EXPECT_TRUE(targets_out_of_range(compared(zero, 0.55, 0.5), "sigmoid", "end").empty());
  EXPECT_TRUE(targets_out_of_range(compared(zero, 100, 101), "relu", "end").empty());
  EXPECT_TRUE(targets_out_of_range(compared(zero, 100), "linear", "end").empty());
  EXPECT_TRUE(targets_out_of_range(compared(zero, 100), "", "end").empty());
  EXPECT_TRUE(targets_out_of_range(compared([](int i) { return i - 20; }), "relu", "end").empty())
      << "it has a slope below 0";
}

TEST(Outputs, PredictionsThatHardlyDifferAreConstant) {
  const auto finding = constant_predictions(compared([](int i) { return 0.3 + 0.001 * (i % 2); }));
  ASSERT_EQ(finding.size(), 1U);
  EXPECT_NE(finding[0].text.find("over 40 samples is 0.0005"), std::string::npos) << finding[0].text;
  EXPECT_TRUE(constant_predictions(compared([](int i) { return 0.3 + 0.1 * (i % 2); })).empty());
  EXPECT_TRUE(constant_predictions(compared(zero, 0, 5)).empty()) << "so is y";
}

TEST(Outputs, PredictionsThatAreTheLastValueAreCopies) {
  const auto last = [](int i) { return std::sin(0.4 * (i - 1)); };
  const auto finding = copied_input(compared(last), windows());
  ASSERT_EQ(finding.size(), 1U);
  EXPECT_NE(finding[0].text.find("y does by 0.283"), std::string::npos) << finding[0].text;
  EXPECT_TRUE(copied_input(compared([](int i) { return std::sin(0.4 * i); }), windows()).empty()) << "they are right";
  const auto halfway = [](int i) { return std::sin(0.4 * (i - 0.5)); };
  EXPECT_TRUE(copied_input(compared(halfway), windows()).empty()) << "they are better than that";
}

TEST(Outputs, ACopyIsNoFindingWhereXHasOneStep) {
  const Compared copy = compared([](int i) { return std::sin(0.4 * (i - 1)); });
  EXPECT_FALSE(copied_input(copy, windows().reshape({40, 3})).empty());
  EXPECT_TRUE(copied_input(copy, windows().reshape({40, 3}).columns(-1)).empty());
}

TEST(Outputs, ACopyIsNoFindingWhereYIsOne) {
  Compared echo = compared([](int i) { return std::sin(0.4 * (i - 1)); });
  echo.truth = echo.predicted;
  EXPECT_TRUE(copied_input(echo, windows()).empty());
}

TEST(DeadUnits, AreNamedWhereNearlyAllAreDead) {
  const auto finding = dead_units("hidden", 20, 18, 64);
  ASSERT_EQ(finding.size(), 1U);
  EXPECT_EQ(finding[0].text, "18 of 20 units of layer 'hidden' (relu) are 0 for all of 64 samples");
  EXPECT_EQ(finding[0].layer, "hidden");
  EXPECT_FALSE(dead_units("end", 1, 1, 64).empty());
  EXPECT_TRUE(dead_units("hidden", 20, 17, 64).empty());
  EXPECT_TRUE(dead_units("hidden", 0, 0, 64).empty());
}

}  // namespace
}  // namespace rondo::training
