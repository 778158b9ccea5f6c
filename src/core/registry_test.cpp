#include "core/registry.hpp"

#include <gtest/gtest.h>

#include "core/names.hpp"
#include "support/expect_error.hpp"

namespace rondo {
namespace {

const core::Registry<NameKind::loss, int> kLosses{{{"mean_squared_error", "mse"}, 2}, {{"mean_absolute_error"}, 1}};

TEST(Registry, KnowsAThingByEachOfItsNames) {
  EXPECT_EQ(kLosses.at("mse"), 2);
  EXPECT_EQ(kLosses.at("mean_squared_error"), 2);
  EXPECT_EQ(kLosses.at("mean_absolute_error"), 1);
}

TEST(Registry, TriesTheOtherSpellingWhereThereIsOne) {
  EXPECT_EQ(kLosses.at("MeanAbsoluteError", snake_case("MeanAbsoluteError")), 1);
  test::expect_error<ConfigError>([] { (void)kLosses.at("MeanAbsoluteError"); }, {"loss 'MeanAbsoluteError'"});
}

TEST(Registry, SaysWhatWasGivenAndAllThatItKnows) {
  test::expect_error<ConfigError>(
      [] { (void)kLosses.at("Msee", "msee"); },
      {"loss 'Msee' is not known. Did you mean 'mse'?", "Known: 'mean_absolute_error', 'mean_squared_error', 'mse'"});
}

}  // namespace
}  // namespace rondo
