// What the workspaces of a model's plans are made of: memory that goes from one plan to the next, so that batches of
// two hundred lengths take no more than the longest needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/aligned.hpp"
#include "core/sizes.hpp"
#include "engine/parameter.hpp"
#include "engine/run.hpp"

namespace rondo::engine {

class Plan;

// Memory for plans of one dtype and use over the same layers. Thread-safe.
class Memory {
 public:
  // A caller's memory at work. What belongs to weights stands in `gradients`, for each shard of a batch, and in
  // `bound`, at the same place for all plans; what belongs to a batch in `arena`, where each plan has a layout of its
  // own.
  struct State {
    AlignedBytes gradients, bound, arena;
    Index shards = 1;
    std::ptrdiff_t gradient_bytes = 0;    // of a shard
    std::vector<std::uint64_t> versions;  // of their blocks, when the copies in `bound` were derived; 0: never
    std::uint64_t plan = 0;               // whose layout the arena has, by its number
    Failure failure;

    Run run(Index rows) {
      return {.arena = arena.data(),
              .bound = bound.data(),
              .gradients = gradients.data(),
              .rows = rows,
              .outer_arena = arena.data(),
              .failure = &failure,
              .shards = shards,
              .gradient_bytes = gradient_bytes};
    }
  };

  // Where something that belongs to a block stands, in gradients or in bound memory, and its number: the same for all
  // who ask with the same block, kind and size. Kinds are kGradient and, from 0, copies that a layer derives.
  static constexpr Index kGradient = -1;
  struct Bound {
    std::ptrdiff_t offset = -1;
    std::size_t number = 0;
  };
  // MemoryError for more than can be addressed; `what` says what the memory is for.
  Bound bound(const std::shared_ptr<ParameterBlock>& block, Index kind, Size bytes, const std::string& what);
  // So far, of a shard's gradients and of bound memory.
  struct Sizes {
    std::size_t gradient_bytes = 0, bound_bytes = 0, entries = 0;
  };
  Sizes sizes() const;

  // A state nobody else uses, with room for the plan: the one that it had last if that is there, else another that was
  // given back, enlarged if need be, else a new one. MemoryError where there is not enough.
  std::unique_ptr<State> take(const Plan& plan);
  // Never fails.
  void give_back(std::unique_ptr<State> state);

 private:
  struct Entry {
    std::shared_ptr<ParameterBlock> block;  // kept, so that no other one can have its address
    Index kind;
    std::size_t bytes;
    Bound at;
  };
  std::unique_ptr<State> idle_for(const Plan& plan);
  // Room and zeros where the plan needs them.
  void prepare(State& state, const Plan& plan) const;

  // Protected by a ForkSafeLock of the object.
  std::vector<Entry> entries_;
  Sizes sizes_;
  std::vector<std::unique_ptr<State>> idle_;
  std::size_t states_ = 0;  // that were ever made
};

}  // namespace rondo::engine
