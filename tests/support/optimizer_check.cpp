#include "support/optimizer_check.hpp"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include <rondo/rondo.hpp>

#include "kernels/table.hpp"
#include "training/optimizers/state.hpp"

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

// The widest that gives the rule room, or none.
const training::Foresight* foresight_of(const detail::OptimizerImpl& rule) {
  for (const training::Foresight& one : training::foresights(DType::float32)) {
    const training::Sizes end =
        rule.after_steps(static_cast<double>(one.steps), rule.learning_rate, one.start, one.gradient);
    if (end.weights <= one.last && end.slots <= one.last) return &one;
  }
  return nullptr;
}

void check_bounds(const Optimizer& optimizer) {
  constexpr Index kElements = 97;
  const RandomStream random(7, Purpose::user);
  std::uint64_t drawn = 0;
  // Every size from the denormal numbers to the bound, most of them near to it, of both signs.
  const auto draw = [&](double bound) {
    const double sign = random.uniform(drawn++) < 0.5 ? -1 : 1;
    return static_cast<float>(sign * bound * std::pow(random.uniform(drawn++), 40));
  };
  const auto rule = optimizer.impl().clone();
  const training::Foresight* foresight = foresight_of(*rule);
  ASSERT_NE(foresight, nullptr) << optimizer.class_name();
  const auto steps = static_cast<int>(std::min<Index>(foresight->steps, 300));
  const training::Sizes start = foresight->start,
                        end = rule->after_steps(steps, rule->learning_rate, start, foresight->gradient);
  const double limit = foresight->gradient;
  std::array<float, kElements> w, g;
  std::array<float, 3 * kElements> memory;
  for (float& v : w) v = draw(start.weights);
  const std::vector<training::Slot> kinds = rule->slots();
  const auto count = static_cast<Index>(kinds.size());
  for (std::size_t i = 0; i < kinds.size() * kElements; ++i) {
    memory[i] = static_cast<float>(kinds[i / kElements].initial) + std::abs(draw(start.slots / 2));
  }
  const auto slots = slots_in(memory, count, kElements);
  for (int i = 0; i < steps; ++i) {
    for (float& v : g) v = draw(limit);
    g[0] = static_cast<float>(limit);
    step(*rule, w, g, slots);
    for (const float v : w) ASSERT_LE(std::abs(v), 1.0001 * end.weights) << optimizer.class_name() << ' ' << i;
    for (Index k = 0; k < count * kElements; ++k) {
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

namespace {

// A number for each element, the same every time: from -1 to 1, and every seventh 0.
Tensor numbers_of(const Shape& shape, std::uint64_t seed) {
  const RandomStream random(seed, Purpose::user);
  Tensor t = Tensor::zeros(shape, DType::float64);
  std::uint64_t i = 0;
  for (double& v : t.data<double>()) v = ++i % 7 == 0 ? 0 : 2 * random.uniform(i) - 1;
  return t;
}

}  // namespace

void expect_whole_steps(const Optimizer& optimizer, const Shape& shape, const WholeUpdate& update) {
  training::OptimizerState state(optimizer);
  const auto block = std::make_shared<engine::ParameterBlock>(DType::float64, shape.elements(), kernels::chosen());
  const engine::Parameter parameter{"dense/kernel", shape, block, engine::PackedMap::contiguous(shape)};
  parameter.set(numbers_of(shape, 1));
  const std::vector<engine::GradientSlot> gradients{{block, {0}, {{0, block->size()}}}};
  state.prepare(gradients, {parameter});
  std::vector<double> expected = parameter.get().to_vector();
  const engine::Member alone(0, 1);
  for (int t = 1; t <= 5; ++t) {
    std::vector<double> g = numbers_of(shape, 10 + static_cast<std::uint64_t>(t)).to_vector();
    engine::Run run;
    run.gradients = reinterpret_cast<std::byte*>(g.data());
    state.begin_step();
    for (Index stage = 0; stage < state.update_stages(); ++stage) state.update(gradients, run, alone, stage);
    state.end_step(/*safe=*/true);
    update(expected, g, t);
    const std::vector<double> got = parameter.get().to_vector();
    for (std::size_t i = 0; i < got.size(); ++i) {
      ASSERT_NEAR(got[i], expected[i], 1e-12) << optimizer.class_name() << ", step " << t << ", element " << i;
    }
  }
}

// Of 7 elements the first three have no gradient.
void check_rest(const Optimizer& optimizer) {
  const auto rule = optimizer.impl().clone();
  const std::array<float, 7> start{-0.0F, 0.0F, 0.5F, 1, 2, 3, 4}, gradient{0, 0, 0, 1, -1, 0.5F, -2};
  std::array<float, 7> w = start;
  std::array<float, 21> memory{};
  const std::vector<training::Slot> kinds = rule->slots();
  for (std::size_t i = 0; i < kinds.size() * 7; ++i) memory[i] = static_cast<float>(kinds[i / 7].initial);
  const auto slots = slots_in(memory, static_cast<Index>(kinds.size()), 7);
  for (int i = 0; i < 9; ++i) step(*rule, w, gradient, slots);
  const bool rested = std::memcmp(w.data(), start.data(), 3 * sizeof(float)) == 0;
  EXPECT_EQ(rested, rule->rests_without_gradient()) << optimizer.class_name();
}

void check_rule(const Optimizer& optimizer) {
  check_rest(optimizer);
  check_bounds(optimizer);
}

bool foretells_bounds(const Optimizer& optimizer) {
  const detail::OptimizerImpl& rule = optimizer.impl();
  return rule.after_steps(1, rule.learning_rate, {1, 1}, 1).weights <= kLast;
}

}  // namespace rondo::test
