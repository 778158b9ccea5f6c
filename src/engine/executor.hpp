// Executors: what the layers of a plan do in a walk, forward and backward.
//
// A walk goes through stages; each begins when all members of the team have ended the one before, and a plan has as few
// as its layers need. An executor of one stage reads and writes batch rows of its member alone, so that a chain of such
// layers is walked without waiting. One of several stages may look at all rows from its second stage on: the first is
// joined to the last of its neighbour, which has come to an end for the member's own rows only; in its last stage it
// writes its member's rows, for the next neighbour.
#pragma once

#include <cstddef>
#include <stdexcept>

#include "core/range.hpp"
#include "engine/parameter.hpp"
#include "engine/run.hpp"
#include "engine/thread_pool.hpp"
#include "engine/value.hpp"

namespace rondo::engine {

class Plan;

// One layer at work. Executors are immutable once their plan is made, and shared by all its callers; what they compute
// goes into the run's memory. None of the functions may allocate, lock or throw, except begin() and add_gradients().
class Executor {
 public:
  virtual ~Executor() = default;

  // Called by the caller's thread before a walk: checks and prepares what lives outside the plan (recurrent state).
  // May throw.
  virtual void begin(const Run&) const {}

  virtual Index forward_stages() const { return 1; }
  virtual void forward(const Run& run, const Member& member, Index stage) const noexcept = 0;
  // Gradients of the inputs from gradients of the outputs.
  virtual Index backward_stages() const { return 1; }
  virtual void backward(const Run& run, const Member& member, Index stage) const noexcept = 0;

  // Weight gradients of some batch rows, those of a shard (run.hpp), that backward has not computed already; cut into
  // tiles that threads share. The number of tiles, and that of derived ones, is the plan's.
  virtual Index gradient_tiles() const { return 0; }
  virtual void gradients(const Run&, Range /*rows*/, Range /*tiles*/) const noexcept {}
  // A member's share of so many tiles. Where several calls add to one gradient, wherever they stand, one member has a
  // tile of all of them, so that it is added to in order.
  virtual void share_gradients(const Run& run, Range rows, const Member& member, Index tiles) const noexcept {
    gradients(run, rows, member.share(tiles));
  }
  // Called while the plan is made, where other executors of it compute gradients of the same parameters: from now on
  // this one adds to what stands there, which the plan clears at the beginning of a walk.
  virtual void add_gradients() { throw std::logic_error("an executor with weights cannot add to their gradients"); }

  // Writes for good what the walk has found out beside gradients (moving statistics). Called by one member, in the
  // order of the walk, where the weights are updated: not for a step that is refused.
  virtual void commit(const Run&) const noexcept {}

  // Copies derived from the parameters that backward reads (transposed weights), cut into tiles. They are refreshed
  // after each update, or when the parameters' version moved for another reason.
  virtual Index derived_tiles() const { return 0; }
  virtual void derive(const Run&, Range /*tiles*/) const noexcept {}
  // The block that the derived copies come from; not null where there are any.
  virtual const ParameterBlock* derived_from() const { return nullptr; }

  // Called when a workspace comes to the plan, before a walk: the addresses of its memory are those of the run, and
  // stay until it goes to another plan. Here an executor may write down what follows from them, in its own arena.
  virtual void bind(const Run&) const noexcept {}

  // Whether it runs code of a user's, which may throw (Run::failure).
  virtual bool may_fail() const { return false; }

  // What it walks several times in a walk, if anything (repeat.hpp).
  virtual const Plan* body() const { return nullptr; }

  // Floating-point operations of forward per batch row, for the choice of threads.
  virtual double flops_per_row() const = 0;
};

}  // namespace rondo::engine
