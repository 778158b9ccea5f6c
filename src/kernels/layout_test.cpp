#include "kernels/layout.hpp"

#include <gtest/gtest.h>

namespace rondo::kernels {
namespace {

TEST(ColumnGroups, HoldEachVectorOnce) {
  for (const Index lanes : {1, 4, 16}) {
    for (Index columns = 1; columns <= 40 * lanes; ++columns) {
      const ColumnGroups groups(columns, lanes);
      ASSERT_EQ(groups.vectors, (columns + lanes - 1) / lanes);
      ASSERT_EQ(groups.first(0), 0);
      ASSERT_EQ(groups.first(groups.count()), groups.vectors);
      for (Index g = 0; g < groups.count(); ++g) {
        ASSERT_GE(groups.width(g), 1);
        ASSERT_LE(groups.width(g), ColumnGroups::kWidest);
        for (Index v = groups.first(g); v < groups.first(g + 1); ++v) ASSERT_EQ(groups.group_of(v), g) << columns;
      }
    }
  }
}

}  // namespace
}  // namespace rondo::kernels
