// ModelNode: a layer made of layers that can be compiled, trained and asked.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rondo/model.hpp>

#include "graph/layer_node.hpp"
#include "training/optimizers.hpp"
#include "training/program.hpp"

namespace rondo::training {

struct Compiled {
  OptimizerState optimizer;
  std::optional<Loss> loss;
  std::vector<Metric> metrics;  // their names made unique
};

class ModelNode : public graph::LayerNode {
 public:
  ModelNode(std::string class_name, const std::string& name)
      : LayerNode(std::move(class_name), {name, std::nullopt, true}, next_model_number()) {}

  // Whether a layer is inside, at any depth.
  bool contains(const graph::LayerNode& layer) const;
  // The layers inside, in order, without inputs.
  virtual const std::vector<std::shared_ptr<graph::LayerNode>>& layers() const = 0;

  // That of the layers, which must agree: ConfigError otherwise.
  DType dtype() const override;
  std::string where() const override { return "model '" + name() + "'"; }
  std::vector<engine::Parameter> parameters() const override;
  void set_trainable(bool trainable) override;
  bool stateful() const override;
  void reset_states() const override;
  std::string output_activation() const override {
    return layers().empty() ? "" : layers().back()->output_activation();
  }
  Index trainable_elements() const;

  // The sample shape as the model reads it for data of shape `batch`: a missing or superfluous last axis of 1 is
  // mended as in Keras. ShapeError where the data do not fit the declared input.
  Shape adapt_input(const Shape& batch) const;
  // The output's sample shape for an adapted input shape.
  virtual Shape sample_output(const Shape& sample) const = 0;
  // Builds the layers for data of this sample shape, if they are not built yet.
  void build_for(const Shape& sample);

  // The program for these shapes, from the cache or made now. `truth` is the labels' sample shape (not for predict).
  // Shapes were adapted. Thread-safe.
  std::shared_ptr<const Program> program(Mode mode, Index capacity, const Shape& sample, const Shape& truth) const;
  // Forgets all programs: after compile, or when layers were added.
  void forget_programs() const;

  void compile(const CompileOptions& options);
  // StateError before compile.
  Compiled& compiled(const char* for_what);
  const Compiled* compiled_if_any() const { return compiled_ ? &*compiled_ : nullptr; }

  // Epochs trained in the model's life: they key the shuffling, so that each fit goes on with new orders.
  std::uint32_t epochs_trained = 0;
  std::atomic<bool> stop_training{false};

  // For the time of a fit. StateError if one is at work already.
  class Fitting {
   public:
    explicit Fitting(ModelNode& node);
    ~Fitting() { node_.fitting_ = false; }
    Fitting(const Fitting&) = delete;
    Fitting& operator=(const Fitting&) = delete;

   private:
    ModelNode& node_;
  };
  // StateError while a fit is at work, for a call that would change what it works on.
  void require_no_fit(const char* call) const;

 protected:
  void create_parameters(const std::vector<Shape>&) override {}

 private:
  struct Entry {
    Mode mode;
    Index capacity;
    Shape sample, truth;
    std::shared_ptr<const Program> program;
  };

  [[noreturn]] void refuse_in_fit(const char* call) const;
  std::shared_ptr<const Program> make_program(Mode mode, Index capacity, const Shape& sample, const Shape& truth) const;

  std::optional<Compiled> compiled_;
  std::atomic<bool> fitting_{false};
  // Most recently used first; protected by a ForkSafeLock of the node.
  mutable std::list<Entry> programs_;
};

}  // namespace rondo::training
