#include "training/diagnosis/curves.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace rondo::training {
namespace {

using Losses = std::vector<double>;

// f(0), f(1), ...
template <class F>
Losses curve(int epochs, F f) {
  Losses losses;
  for (int e = 0; e < epochs; ++e) losses.push_back(f(static_cast<double>(e)));
  return losses;
}

const Losses g_healthy = curve(40, [](double e) { return 0.01 + std::exp(-0.2 * e); });

// A validation after each epoch, or after every n-th.
Course course(const Losses& loss, const Losses& val_loss = {}, std::optional<double> explained = {}) {
  Course c{.loss = loss, .val_loss = val_loss, .learning_rate = 0.01, .explained = explained};
  for (std::size_t e = 0; e < loss.size(); ++e) c.epochs.push_back(static_cast<Index>(e));
  const std::size_t every = val_loss.empty() ? 1 : loss.size() / val_loss.size();
  for (std::size_t v = 1; v <= val_loss.size(); ++v) c.val_epochs.push_back(static_cast<Index>(v * every - 1));
  return c;
}

bool says(const Findings& findings, const char* words) {
  return findings.size() == 1 && (findings[0].text + findings[0].advice).find(words) != std::string::npos;
}

TEST(Curves, OfAHealthyTrainingSayNothing) {
  const Losses validation = curve(40, [](double e) { return 0.02 + 1.1 * std::exp(-0.2 * e); });
  for (const double explained : {0.05, 0.3, 0.99}) {
    const Course c = course(g_healthy, validation, explained);
    EXPECT_TRUE(not_finite_loss(c).empty());
    EXPECT_TRUE(learning_rate_too_large(c).empty());
    EXPECT_TRUE(learning_rate_too_small(c).empty());
    EXPECT_TRUE(overfitting(c).empty());
  }
  EXPECT_TRUE(underfitting(course(g_healthy, validation, 0.6)).empty());
}

TEST(Curves, TooShortSayNothing) {
  const Losses rising = curve(9, [](double e) { return 1 + e; }),
               falling = curve(9, [](double e) { return 2 - 0.001 * e; });
  EXPECT_TRUE(learning_rate_too_large(course(rising)).empty());
  EXPECT_TRUE(learning_rate_too_small(course(falling, {}, 0.0)).empty());
  EXPECT_TRUE(underfitting(course(falling, {}, 0.0)).empty());
  EXPECT_TRUE(overfitting(course(rising, rising)).empty());
}

TEST(Curves, OfLossesThatGoBelowZeroSayNothing) {
  const Losses similarity = curve(30, [](double e) { return -0.5 + 0.01 * e; });
  EXPECT_TRUE(learning_rate_too_large(course(similarity)).empty());
  EXPECT_TRUE(learning_rate_too_small(course(similarity, {}, 0.0)).empty());
}

TEST(Curves, NameTheFirstEpochThatIsNotFinite) {
  Losses loss = g_healthy;
  loss[4] = std::numeric_limits<double>::infinity();
  loss[5] = std::nan("");
  const auto of_loss = not_finite_loss(course(loss));
  EXPECT_TRUE(says(of_loss, "loss is infinite from epoch 5 on"));
  EXPECT_EQ(of_loss[0].epoch, 4);
  loss[4] = 1;
  EXPECT_TRUE(says(not_finite_loss(course(g_healthy, loss)), "val_loss is NaN from epoch 6 on"));
}

TEST(Curves, ThatRiseHaveTooLargeARate) {
  const auto finding = learning_rate_too_large(course(curve(20, [](double e) { return 1 + 0.1 * e; })));
  EXPECT_TRUE(says(finding, "rose, from 1 in the first epoch to 2.7"));
  EXPECT_TRUE(says(finding, "learning rate of 0.01"));
  EXPECT_TRUE(says(finding, "learning rate, 0.001"));
}

TEST(Curves, ThatJumpWithoutGettingLowerHaveTooLargeARate) {
  const auto jumping = [](double e) { return static_cast<int>(e) % 2 == 0 ? 1.0 : 1.4; };
  EXPECT_TRUE(says(learning_rate_too_large(course(curve(20, jumping))), "fifth or more in 10 of 20 epochs"));
  const auto sinking = [&](double e) { return jumping(e) * std::exp(-0.1 * e); };
  EXPECT_TRUE(learning_rate_too_large(course(curve(20, sinking))).empty()) << "it gets lower";
  EXPECT_TRUE(learning_rate_too_large(course(curve(20, jumping), {}, 0.95)).empty())
      << "the model is good all the same";
}

TEST(Curves, ThatStopAboveTheMeansHaveTooLargeARate) {
  const Losses stuck = curve(20, [](double e) { return e < 5 ? 2 - 0.1 * e : 1.5; });
  EXPECT_TRUE(says(learning_rate_too_large(course(stuck, {}, -2.0)), "stopped at 1.5, where the mean of y"));
  EXPECT_TRUE(learning_rate_too_large(course(stuck, {}, 0.0)).empty());
  const Losses falling = curve(20, [](double e) { return 1000 - e; });
  EXPECT_TRUE(learning_rate_too_large(course(falling, {}, -2.0)).empty()) << "it is on its way";
}

TEST(Curves, ThatFallEvenlyAndHardlyHaveTooSmallARate) {
  const Losses slow = curve(50, [](double e) { return 1 - 0.0005 * e; });
  EXPECT_TRUE(says(learning_rate_too_small(course(slow, {}, 0.02)), "2.45 % in 50 epochs"));
  EXPECT_TRUE(says(learning_rate_too_small(course(slow, {}, 0.02)), "learning rate, 0.1"));
  EXPECT_TRUE(learning_rate_too_small(course(slow, {}, 0.8)).empty()) << "it was good before";
  EXPECT_TRUE(learning_rate_too_small(course(slow)).empty()) << "it is not known to be bad";
  const Losses levelling = curve(50, [](double e) { return 0.95 + 0.05 * std::exp(-0.1 * e); });
  EXPECT_TRUE(learning_rate_too_small(course(levelling, {}, 0.02)).empty()) << "it has arrived somewhere";
}

TEST(Curves, ThatStopHighAreUnderfitting) {
  const Losses flat = curve(50, [](double e) { return 0.95 + 0.05 * std::exp(-0.5 * e); });
  EXPECT_TRUE(says(underfitting(course(flat, {}, 0.03)), "stopped falling at 0.95"));
  EXPECT_TRUE(says(underfitting(course(flat, {}, 0.03)), "explain 3 % of y's variance"));
  EXPECT_TRUE(says(underfitting(course(flat, {}, -0.2)), "explain 0 % of y's variance"));
  EXPECT_FALSE(underfitting(course(flat, flat, 0.03)).empty());
  EXPECT_TRUE(underfitting(course(flat, g_healthy, 0.03)).empty()) << "the validation still falls";
  EXPECT_TRUE(underfitting(course(flat, {}, 0.3)).empty());
}

TEST(Curves, ThatStillFallFastNeedMoreEpochs) {
  const Losses falling = curve(30, [](double e) { return std::exp(-0.05 * e); });
  EXPECT_TRUE(says(underfitting(course(falling, {}, 0.4)), "still falls"));
  EXPECT_TRUE(says(underfitting(course(falling, {}, 0.4)), "more epochs"));
  EXPECT_TRUE(underfitting(course(falling, {}, 0.6)).empty());
}

TEST(Curves, ThatPartAreOverfitting) {
  const Losses rising = curve(40, [](double e) { return 0.3 + 0.001 * (e - 10) * (e - 10); });
  const auto finding = overfitting(course(g_healthy, rising));
  EXPECT_TRUE(says(finding, "lowest in epoch 11, 0.3"));
  EXPECT_TRUE(says(finding, "EarlyStopping"));
  EXPECT_EQ(finding[0].epoch, 10);
  const Losses flat(40, 0.5);
  EXPECT_TRUE(overfitting(course(flat, rising)).empty()) << "the loss does not fall meanwhile";
  EXPECT_TRUE(overfitting(course(g_healthy, curve(40, [](double e) { return 0.3 + 0.001 * e; }))).empty())
      << "a little";
  Course stopped = course(g_healthy, rising);
  stopped.stopped = true;
  EXPECT_TRUE(overfitting(stopped).empty()) << "somebody has watched";
}

TEST(Curves, OneLowValidationIsChance) {
  Losses validation(40, 0.5);
  validation[12] = 0.3;
  EXPECT_TRUE(overfitting(course(g_healthy, validation)).empty());
}

TEST(Curves, OfFewerValidationsThanEpochsNameTheEpoch) {
  const Losses every_second = curve(20, [](double e) { return 0.3 + 0.004 * (e - 5) * (e - 5); });
  EXPECT_TRUE(says(overfitting(course(g_healthy, every_second)), "epoch 12"));
}

}  // namespace
}  // namespace rondo::training
