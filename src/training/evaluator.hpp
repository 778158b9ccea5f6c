// Walks data through an evaluation program: for evaluate, and for the validation inside fit.
#pragma once

#include <optional>

#include <rondo/callbacks.hpp>

#include "training/batches.hpp"
#include "training/epoch_means.hpp"
#include "training/progress_bar.hpp"
#include "training/session.hpp"

namespace rondo::training {

class Evaluator {
 public:
  // The batches are the caller's. `steps`: how many of them a run takes, where not all. Errors as Batches::begin.
  Evaluator(ModelNode& node, const Compiled& compiled, Batches& batches, const std::optional<Dim>& steps = {});

  EpochMeans& means() { return means_; }
  Index steps() const { return steps_.count(); }

  // A run; `bar` may be null. Callbacks get their on_test_ calls.
  void run(const Callbacks& callbacks, ProgressBar* bar);

 private:
  void run_batch(Index number);

  Batches& batches_;
  EpochSteps steps_;
  EvaluationSession session_;
  EpochMeans means_;
};

}  // namespace rondo::training
