#include "engine/packed_map.hpp"

#include <gtest/gtest.h>
#include <numeric>
#include <stdexcept>

#include "kernels/layout.hpp"

namespace rondo::engine {
namespace {

struct Copied {
  Index element, place, count;
  bool operator==(const Copied&) const = default;
};
std::vector<Copied> runs_of(const PackedMap& map) {
  std::vector<Copied> runs;
  map.for_runs([&](Index element, Index place, Index count) { runs.push_back({element, place, count}); });
  return runs;
}

TEST(PackedMap, IsOneRunARowWhereElementsFollowEachOther) {
  const PackedMap map = PackedMap::contiguous({2, 3}, 5);
  EXPECT_EQ(runs_of(map), (std::vector<Copied>{{0, 5, 3}, {3, 8, 3}}));
  EXPECT_EQ(map(4), 9);
}

TEST(PackedMap, OfAScalarAndOfAVector) {
  EXPECT_EQ(runs_of(PackedMap::contiguous(Shape{}, 7)), (std::vector<Copied>{{0, 7, 1}}));
  EXPECT_EQ(runs_of(PackedMap::contiguous({4})), (std::vector<Copied>{{0, 0, 4}}));
}

TEST(PackedMap, MergesAllAxesButTheLastIntoRows) {
  const PackedMap map = PackedMap::contiguous({2, 3, 4});
  EXPECT_EQ(map.rows(), 6);
  EXPECT_EQ(map.columns(), 4);
  EXPECT_EQ(map(23), 23);
}

TEST(PackedMap, CutsRowsIntoRuns) {  // two panels of two columns, one after the other
  const PackedMap map({3, 4}, [](Index row, Index column) { return column / 2 * 6 + row * 2 + column % 2; });
  EXPECT_EQ(runs_of(map), (std::vector<Copied>{{0, 0, 2}, {2, 6, 2}, {4, 2, 2}, {6, 8, 2}, {8, 4, 2}, {10, 10, 2}}));
}

TEST(PackedMap, RefusesRowsThatAreNotEquallyFarApart) {
  EXPECT_THROW(PackedMap({3, 2}, [](Index row, Index column) { return row * row * 2 + column; }), std::logic_error);
}

// Every weight of recurrent layers, around the borders of their panels.
TEST(PackedMap, AgreesWithTheLayoutsOfRecurrentLayers) {
  using kernels::RecurrentCell;
  for (const RecurrentCell cell : {RecurrentCell::lstm, RecurrentCell::gru, RecurrentCell::gru_reset_before}) {
    for (const Index units : {1, 4, 5, 13, 16, 26, 50}) {
      const kernels::RecurrentLayout layout(cell, 3, units, true, 16);
      const Index columns = layout.gates() * units;
      const auto place = [&](Index first, Index row, Index column) {
        return layout.index(first + row, column / units, column % units);
      };
      for (const auto& [first, rows] : {std::pair{layout.first_input(), Index{3}}, {layout.first_recurrent(), units}}) {
        const PackedMap map({rows, columns},
                            [&, at = first](Index row, Index column) { return place(at, row, column); });
        for (Index i = 0; i < rows * columns; ++i) ASSERT_EQ(map(i), place(first, i / columns, i % columns)) << units;
      }
    }
  }
}

}  // namespace
}  // namespace rondo::engine
