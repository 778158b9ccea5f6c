#include "engine/plan.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "engine/builder.hpp"

namespace rondo::engine {
namespace {

using Log = std::vector<std::string>;

const Member kAlone(0, 1);

// Writes down when it is called: "name stage".
class Recorder : public Executor {
 public:
  Recorder(std::string name, Log& log, Index forward_stages = 1, Index backward_stages = 1)
      : name_(std::move(name)), log_(&log), forward_stages_(forward_stages), backward_stages_(backward_stages) {}

  Index forward_stages() const override { return forward_stages_; }
  Index backward_stages() const override { return backward_stages_; }
  void forward(const Run&, const Member&, Index stage) const noexcept override { write(stage); }
  void backward(const Run&, const Member&, Index stage) const noexcept override { write(stage); }
  void add_gradients() override { log_->push_back(name_ + " adds"); }
  double flops_per_row() const override { return 1; }

 private:
  void write(Index stage) const { log_->push_back(name_ + " " + std::to_string(stage)); }

  std::string name_;
  Log* log_;
  Index forward_stages_, backward_stages_;
};

std::shared_ptr<ParameterBlock> block_of(Index size, Role role = Role::learned) {
  return std::make_shared<ParameterBlock>(DType::float32, size, kernels::chosen(), "weights", role);
}

// Has copies derived from a block.
class Deriver final : public Recorder {
 public:
  Deriver(std::shared_ptr<ParameterBlock> block, Log& log)
      : Recorder("derived", log), block_(std::move(block)), log_(&log) {}
  Index derived_tiles() const override { return 2; }
  void derive(const Run&, Range tiles) const noexcept override {
    log_->push_back("derive " + std::to_string(tiles.begin) + " to " + std::to_string(tiles.end));
  }
  const ParameterBlock* derived_from() const override { return block_.get(); }

 private:
  std::shared_ptr<ParameterBlock> block_;
  Log* log_;
};

// ---- stages --------------------------------------------------------------------------------------------------------

TEST(Plan, WalksAChainWithoutWaiting) {
  Log log;
  PlanBuilder builder(DType::float32, 4, Use::training);
  for (const char* name : {"a", "b", "c"}) builder.add(Recorder(name, log));
  const auto plan = builder.finish();
  EXPECT_EQ(plan->forward_stages(), 1);
  EXPECT_EQ(plan->backward_stages(), 1);
  const Workspace workspace = plan->lease();
  plan->forward(workspace.run(4), kAlone, 0);
  plan->backward(workspace.run(4), kAlone, 0);
  EXPECT_EQ(log, (Log{"a 0", "b 0", "c 0", "c 0", "b 0", "a 0"}));
}

TEST(Plan, JoinsTheFirstStageOfALayerToTheLastOfItsNeighbour) {
  Log log;
  PlanBuilder builder(DType::float32, 4, Use::training);
  builder.add(Recorder("a", log));
  builder.add(Recorder("b", log, /*forward_stages=*/3, /*backward_stages=*/2));
  builder.add(Recorder("c", log, /*forward_stages=*/2));
  const auto plan = builder.finish();
  const Workspace workspace = plan->lease();
  const auto stage = [&](auto walk, Index number) {
    log.clear();
    (*plan.*walk)(workspace.run(4), kAlone, number);
    return log;
  };
  ASSERT_EQ(plan->forward_stages(), 4);
  EXPECT_EQ(stage(&Plan::forward, 0), (Log{"a 0", "b 0"}));
  EXPECT_EQ(stage(&Plan::forward, 1), (Log{"b 1"}));
  EXPECT_EQ(stage(&Plan::forward, 2), (Log{"b 2", "c 0"}));
  EXPECT_EQ(stage(&Plan::forward, 3), (Log{"c 1"}));
  ASSERT_EQ(plan->backward_stages(), 2);
  EXPECT_EQ(stage(&Plan::backward, 0), (Log{"c 0", "b 0"}));
  EXPECT_EQ(stage(&Plan::backward, 1), (Log{"b 1", "a 0"}));
}

// ---- workspaces ----------------------------------------------------------------------------------------------------

TEST(Plan, GivesEachCallerAWorkspaceAndTakesItBack) {
  PlanBuilder builder(DType::float32, 4, Use::inference);
  builder.input({3});
  const auto plan = builder.finish();
  std::byte* first = nullptr;
  {
    const Workspace one = plan->lease(), other = plan->lease();
    first = one.arena();
    EXPECT_GE(std::abs(one.arena() - other.arena()), static_cast<std::ptrdiff_t>(plan->arena_bytes()));
  }
  const Workspace one = plan->lease(), other = plan->lease();
  EXPECT_TRUE(one.arena() == first || other.arena() == first);
}

TEST(Plan, RefreshesDerivedCopiesOfAWorkspaceWhereWeightsHaveChanged) {
  Log log;
  const auto block = block_of(8);
  PlanBuilder builder(DType::float32, 4, Use::training);
  (void)builder.derived(block, 0, 8);
  builder.add(Deriver(block, log));
  const auto plan = builder.finish();
  Workspace one = plan->lease(), other = plan->lease();
  const auto refresh = [&](Workspace& workspace) {
    log.clear();
    plan->derive_if_stale(workspace);
    return log;
  };
  const Log all{"derive 0 to 2"}, nothing;
  EXPECT_EQ(refresh(one), all);
  EXPECT_EQ(refresh(one), nothing);
  EXPECT_EQ(refresh(other), all) << "it has copies of its own";
  block->touch();
  EXPECT_EQ(refresh(one), all);
  block->touch();
  plan->derived(one);
  EXPECT_EQ(refresh(one), nothing);
}

// ---- gradients -----------------------------------------------------------------------------------------------------

TEST(Plan, HasAGradientForBlocksThatLearn) {
  Log log;
  const auto learned = block_of(8), frozen = block_of(8), statistics = block_of(8, Role::statistics);
  frozen->set_trainable(false);
  PlanBuilder training(DType::float32, 4, Use::training), inference(DType::float32, 4, Use::inference);
  EXPECT_TRUE(training.gradient(learned));
  EXPECT_FALSE(training.gradient(frozen));
  EXPECT_FALSE(training.gradient(statistics));
  EXPECT_FALSE(inference.gradient(learned));
}

// Writes a number for each shard, whose sum depends on the order.
class ShardNumber final : public Recorder {
 public:
  ShardNumber(GradientPlace gradient, Log& log) : Recorder("", log), gradient_(gradient) {}
  Index gradient_tiles() const override { return 1; }
  void gradients(const Run& run, Range rows, Range tiles) const noexcept override {
    if (tiles.empty()) return;
    constexpr std::array<float, 6> kNumbers{1e8F, 1, -1e8F, 3, 5e7F, 7};
    const float number = kNumbers[static_cast<std::size_t>(rows.begin / 2)];
    std::fill_n(gradient_.pointer<float>(run), 5, number * static_cast<float>(rows.size()));
  }

 private:
  GradientPlace gradient_;
};

TEST(Plan, AddsShardsAsATree) {
  Log log;
  const auto block = block_of(5);
  PlanBuilder builder(DType::float32, 12, Use::training);
  builder.set_shards(6);
  builder.add(ShardNumber(builder.gradient(block), log));
  const auto plan = builder.finish();
  const Workspace workspace = plan->lease();
  const auto sum = [&](Index rows) {
    const auto run = workspace.run(rows);
    for (Index m = 0; m < 2; ++m) plan->gradients(run, Member(m, 2));
    for (Index m = 0; m < 2; ++m) plan->reduce(run, Member(m, 2));
    const float* gradient = plan->gradient_slots()[0].gradient.pointer<float>(run);
    EXPECT_EQ(gradient[0], gradient[4]) << "the shares of both members";
    return gradient[0];
  };
  EXPECT_EQ(sum(12), ((2e8F + 2) + (-2e8F + 6)) + (1e8F + 14)) << "0 + 1, 2 + 3, 4 + 5; then 0 + 2; then 0 + 4";
  EXPECT_EQ(sum(4), (1e8F + 1e8F) + (1 + 1)) << "a small batch: a row each";
}

TEST(Plan, ClearsWhatSeveralLayersAddTo) {
  Log log;
  const auto shared = block_of(5), own = block_of(5);
  PlanBuilder builder(DType::float32, 4, Use::training);
  EXPECT_TRUE(builder.gradient(shared, {{0, 2}}));
  builder.add(Recorder("first", log));
  EXPECT_TRUE(builder.gradient(own, {{0, 2}}));
  builder.add(Recorder("alone", log));
  EXPECT_TRUE(builder.gradient(shared, {{0, 2}}));
  builder.add(Recorder("second", log));
  const auto plan = builder.finish();
  EXPECT_EQ(log, (Log{"first adds", "second adds"}));

  ASSERT_EQ(plan->gradient_slots().size(), 2U);
  const GradientSlot &added = plan->gradient_slots()[0], &written = plan->gradient_slots()[1];
  EXPECT_EQ(added.ranges, (std::vector<Range>{{0, 5}})) << "the layers may write different parts";
  EXPECT_EQ(written.ranges, (std::vector<Range>{{0, 2}}));
  const Workspace workspace = plan->lease();
  const auto run = workspace.run(4);
  for (const GradientSlot& slot : plan->gradient_slots()) std::fill_n(slot.gradient.pointer<float>(run), 5, 7.0F);
  for (Index member = 0; member < 2; ++member) plan->clear_gradients(run, Member(member, 2));
  for (Index i = 0; i < 5; ++i) {
    EXPECT_EQ(added.gradient.pointer<float>(run)[i], 0);
    EXPECT_EQ(written.gradient.pointer<float>(run)[i], 7);
  }
}

}  // namespace
}  // namespace rondo::engine
