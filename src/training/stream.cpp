#include <algorithm>
#include <string>

#include <rondo/model.hpp>
#include <rondo/stream.hpp>

#include "engine/plan.hpp"
#include "engine/standard_floats.hpp"
#include "training/model_node.hpp"

namespace rondo {

class Stream::Impl {
 public:
  explicit Impl(Model model) : model_(std::move(model)), plan_(make_plan(model_)), workspace_(plan_->lease()) {}

  const engine::ValueInfo& input() const { return plan_->info(plan_->inputs().front()); }
  const engine::ValueInfo& output() const { return plan_->info(plan_->outputs().front()); }
  DType dtype() const { return plan_->dtype(); }

  template <class S>
  void step(std::span<const S> x, std::span<S> y) {
    if (static_cast<Index>(x.size()) != input().features || static_cast<Index>(y.size()) != output().features) {
      throw ShapeError("Stream::step: the model takes " + std::to_string(input().features) + " numbers and gives " +
                       std::to_string(output().features) + "; got room for " + std::to_string(x.size()) + " and " +
                       std::to_string(y.size()));
    }
    dtype() == DType::float32 ? walk<float>(x, y) : walk<double>(x, y);
  }

  void reset() { carried_ = false; }

  std::vector<Tensor> state() const {
    std::vector<Tensor> tensors;
    for (const engine::CarriedState& s : plan_->carried_states()) {
      tensors.push_back(dtype() == DType::float32 ? read<float>(s) : read<double>(s));
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
      dtype() == DType::float32 ? write<float>(carried[i], state[i]) : write<double>(carried[i], state[i]);
    }
    carried_ = true;
  }

 private:
  static std::unique_ptr<const engine::Plan> make_plan(const Model& model) {
    const auto& node = static_cast<const training::ModelNode&>(*model.node());
    if (!node.built()) {
      throw StateError(node.where() +
                       " has no weights yet; give the first layer .input_shape, or call fit (or build) "
                       "before stream()");
    }
    // One step of a sequence; a model without a time axis takes its sample.
    const Shape sample = node.declared_input().rank() > 1 ? node.declared_input().with(0, 1) : node.declared_input();
    engine::PlanBuilder builder(node.dtype(), 1, engine::Use::streaming);
    builder.output(node.plan(builder, {builder.input(sample)}).front());
    return builder.finish();
  }

  template <class T, class S>
  void walk(std::span<const S> x, std::span<S> y) noexcept {
    const engine::StandardFloats floats;
    std::byte* arena = workspace_.arena();
    std::transform(x.begin(), x.end(), input().data.pointer<T>(arena), [](S v) { return static_cast<T>(v); });
    plan_->forward({arena, 1, carried_}, {0, 1});
    carried_ = true;
    const T* out = output().data.pointer<const T>(arena);
    std::transform(out, out + y.size(), y.begin(), [](T v) { return static_cast<S>(v); });
  }

  template <class T>
  Tensor read(const engine::CarriedState& s) const {
    Tensor t = Tensor::zeros({s.features}, dtype_of<T>);
    if (carried_) std::copy_n(s.place.pointer<const T>(workspace_.arena()), s.features, t.data<T>().data());
    return t;
  }

  template <class T>
  void write(const engine::CarriedState& s, const Tensor& t) {
    const Tensor converted = t.cast(dtype_of<T>);
    std::copy_n(converted.data<T>().data(), s.features, s.place.pointer<T>(workspace_.arena()));
  }

  Model model_;
  std::unique_ptr<const engine::Plan> plan_;
  engine::Workspace workspace_;
  bool carried_ = false;
};

Stream::Stream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

Index Stream::features() const { return impl_->input().features; }
Index Stream::outputs() const { return impl_->output().features; }
void Stream::step(std::span<const float> x, std::span<float> y) noexcept { impl_->step(x, y); }
void Stream::step(std::span<const double> x, std::span<double> y) noexcept { impl_->step(x, y); }
void Stream::reset() noexcept { impl_->reset(); }
std::vector<Tensor> Stream::state() const { return impl_->state(); }
void Stream::set_state(const std::vector<Tensor>& state) { impl_->set_state(state); }

Stream Model::stream() const { return Stream(std::make_unique<Stream::Impl>(*this)); }

}  // namespace rondo
