// ModelNode: a layer made of layers that can be compiled, trained and asked.
#pragma once

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <rondo/model.hpp>

#include "graph/network.hpp"
#include "training/compiled.hpp"
#include "training/program.hpp"

namespace rondo::training {

class ModelNode : public graph::LayerNode {
 public:
  // The options are the model's own alone: its layers have theirs.
  ModelNode(std::string class_name, const graph::LayerOptions& common)
      : LayerNode(std::move(class_name), common, next_model_number()) {}

  const graph::Network& network() const { return network_; }
  // The layers inside, each once, in Keras's order.
  const std::vector<std::shared_ptr<graph::LayerNode>>& layers() const { return network_.layers(); }
  std::span<const std::shared_ptr<graph::LayerNode>> children() const override { return layers(); }
  std::string child_attribute(std::size_t) const override { return "layers"; }
  bool has_list_of_children() const override { return true; }
  bool is_model() const override { return true; }

  // That of the layers, which must agree: ConfigError otherwise.
  DType dtype() const override;
  std::string where() const override { return "model '" + name() + "'"; }
  std::string output_activation(std::size_t output) const override;
  bool keeps_time(const std::vector<Shape>& inputs) const override {
    return network_.first_to_mix_time(inputs) == nullptr;
  }
  bool works_row_by_row() const override { return network_.works_row_by_row(); }
  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    return network_.plan(builder, inputs);
  }
  Index trainable_elements() const;

  // What the data must look like that enter at an input: its sample shape, empty where that is not known yet.
  virtual const Shape& declared(std::size_t input) const = 0;
  // "X", or with several inputs "X['name']".
  virtual std::string input_name(std::size_t /*input*/) const { return "X"; }
  // Where data enter, as symbols; the same ones each time.
  virtual std::vector<Symbol> input_symbols() const = 0;
  // Those of the layers that make the outputs.
  std::vector<std::string> output_names() const;
  // "y", or with several outputs "y['name']".
  std::string label_name(std::size_t output) const;
  // The sample shape as the model reads it for data of shape `batch` at an input: as in Keras a last axis of 1 is added
  // where it is missing, dropped where it is one too many. ShapeError where the data do not fit the declared input.
  Shape adapt_input(std::size_t input, const Shape& batch) const;
  // ShapeError unless data for so many inputs are what the model takes.
  void require_inputs(std::size_t given) const;
  // Builds the layers for data of these sample shapes, if they are not built yet.
  void build_for(const std::vector<Shape>& samples);

  // What a program is made for: shapes of samples, of adapted inputs and of the labels of each output (none for
  // predict).
  struct ProgramShapes {
    Index capacity = 0;
    std::span<const Shape> samples = {};
    std::span<const Shape> truth = {};
    bool sample_weights = false;
    Index shards = 1;
  };
  // The program for these shapes, from the cache or made now. Thread-safe.
  std::shared_ptr<const Program> program(Mode mode, const ProgramShapes& shapes) const;
  // Forgets all programs, as compile does.
  void forget_programs() const;

  void compile(const CompileOptions& options);
  // How often that was.
  std::uint64_t compilations() const { return compilations_; }
  // StateError before compile.
  Compiled& compiled(const char* for_what);
  const Compiled* compiled_if_any() const { return compiled_ ? &*compiled_ : nullptr; }

  // Epochs trained in the model's life: they key the shuffling, so that each fit goes on with new orders.
  std::uint32_t epochs_trained = 0;
  std::atomic<bool> stop_training{false};
  // Of the fit at work: set by a callback at its begin, the epoch that it goes on with; set by it at its end, whether
  // Ctrl-C has ended it.
  Index resumed_epoch = 0;
  bool was_interrupted = false;

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
  std::string path_to(const graph::LayerNode&) const override { return name() + "/"; }

  // For models whose layers change.
  void layers_changed();

  graph::Network network_;

 private:
  struct Entry {
    std::uint64_t structure;
    Mode mode;
    Index capacity;
    std::vector<Shape> samples, truth;
    bool sample_weights;
    Index shards;
    std::shared_ptr<const Program> program;
  };

  // What the programs for one structure of layers share.
  struct Memories {
    std::uint64_t structure = 0;
    std::shared_ptr<engine::Memory> training, inference;
  };
  std::shared_ptr<engine::Memory> memory(bool training) const;

  [[noreturn]] void refuse_in_fit(const char* call) const;
  std::shared_ptr<const Program> make_program(Mode mode, const ProgramShapes& shapes) const;

  std::optional<Compiled> compiled_;
  std::uint64_t compilations_ = 0;
  std::atomic<bool> fitting_{false};
  // Most recently used first; protected by a ForkSafeLock of the node.
  mutable std::list<Entry> programs_;
  mutable Memories memories_;
};

// A Sequential of these layers.
std::shared_ptr<ModelNode> make_sequential(const graph::LayerOptions& common,
                                           const std::vector<std::shared_ptr<graph::LayerNode>>& layers);

// What is behind a model.
inline ModelNode& node_of(const Model& model) { return static_cast<ModelNode&>(*model.node()); }

}  // namespace rondo::training
