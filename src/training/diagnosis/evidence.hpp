// What a fit leaves behind, so that its History can tell what was wrong.
//
// A steady step knows nothing of it. Weights are remembered before the first epoch, a few samples are copied after the
// last one; a prediction of them is made when somebody asks, by the model as long as it lives and is as it was.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <rondo/history.hpp>

#include "training/data.hpp"
#include "training/diagnosis/weights.hpp"
#include "training/session.hpp"

namespace rondo::training {

struct Evidence {
  double learning_rate = 0;
  bool stopped = false;      // before the last epoch
  bool is_weighted = false;  // by sample or class weights
  Findings fault;            // that ended the fit
  Findings not_moved;

  // So many samples spread over all, those of each X, then of each y; none where they are few, too large or not at
  // hand.
  Index samples = 0;
  std::vector<double> numbers;
  std::vector<Shape> shapes;  // of a sample of each
  // And the model, as it was.
  std::weak_ptr<const graph::LayerNode> model;
  std::uint64_t weights_version = 0, structure = 0, compilations = 0;
};

// Collects the evidence of a fit. Of a short one there is none.
class Observer {
 public:
  Observer(Index steps_in_epoch, Index epochs) : steps_in_epoch_(steps_in_epoch), epochs_(epochs) {}

  // Before each epoch.
  void begin_epoch(const TrainingSession& session);
  void set_fault(Findings fault) { fault_ = std::move(fault); }
  // After so many. `data` may be null. Null without evidence.
  std::shared_ptr<const Evidence> conclude(const std::shared_ptr<graph::LayerNode>& model, const Compiled& compiled,
                                           const TrainingSession& session, const Data* data, Index epochs) const;

 private:
  // Fewer steps say nothing, and are not slowed down.
  static constexpr Index kFewestSteps = 32;

  Index steps_in_epoch_, epochs_;
  WeightWatch weights_;
  Findings fault_;
};

// `evidence` may be null.
Diagnosis diagnose(const History& history, const Evidence* evidence);

}  // namespace rondo::training
