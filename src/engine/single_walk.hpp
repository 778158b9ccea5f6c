// A plan that is walked forward once, by the caller's thread.
#pragma once

#include <memory>
#include <span>

#include <rondo/tensor.hpp>

#include "engine/plan.hpp"

namespace rondo::engine {

class SingleWalk {
 public:
  // The plan has room for the rows: samples first, first + 1, ... of each input, or those of an order. What a user's
  // code throws comes out.
  SingleWalk(std::unique_ptr<const Plan> plan, std::span<const Tensor* const> inputs, Index rows,
             std::span<const Index> order = {}, Index first = 0);

  const Plan& plan() const { return *plan_; }
  // What stands in a value that has not been overwritten since.
  Tensor read(Value v) const;

 private:
  std::unique_ptr<const Plan> plan_;
  Workspace workspace_;
  Index rows_;
};

}  // namespace rondo::engine
