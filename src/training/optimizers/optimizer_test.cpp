#include <gtest/gtest.h>

#include <rondo/optimizers.hpp>

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

}  // namespace
}  // namespace rondo
