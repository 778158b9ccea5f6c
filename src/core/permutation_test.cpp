#include "core/permutation.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

namespace rondo {
namespace {

std::vector<Index> order_of(Index count, std::uint32_t pass) {
  const Permutation permutation(count, RandomStream(7, Purpose::rows, pass));
  std::vector<Index> order;
  for (Index i = 0; i < count; ++i) order.push_back(permutation(i));
  return order;
}

TEST(Permutation, HasEachNumberOnce) {
  for (const Index count : {1, 2, 3, 4, 5, 15, 16, 17, 63, 64, 65, 255, 256, 257, 1000}) {
    std::vector<Index> order = order_of(count, 0), sorted(order.size());
    std::iota(sorted.begin(), sorted.end(), Index{0});
    std::sort(order.begin(), order.end());
    EXPECT_EQ(order, sorted) << count;
  }
}

TEST(Permutation, IsAnotherForEachStreamAndTheSameForOne) {
  EXPECT_EQ(order_of(100, 3), order_of(100, 3));
  EXPECT_NE(order_of(100, 3), order_of(100, 4));
}

// Each number comes to each place about equally often: 20,000 orders of 6, 3,333 times expected, deviation 53.
TEST(Permutation, BringsEachNumberToEachPlace) {
  std::vector<std::vector<int>> seen(6, std::vector<int>(6, 0));
  for (std::uint32_t pass = 0; pass < 20000; ++pass) {
    const std::vector<Index> order = order_of(6, pass);
    for (std::size_t i = 0; i < 6; ++i) ++seen[i][static_cast<std::size_t>(order[i])];
  }
  for (const auto& place : seen) {
    for (const int times : place) EXPECT_NEAR(times, 20000 / 6.0, 300);
  }
}

TEST(Permutation, OfManyThingsTakesNoTime) {
  const Permutation permutation(Index{1} << 40, RandomStream(7, Purpose::rows));
  EXPECT_NE(permutation(0), permutation(1));
  EXPECT_LT(permutation((Index{1} << 40) - 1), Index{1} << 40);
}

}  // namespace
}  // namespace rondo
