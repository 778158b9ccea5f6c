#include "training/progress_bar.hpp"

#include <gtest/gtest.h>
#include <regex>

namespace rondo::training {
namespace {

// Standard output is a file meanwhile, hence no terminal.
template <class Action>
std::string printed(Action action) {
  testing::internal::CaptureStdout();
  action();
  return testing::internal::GetCapturedStdout();
}

Logs some_logs() {
  Logs logs;
  logs.set("loss", 0.15421);
  logs.set("mae", 0.0004);
  return logs;
}

// keras/src/utils/progbar.py: what is 1 s or more (or exactly 0) in seconds, then ms, then us.
TEST(ProgressBar, RatesChooseTheirUnit) {
  EXPECT_EQ(ProgressBar::format_rate(0), "0s/step");
  EXPECT_EQ(ProgressBar::format_rate(2.4), "2s/step");
  EXPECT_EQ(ProgressBar::format_rate(1), "1s/step");
  EXPECT_EQ(ProgressBar::format_rate(0.0164), "16ms/step");
  EXPECT_EQ(ProgressBar::format_rate(0.001), "1ms/step");
  EXPECT_EQ(ProgressBar::format_rate(0.0000123), "12us/step");
}

TEST(ProgressBar, RemainingTimeIsSecondsMinutesOrHours) {
  EXPECT_EQ(ProgressBar::format_remaining(0.4), "0s");
  EXPECT_EQ(ProgressBar::format_remaining(60), "60s");
  EXPECT_EQ(ProgressBar::format_remaining(61), "1:01");
  EXPECT_EQ(ProgressBar::format_remaining(3661), "1:01:01");
}

TEST(ProgressBar, ValuesHaveFourDigitsOrAnExponent) {
  EXPECT_EQ(ProgressBar::format_value(0.15421), "0.1542");
  EXPECT_EQ(ProgressBar::format_value(0.0004), "4.0000e-04");
  EXPECT_EQ(ProgressBar::format_value(0), "0.0000e+00");
  EXPECT_EQ(ProgressBar::format_value(-0.5), "-0.5000");
  EXPECT_EQ(ProgressBar::format_value(12345.6), "12345.6000");
}

TEST(ProgressBar, AwayFromATerminalIsOneFinishedLine) {
  const std::string text = printed([] {
    ProgressBar bar(1, 12);
    for (Index i = 1; i <= 12; ++i) bar.update(i, some_logs());
    bar.finish(some_logs());
  });
  EXPECT_TRUE(
      std::regex_match(text, std::regex("12/12 (━){20} \\d+s \\d+(us|ms|s)/step - loss: 0.1542 - mae: 4.0000e-04\n")))
      << text;
}

TEST(ProgressBar, VerboseTwoIsALineAndVerboseZeroNothing) {
  const std::string line = printed([] {
    ProgressBar bar(2, 2);
    bar.update(1, some_logs());
    bar.finish(some_logs());
  });
  EXPECT_TRUE(std::regex_match(line, std::regex("2/2 - \\d+s - \\d+(us|ms|s)/step - loss: 0.1542 - mae: 4.0000e-04\n")))
      << line;
  EXPECT_EQ(printed([] {
              ProgressBar bar(0, 2);
              bar.update(1, some_logs());
              bar.finish(some_logs());
            }),
            "");
}

TEST(ProgressBar, TheEpochStandsInFrontOnlyWhereThereAreSeveral) {
  EXPECT_EQ(printed([] { print_epoch_header(1, 2, 10); }), "Epoch 3/10\n");
  EXPECT_EQ(printed([] { print_epoch_header(2, 0, 2); }), "Epoch 1/2\n");
  EXPECT_EQ(printed([] { print_epoch_header(1, 0, 1); }), "");
  EXPECT_EQ(printed([] { print_epoch_header(0, 0, 10); }), "");
}

}  // namespace
}  // namespace rondo::training
