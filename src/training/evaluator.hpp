// Walks data through an evaluation program: for evaluate, and for the validation inside fit.
#pragma once

#include <memory>
#include <string>

#include <rondo/callbacks.hpp>

#include "training/data.hpp"
#include "training/epoch_means.hpp"
#include "training/progress_bar.hpp"

namespace rondo::training {

class Evaluator {
 public:
  // The data's tensors are the caller's. `what` names them in messages, as for check_data. ShapeError where the labels
  // are none that a loss takes.
  Evaluator(const ModelNode& node, const Compiled& compiled, const Data& data, Index batch_size,
            const std::string& what = "");

  Index batches() const;
  const EpochMeans& means() const { return means_; }

  // All batches; `bar` may be null. Callbacks get their on_test_ calls.
  void run(const Callbacks& callbacks, ProgressBar* bar);

 private:
  void run_batch(Index batch);

  Data data_;
  Index batch_size_;
  std::shared_ptr<const Program> program_;
  engine::Workspace workspace_;
  EpochMeans means_;
};

}  // namespace rondo::training
