#include "support/optimizer_check.hpp"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include <rondo/rondo.hpp>

#include "kernels/table.hpp"
#include "training/optimizers/rule.hpp"

namespace rondo::test {

namespace {

constexpr double kLast = 0x1p126;  // a quarter of the largest float

template <std::size_t kSize>
training::Slots<float> slots_in(std::array<float, kSize>& memory, Index count, Index elements) {
  training::Slots<float> slots{};
  for (Index i = 0; i < count; ++i) slots[static_cast<std::size_t>(i)] = memory.data() + i * elements;
  return slots;
}

void step(detail::OptimizerImpl& rule, std::span<float> w, std::span<const float> g,
          const training::Slots<float>& slots) {
  rule.begin_step();
  rule.update(kernels::chosen().f32, w.data(), g.data(), slots, static_cast<Index>(w.size()));
  rule.end_step();
}

void check_bounds(const Optimizer& optimizer) {
  constexpr Index kElements = 97;
  constexpr int kForetold = 300;
  const double limit = 0x1p32;
  const RandomStream random(7, Purpose::user);
  std::uint64_t drawn = 0;
  // Every size from the denormal numbers to the bound, most of them near to it, of both signs.
  const auto draw = [&](double bound) {
    const double sign = random.uniform(drawn++) < 0.5 ? -1 : 1;
    return static_cast<float>(sign * bound * std::pow(random.uniform(drawn++), 40));
  };
  const auto rule = optimizer.impl().clone();
  const training::Sizes start{0x1p100, 0x1p64}, end = rule->after_steps(kForetold, start, limit);
  ASSERT_TRUE(end.weights <= kLast && end.slots <= kLast) << optimizer.class_name();
  std::array<float, kElements> w, g;
  std::array<float, 3 * kElements> memory;
  for (float& v : w) v = draw(start.weights);
  for (float& v : memory) v = std::abs(draw(start.slots));
  const auto slots = slots_in(memory, rule->slots(), kElements);
  for (int i = 0; i < kForetold; ++i) {
    for (float& v : g) v = draw(limit);
    g[0] = static_cast<float>(limit);
    step(*rule, w, g, slots);
    for (const float v : w) ASSERT_LE(std::abs(v), 1.0001 * end.weights) << optimizer.class_name() << ' ' << i;
    for (Index k = 0; k < rule->slots() * kElements; ++k) {
      ASSERT_LE(std::abs(memory[static_cast<std::size_t>(k)]), 1.0001 * end.slots)
          << optimizer.class_name() << ' ' << i;
    }
  }
}

}  // namespace

// Of fitting w to 0 from 1, where the loss is w^2 and so the gradient 2 w.
void expect_steps(const Optimizer& optimizer, const std::function<void(double& w, double g, int t)>& update) {
  const Sequential model{
      Dense(1, {.use_bias = false, .kernel_initializer = "ones", .dtype = DType::float64, .input_shape = {1}})};
  model.compile({.optimizer = optimizer, .loss = "mse"});
  double w = 1;
  for (int t = 1; t <= 6; ++t) {
    model.fit(Tensor{{1.0}}, Tensor{{0.0}}, {.verbose = 0});
    update(w, 2 * w, t);
    EXPECT_NEAR(model.get_weights()[0](0, 0), w, 1e-14) << "step " << t;
  }
}

// Of 7 elements the first three have no gradient.
void check_rest(const Optimizer& optimizer) {
  const auto rule = optimizer.impl().clone();
  const std::array<float, 7> start{-0.0F, 0.0F, 0.5F, 1, 2, 3, 4}, gradient{0, 0, 0, 1, -1, 0.5F, -2};
  std::array<float, 7> w = start;
  std::array<float, 21> memory{};
  const auto slots = slots_in(memory, rule->slots(), 7);
  for (int i = 0; i < 9; ++i) step(*rule, w, gradient, slots);
  const bool rested = std::memcmp(w.data(), start.data(), 3 * sizeof(float)) == 0;
  EXPECT_EQ(rested, rule->rests_without_gradient()) << optimizer.class_name();
}

void check_rule(const Optimizer& optimizer) {
  check_rest(optimizer);
  check_bounds(optimizer);
}

bool foretells_bounds(const Optimizer& optimizer) {
  return optimizer.impl().after_steps(1, {1, 1}, 1).weights <= kLast;
}

}  // namespace rondo::test
