#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <rondo/model.hpp>
#include <rondo/stream.hpp>

#include "core/dispatch.hpp"
#include "core/standard_floats.hpp"
#include "engine/builder.hpp"
#include "engine/staging.hpp"
#include "training/model_node.hpp"

namespace rondo {

class Stream::Impl {
 public:
  Impl(Model model, const StreamOptions& options)
      : model_(std::move(model)), plan_(make_plan(model_, options)), workspace_(plan_->lease()) {}

  Index features() const { return features_; }
  Index outputs() const { return outputs_; }
  DType dtype() const { return plan_->dtype(); }

  template <class S>
  void step(std::span<const S> x, std::span<S> y) {
    if (static_cast<Index>(x.size()) != features() || static_cast<Index>(y.size()) != outputs()) {
      throw ShapeError("Stream::step: the model takes " + std::to_string(features()) + " numbers and gives " +
                       std::to_string(outputs()) + "; got room for " + std::to_string(x.size()) + " and " +
                       std::to_string(y.size()));
    }
    is_float32_ ? walk<float>(x, y) : walk<double>(x, y);
  }

  void reset() { run_.step = 0; }

  std::vector<Tensor> state() const {
    std::vector<Tensor> tensors;
    for (const engine::CarriedState& s : plan_->carried_states()) {
      tensors.push_back(core::with_type(dtype(), [&]<class T>() { return read<T>(s); }));
    }
    return tensors;
  }

  void set_state(const std::vector<Tensor>& state) {
    const auto& carried = plan_->carried_states();
    if (state.size() != carried.size()) {
      throw ShapeError("Stream::set_state: the model carries " + std::to_string(carried.size()) + " tensors, got " +
                       std::to_string(state.size()));
    }
    for (std::size_t i = 0; i < state.size(); ++i) {
      if (state[i].shape() == Shape{carried[i].features}) continue;
      throw ShapeError("Stream::set_state: tensor " + std::to_string(i) + " must have shape " +
                       to_string(Shape{carried[i].features}) + ", got " + to_string(state[i].shape()));
    }
    for (std::size_t i = 0; i < state.size(); ++i) {
      core::with_type(dtype(), [&]<class T>() { write<T>(carried[i], state[i]); });
    }
    run_.step = 1;
  }

 private:
  static std::unique_ptr<const engine::Plan> make_plan(const Model& model, const StreamOptions& options) {
    const training::ModelNode& node = training::node_of(model);
    if (!node.built()) {
      throw StateError(node.where() +
                       " has no weights yet; give the first layer .input_shape, or call fit (or build) "
                       "before stream()");
    }
    if (node.network().inputs() != 1 || node.network().outputs().size() != 1) {
      throw ConfigError(node.where() + " has " + std::to_string(node.network().inputs()) + " inputs and " +
                        std::to_string(node.network().outputs().size()) +
                        " outputs; a stream is for a model of one input and one output");
    }
    if (const graph::LayerNode* mixer = node.network().first_to_mix_time({node.declared(0)})) {
      throw ConfigError(node.where() + " cannot be streamed: " + mixer->where() +
                        " mixes time steps, a stream knows one at a time");
    }
    const bool rounds = rounds_weights(node, options);
    // One step of a sequence; a model without a time axis takes its sample.
    const Shape& declared = node.declared(0);
    const Shape sample = declared.rank() > 1 ? declared.with(0, 1) : declared;
    engine::PlanBuilder builder(node.dtype(), 1, rounds ? engine::Use::streaming_bfloat16 : engine::Use::streaming);
    builder.output(node.plan(builder, {builder.input(sample)}).front());
    std::unique_ptr<const engine::Plan> plan = builder.finish();
    if (rounds && plan->carried_states().empty()) {
      throw ConfigError(node.where() +
                        ": .weights is 'bfloat16', which rounds the weights of LSTM layers; there is none");
    }
    return plan;
  }

  static bool rounds_weights(const training::ModelNode& node, const StreamOptions& options) {
    if (options.weights.empty()) return false;
    if (options.weights != "bfloat16") {
      throw ConfigError(node.where() + ": a stream's .weights can be \"\" (as they are) or 'bfloat16', not '" +
                        options.weights + "'");
    }
    if (node.dtype() != DType::float32) {
      throw ConfigError(node.where() + ": .weights is 'bfloat16', which is for float32 models; this one is " +
                        std::string(to_string(node.dtype())));
    }
    return true;
  }

  template <class T, class S>
  void walk(std::span<const S> x, std::span<S> y) {
    const StandardFloats floats;
    if (derives_) plan_->derive_if_stale(workspace_);
    if (input_.rows == 1) {
      convert(x.data(), input_.place.pointer<T>(run_.arena), features_);
    } else {
      for (Index r = 0; r < input_.rows; ++r) {
        convert(x.data() + r * input_.features, input_.row<T>(run_.arena, r), input_.features);
      }
    }
    plan_->forward(run_, alone_, /*stage=*/0);
    if (may_fail_) run_.failure->rethrow();
    ++run_.step;
    if (output_.rows == 1) {
      convert(output_.place.pointer<const T>(run_.arena), y.data(), outputs_);
    } else {
      for (Index r = 0; r < output_.rows; ++r) {
        convert(output_.row<const T>(run_.arena, r), y.data() + r * output_.features, output_.features);
      }
    }
  }

  template <class From, class To>
  static void convert(const From* from, To* to, Index count) {
    for (Index i = 0; i < count; ++i) to[i] = static_cast<To>(from[i]);
  }

  // A value of one step: one row of features, or as many as the axes between time and the last one have.
  struct Rows {
    explicit Rows(const engine::ValueInfo& info) : rows(info.steps), features(info.features), place(info.data) {}
    template <class T>
    T* row(std::byte* arena, Index r) const {
      return place.pointer<T>(arena) + r * place.step_stride;
    }
    Index rows, features;
    engine::Place place;
  };

  template <class T>
  Tensor read(const engine::CarriedState& s) const {
    Tensor t = Tensor::zeros({s.features}, dtype_of<T>);
    if (run_.step == 0) return t;
    const T* state = s.place.pointer<const T>(run_.arena);
    std::transform(state, state + s.features, t.data<T>().data(), engine::standard_nan<T>);
    return t;
  }

  template <class T>
  void write(const engine::CarriedState& s, const Tensor& t) {
    const StandardFloats floats;
    const Tensor converted = t.cast(dtype_of<T>);
    std::copy_n(converted.data<T>().data(), s.features, s.place.pointer<T>(run_.arena));
  }

  Model model_;
  std::unique_ptr<const engine::Plan> plan_;
  engine::Workspace workspace_;
  bool derives_ = plan_->derives(), may_fail_ = plan_->may_fail();
  // What every step needs.
  engine::Run run_ = workspace_.run(1);  // its step counts those since the state was zero
  Rows input_{plan_->info(plan_->inputs().front())}, output_{plan_->info(plan_->outputs().front())};
  Index features_ = input_.rows * input_.features, outputs_ = output_.rows * output_.features;
  bool is_float32_ = dtype() == DType::float32;
  const engine::Member alone_{0, 1};
};

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

namespace {

[[noreturn]] void refuse_empty() {
  throw StateError("a Stream that was moved from is empty; use the one it was moved to, or model.stream() again");
}

}  // namespace

inline Stream::Impl& Stream::impl() const {
  if (impl_ == nullptr) refuse_empty();
  return *impl_;
}

Index Stream::features() const { return impl().features(); }
Index Stream::outputs() const { return impl().outputs(); }
void Stream::step(std::span<const float> x, std::span<float> y) noexcept { impl().step(x, y); }
void Stream::step(std::span<const double> x, std::span<double> y) noexcept { impl().step(x, y); }
Tensor Stream::step(const Tensor& x) {
  if (x.shape() != Shape{features()}) {
    throw ShapeError("Stream::step: the model takes one time step of shape " + to_string(Shape{features()}) + ", got " +
                     to_string(x.shape()));
  }
  const Tensor converted = x.cast(impl().dtype());
  Tensor y({outputs()}, impl().dtype());
  core::with_type(y.dtype(), [&]<class T>() { impl().step(converted.data<T>(), y.data<T>()); });
  return y;
}
void Stream::reset() noexcept { impl().reset(); }
std::vector<Tensor> Stream::state() const { return impl().state(); }
void Stream::set_state(const std::vector<Tensor>& state) { impl().set_state(state); }

Stream Model::stream(const StreamOptions& options) const {
  return Stream(std::make_unique<Stream::Impl>(*this, options));
}

}  // namespace rondo
