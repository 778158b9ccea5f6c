#include "engine/memory.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "engine/builder.hpp"
#include "graph/layer_node.hpp"
#include "support/ramp.hpp"

namespace rondo::engine {
namespace {

using test::ramp;

// A plan with one buffer of so many rows, and padding behind their features.
std::unique_ptr<const Plan> plan_of_rows(const std::shared_ptr<Memory>& memory, Index rows, Index features = 3) {
  PlanBuilder builder(DType::float32, 1, Use::training, memory);
  (void)builder.rows(rows, features);
  return builder.finish();
}

bool is_zero(const std::byte* begin, std::size_t count) {
  return std::all_of(begin, begin + count, [](std::byte b) { return b == std::byte{0}; });
}

TEST(Memory, GoesFromPlanToPlan) {
  const auto memory = std::make_shared<Memory>();
  const auto longer = plan_of_rows(memory, 200), shorter = plan_of_rows(memory, 20);
  const std::byte* arena = longer->lease().arena();
  EXPECT_EQ(shorter->lease().arena(), arena);
  EXPECT_EQ(longer->lease().arena(), arena);
}

TEST(Memory, IsNotSharedByTwoAtWork) {
  const auto plan = plan_of_rows(std::make_shared<Memory>(), 20);
  const Workspace one = plan->lease(), two = plan->lease();
  EXPECT_NE(one.arena(), two.arena());
}

TEST(Memory, APlanGetsTheOneItHadBefore) {
  const auto memory = std::make_shared<Memory>();
  const auto a = plan_of_rows(memory, 20), b = plan_of_rows(memory, 20);
  const std::byte *of_a = nullptr, *of_b = nullptr;
  {
    const Workspace first = a->lease(), second = b->lease();
    of_a = first.arena(), of_b = second.arena();
  }
  EXPECT_EQ(b->lease().arena(), of_b);
  EXPECT_EQ(a->lease().arena(), of_a);
}

TEST(Memory, PaddingIsZeroWhateverAnotherPlanLeft) {
  const auto memory = std::make_shared<Memory>();
  const auto dirty = plan_of_rows(memory, 100), plan = plan_of_rows(memory, 10);
  {
    const Workspace workspace = dirty->lease();
    std::fill_n(workspace.arena(), dirty->arena_bytes(), std::byte{0xFF});
  }
  const Workspace workspace = plan->lease();
  for (Index row = 0; row < 10; ++row) EXPECT_TRUE(is_zero(workspace.arena() + (row * 16 + 3) * 4, 13 * 4)) << row;
}

TEST(Memory, WhatBelongsToAWeightStandsAtOnePlaceForAllPlans) {
  const auto memory = std::make_shared<Memory>();
  const auto place_in_plan = [&](Index steps) {
    PlanBuilder builder(DType::float32, 2, Use::training, memory);
    static const LSTM layer = [] {
      LSTM made(5);
      made.node()->build({Shape{3, 2}});
      return made;
    }();
    (void)layer.node()->plan(builder, {builder.input({steps, 2}, /*gradient=*/true)});
    return builder.finish()->gradient_slots().front().gradient.offset;
  };
  const std::ptrdiff_t place = place_in_plan(7);
  const std::size_t bytes = memory->sizes().gradient_bytes;
  EXPECT_EQ(place_in_plan(9), place);
  EXPECT_EQ(memory->sizes().gradient_bytes, bytes);
}

// ---- inference: buffers that calls use one after the other
// -----------------------------------------------------------

std::size_t bytes_to_predict(Index layers, Index batch) {
  Sequential model;
  model.add(Input({20, 32}));
  for (Index i = 0; i < layers; ++i) model.add(LSTM(32, {.return_sequences = true}));
  return model.memory_required({batch, 20, 32}, {.batch_size = batch}).workspace;
}

TEST(Memory, InferenceOfTenLayersTakesTheRoomOfTwo) {
  const std::size_t two = bytes_to_predict(2, 64), ten = bytes_to_predict(10, 64);
  EXPECT_LE(ten, two + two / 20);
}

TEST(Memory, WhatIsReadLaterKeepsItsRoom) {
  const Input in({6, 4});
  const auto first = LSTM(8, {.return_sequences = true})(in);
  Symbol last = first;
  for (int i = 0; i < 3; ++i) last = LSTM(8, {.return_sequences = true})(last);
  const Model model({in}, {Add()({first, last})});
  const Model begin({in}, {first}), end({in}, {last});
  const Tensor X = ramp({5, 6, 4});
  const auto a = begin.predict(X, {.verbose = 0}).to_vector(), b = end.predict(X, {.verbose = 0}).to_vector();
  const auto sum = model.predict(X, {.verbose = 0}).to_vector();
  for (std::size_t i = 0; i < sum.size(); ++i) {
    EXPECT_EQ(sum[i], static_cast<float>(a[i]) + static_cast<float>(b[i])) << i;
  }
}

}  // namespace
}  // namespace rondo::engine
