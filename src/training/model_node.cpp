#include "training/model_node.hpp"

#include <algorithm>
#include <set>

#include "core/fork_safe.hpp"

namespace rondo::training {

// Enough for a fit with batches of a few hundred lengths, with validation; a program without its memory is small.
constexpr std::size_t kProgramsKept = 512;

Index ModelNode::trainable_elements() const {
  Index count = 0;
  for (const engine::Parameter& p : parameters()) count += p.block->trainable() ? p.shape.elements() : 0;
  return count;
}

DType ModelNode::dtype() const {
  const graph::LayerNode* first = nullptr;
  for (const auto& layer : layers()) {
    if (layer->is_input()) continue;
    if (first == nullptr) first = layer.get();
    if (layer->dtype() == first->dtype()) continue;
    throw ConfigError(where() + ": all layers of a model compute in one dtype, but " + first->where() + " has " +
                      std::string(to_string(first->dtype())) + " and " + layer->where() + " has " +
                      std::string(to_string(layer->dtype())));
  }
  if (first != nullptr) return first->dtype();
  return layers().empty() ? floatx() : layers().front()->dtype();
}

std::string ModelNode::output_activation(std::size_t output) const {
  const graph::Network::TensorNumber tensor = network_.outputs()[output];
  const graph::Network::Call* call = network_.maker(tensor);
  return call == nullptr ? "" : call->layer->output_activation(tensor - call->first_output);
}

std::vector<std::string> ModelNode::output_names() const {
  std::vector<std::string> names;
  for (const graph::Network::TensorNumber n : network_.outputs()) {
    const graph::Network::Call* call = network_.maker(n);
    if (call != nullptr) {
      names.push_back(call->layer->name());
    } else {
      names.push_back(n < network_.input_layers().size() ? network_.input_layers()[n]->name() : "");
    }
  }
  return names;
}

std::string ModelNode::label_name(std::size_t output) const {
  const std::vector<std::string> names = output_names();
  return names.size() == 1 ? "y" : "y['" + names[output] + "']";
}

void ModelNode::require_inputs(std::size_t given) const {
  if (given == network_.inputs()) return;
  const std::string wanted = std::to_string(network_.inputs());
  throw ShapeError(where() + " has " + wanted + (network_.inputs() == 1 ? " input" : " inputs") + ", data for " +
                   std::to_string(given) + " were given" +
                   (network_.inputs() == 1 ? ""
                                           : ": fit, evaluate, predict and predict_outputs take Inputs{a, b, ...}, in "
                                             "the model's order"));
}

Shape ModelNode::adapt_input(std::size_t input, const Shape& batch) const {
  const std::string name = input_name(input);
  if (batch.rank() < 1) {
    throw ShapeError(where() + ": the data " + (name == "X" ? "" : name + " ") +
                     "are a scalar; the first axis must be the samples");
  }
  const Shape sample = batch.from(1);
  require_sizes((name + " has shape").c_str(), batch, sample);
  const Shape& declared_shape = declared(input);
  if (declared_shape.empty()) {
    if (sample.empty()) {
      throw ShapeError(where() + ": " + name + " has shape " + to_string(batch) +
                       ", one number a sample; reshape it to (samples, timesteps, features)");
    }
    return sample;
  }
  const auto fits = [&](const Shape& s) {
    if (s.rank() != declared_shape.rank()) return false;
    // Any number of time steps will do (Keras: train on 5, predict on 7); the last axis must agree.
    return declared_shape.back() == Shape::kUnknown || s.back() == declared_shape.back();
  };
  if (fits(sample)) return sample;
  if (sample.rank() == declared_shape.rank() + 1 && sample.back() == 1 && fits(sample.without_last())) {
    return sample.without_last();
  }
  if (sample.rank() + 1 == declared_shape.rank() && fits(sample.append(1)) &&
      (sample.empty() || declared_shape[0] == Shape::kUnknown || sample[0] == declared_shape[0])) {
    return sample.append(1);
  }
  std::string text = where() + " expects " + name + " of shape " + graph::batch_text(declared_shape) +
                     (declared_shape.rank() == 2 ? " = (samples, timesteps, features)" : "") + ", got " +
                     to_string(batch);
  if (sample.rank() + 1 == declared_shape.rank() && declared_shape.fully_known() &&
      sample.back() == declared_shape.elements()) {
    const std::string tuple = to_string(declared_shape.prepend(batch[0]));
    text += ". Reshape it: X.reshape({" + tuple.substr(1, tuple.size() - 2) + "})";
  } else if (declared_shape.rank() == 2 && sample.rank() == 1) {
    text += ". Columns become time steps with as_timesteps(X), features of one step with as_features(X)";
  } else if (sample.rank() == declared_shape.rank()) {
    text += ": the last axis, the features, is " + std::to_string(sample.back()) + " instead of " +
            std::to_string(declared_shape.back());
  }
  throw ShapeError(text);
}

void ModelNode::build_for(const std::vector<Shape>& samples) {
  if (built()) return;
  (void)output_shapes(samples);
  build(samples);
}

// ---- programs ------------------------------------------------------------------------------------------------------

std::shared_ptr<const Program> ModelNode::program(Mode mode, const ProgramShapes& shapes) const {
  const std::uint64_t now = structure();
  const auto known = [&]() -> std::shared_ptr<const Program> {
    const auto found = std::find_if(programs_.begin(), programs_.end(), [&](const Entry& e) {
      return e.structure == now && e.mode == mode && e.capacity == shapes.capacity &&
             e.sample_weights == shapes.sample_weights && e.shards == shapes.shards &&
             std::ranges::equal(e.samples, shapes.samples) && std::ranges::equal(e.truth, shapes.truth);
    });
    if (found == programs_.end()) return nullptr;
    programs_.splice(programs_.begin(), programs_, found);
    return found->program;
  };
  {
    const ForkSafeLock lock(this);
    if (auto program = known()) return program;
  }
  // Made and dropped without the lock, which is for moments. Of two threads that make the same, one's is kept.
  std::list<Entry> fresh, dropped;
  fresh.push_back({now,
                   mode,
                   shapes.capacity,
                   {shapes.samples.begin(), shapes.samples.end()},
                   {shapes.truth.begin(), shapes.truth.end()},
                   shapes.sample_weights,
                   shapes.shards,
                   make_program(mode, shapes)});
  const ForkSafeLock lock(this);
  if (auto program = known()) return program;
  programs_.splice(programs_.begin(), fresh);
  if (programs_.size() > kProgramsKept) dropped.splice(dropped.begin(), programs_, std::prev(programs_.end()));
  return programs_.front().program;
}

std::shared_ptr<const Program> ModelNode::make_program(Mode mode, const ProgramShapes& shapes) const {
  (void)output_shapes({shapes.samples.begin(), shapes.samples.end()});  // they fit every layer
  const bool training = mode == Mode::train;
  engine::PlanBuilder builder(dtype(), shapes.capacity, training ? engine::Use::training : engine::Use::inference,
                              memory(training));
  builder.set_shards(shapes.shards);
  if (mode != Mode::predict) builder.set_penalizes();
  std::vector<engine::Value> inputs;
  for (const Shape& sample : shapes.samples) inputs.push_back(builder.input(sample));
  const std::vector<engine::Value> outputs = plan(builder, inputs);
  for (const engine::Value v : outputs) builder.output(v);
  auto program = std::make_shared<Program>();
  for (std::size_t i = 0; i < outputs.size() && mode != Mode::predict; ++i) {
    program->heads.push_back(&builder.add(
        Head(builder, builder.info(outputs[i]), shapes.truth[i], compiled_->heads[i], shapes.sample_weights)));
  }
  program->plan = builder.finish();
  if (mode != Mode::predict) {
    const std::vector<engine::Parameter> weights = parameters();
    program->penalties = Penalties(*program->plan, weights);
    program->constraints = Constraints(*program->plan, weights);
  }
  const auto element = static_cast<Index>(element_size(dtype()));
  for (const engine::GradientSlot& slot : program->plan->gradient_slots()) {
    const Index first = static_cast<Index>(slot.gradient.offset) / element;
    for (const Range& range : slot.ranges) program->gradient_ranges.push_back({first + range.begin, first + range.end});
  }
  return program;
}

void ModelNode::layers_changed() {
  mark_changed();
  forget_programs();
}

void ModelNode::forget_programs() const {
  std::list<Entry> dropped;
  Memories memories;
  const ForkSafeLock lock(this);
  dropped.swap(programs_);
  std::swap(memories, memories_);
}

std::shared_ptr<engine::Memory> ModelNode::memory(bool training) const {
  Memories fresh{structure(), std::make_shared<engine::Memory>(), std::make_shared<engine::Memory>()};
  const ForkSafeLock lock(this);
  if (memories_.training == nullptr || memories_.structure != fresh.structure) std::swap(fresh, memories_);
  return training ? memories_.training : memories_.inference;
}

// ---- compile -------------------------------------------------------------------------------------------------------

void ModelNode::compile(const CompileOptions& options) {
  require_no_fit("compile");
  Compiled compiled{OptimizerState(options.optimizer),
                    head_options(where(), output_names(), options, compiled_ ? &compiled_->heads : nullptr)};
  forget_programs();
  compiled_.emplace(std::move(compiled));
  ++compilations_;
}

void ModelNode::require_no_fit(const char* call) const {
  if (fitting_) refuse_in_fit(call);
}

void ModelNode::refuse_in_fit(const char* call) const {
  throw StateError(where() + ": " + call +
                   " was called while a fit of this model is at work, by a callback or by another thread. Let the fit "
                   "return first (stop_training() ends it after its batch), then call " +
                   call);
}

ModelNode::Fitting::Fitting(ModelNode& node) : node_(node) {
  if (node.fitting_.exchange(true)) node.refuse_in_fit("fit");
}

Compiled& ModelNode::compiled(const char* for_what) {
  if (!compiled_) {
    throw StateError(where() + ": call compile({.optimizer = ..., .loss = ...}) before " + for_what);
  }
  if (!compiled_->has_loss()) {
    throw StateError(where() + " was compiled without a loss; give one: compile({.loss = \"mse\"})");
  }
  return *compiled_;
}

}  // namespace rondo::training
