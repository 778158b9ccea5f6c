#include <cctype>
#include <gtest/gtest.h>

#include <rondo/error.hpp>
#include <rondo/optimizers.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

TEST(Optimizers, HaveKerasDefaults) {
  EXPECT_EQ(Optimizer("sgd").learning_rate(), 0.01);
  EXPECT_EQ(Optimizer("rmsprop").learning_rate(), 0.001);
  EXPECT_EQ(Optimizer("adam").learning_rate(), 0.001);
  EXPECT_EQ(Optimizer("Adam").class_name(), "Adam");
  EXPECT_EQ(Optimizer("RMSprop").class_name(), "RMSprop");
  EXPECT_EQ(SGD().class_name(), "SGD");
}

TEST(Optimizers, TakeTheOldNameOfTheRate) {
  EXPECT_EQ(SGD({.lr = 0.25}).learning_rate(), 0.25);
  EXPECT_EQ(RMSprop({.lr = 0.25}).learning_rate(), 0.25);
  EXPECT_EQ(Adam({.lr = 0.25}).learning_rate(), 0.25);
}

TEST(Optimizers, ScaleNoLosses) {
  for (const char* name : {"LossScaleOptimizer", "lossscaleoptimizer"}) {
    try {
      (void)Optimizer(name);
      FAIL() << "nothing was thrown";
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find("float16"), std::string::npos) << error.what();
    }
  }
}

TEST(Optimizers, GoByTheirNamesInSmallLetters) {
  EXPECT_EQ(Optimizer("schedulefreeadamw").learning_rate(), 0.0025);
  for (const char* name : {"Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion",
                           "Muon", "Nadam", "RMSprop", "SGD"}) {
    std::string small = name;
    for (char& c : small) c = static_cast<char>(std::tolower(c));
    EXPECT_EQ(Optimizer(small).class_name(), name);
    EXPECT_EQ(Optimizer(name).learning_rate(), small == "sgd" ? 0.01 : 0.001);
  }
}

TEST(Optimizers, RefuseSharedOptionsThatCannotWork) {
  using test::expect_error;
  expect_error<ConfigError>([] { (void)Nadam({.weight_decay = -1}); }, {"Nadam: weight_decay is -1", "0 or more"});
  expect_error<ConfigError>([] { (void)AdamW({.weight_decay = {}}); }, {"AdamW: weight_decay must be a number"});
  expect_error<ConfigError>([] { (void)Lion({.use_ema = true, .ema_momentum = 1.5}); },
                            {"Lion: ema_momentum is 1.5; it must be a number between 0 and 1"});
  expect_error<ConfigError>([] { (void)Lion({.use_ema = true, .ema_overwrite_frequency = -1}); },
                            {"Lion: ema_overwrite_frequency is -1; it must be 1 or more, or left out"});
  expect_error<ConfigError>([] { (void)Adam({.gradient_accumulation_steps = 1}); },
                            {"Adam: gradient_accumulation_steps is 1; it must be 2 or more, or left out"});
  expect_error<ConfigError>([] { (void)Adam({.loss_scale_factor = 0}); }, {"Adam: loss_scale_factor is 0", "above 0"});
  expect_error<ConfigError>([] { (void)Adam({.clipnorm = 1.0, .clipvalue = 1.0}); }, {"Adam: only one of"});
  expect_error<ConfigError>(
      [] {
        (void)Adam({.exclude_from_weight_decay = {"a", "(b"}});
      },
      {"Adam: exclude_from_weight_decay: the pattern '(b' is no POSIX extended regular expression"});
  (void)Adam({.ema_momentum = 7, .ema_overwrite_frequency = 0, .gradient_accumulation_steps = 0});
}

}  // namespace
}  // namespace rondo
