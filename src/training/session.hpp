// A compiled model at work on batches: fit, and evaluation inside and outside of it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "training/data.hpp"
#include "training/epoch_means.hpp"
#include "training/model_node.hpp"
#include "training/not_finite.hpp"
#include "training/program.hpp"
#include "training/training_step.hpp"

namespace rondo::training {

// Keeps a program and a workspace for batches of one shape, and takes others where another shape comes. The node must
// outlive it.
class Session {
 public:
  Session(ModelNode& node, Mode mode, Index shards = 1)
      : node_(node), compilations_(node.compilations()), mode_(mode), shards_(shards) {}
  virtual ~Session() = default;

  ModelNode& node() const { return node_; }
  // That of the data prepared last.
  const Program& program() const { return *program_; }
  const engine::Workspace& workspace() const { return *workspace_; }
  // Whether there was any.
  bool is_prepared() const { return program_ != nullptr; }

  // For data of these shapes in batches of at most `capacity` rows. Builds the model if it is not built. ConfigError
  // and ShapeError where a loss cannot learn from such outputs, or does not take the labels; `what` names the data.
  // StateError where the model has been compiled anew since the session began.
  void prepare(const Data& data, Index capacity, const std::string& what);

 protected:
  engine::Workspace& workspace() { return *workspace_; }

 private:
  // A new program.
  virtual void changed() {}

  ModelNode& node_;
  std::uint64_t compilations_;  // of the model, when the session began
  Mode mode_;
  Index shards_;
  std::shared_ptr<const Program> program_;
  std::optional<engine::Workspace> workspace_;
};

// One that learns.
class TrainingSession final : public Session {
 public:
  TrainingSession(ModelNode& node, Compiled& compiled, Index shards)
      : Session(node, Mode::train, shards), optimizer_(compiled.optimizer) {}

  // One step, whose loss and metrics go into the means; or what went wrong, and the weights are those before.
  std::optional<Fault> step(const Samples& samples, EpochMeans& means);

 private:
  void changed() override;

  OptimizerState& optimizer_;
  std::optional<TrainingStep> step_;  // of the program
};

class EvaluationSession final : public Session {
 public:
  explicit EvaluationSession(ModelNode& node) : Session(node, Mode::evaluate) {}

  // Loss and metrics of a batch, into the means.
  void evaluate(const Samples& samples, EpochMeans& means);
};

}  // namespace rondo::training
