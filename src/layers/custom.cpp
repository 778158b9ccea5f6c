// A user's layer: functions of one sample, forward and backward.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include <rondo/custom_layer.hpp>

#include "core/thread_buffers.hpp"
#include "graph/layer_node.hpp"
#include "layers/parts/shapes.hpp"
#include "layers/parts/weight_rules.hpp"

namespace rondo {

namespace {

using engine::Member;
using engine::Run;
using engine::ValueInfo;

// A tensor's numbers of one sample, or of one time step of it, as doubles.
struct CustomTensor {
  ValueInfo info;
  Index pieces = 1;  // of a sample, for which the functions are called one by one

  Index steps() const { return info.steps / pieces; }  // of a piece
  Index size() const { return steps() * info.features; }

  template <class T>
  void read(kernels::Rows<const T> from, Index row, Index piece, std::vector<double>& to) const {
    to.resize(static_cast<std::size_t>(size()));
    double* out = to.data();
    for (Index t = 0; t < steps(); ++t, out += info.features) {
      std::copy_n(from.at(row, piece * steps() + t), info.features, out);
    }
  }
  template <class T>
  void write(const std::vector<double>& from, Index row, Index piece, kernels::Rows<T> to) const {
    const double* in = from.data();
    for (Index t = 0; t < steps(); ++t, in += info.features) {
      std::transform(in, in + info.features, to.at(row, piece * steps() + t),
                     [](double v) { return static_cast<T>(v); });
    }
  }
};

// Numbers of a pass.
struct Buffers {
  std::vector<std::vector<double>> x, dx, weights, dweights;
  std::vector<double> y, dy, dloss;
  std::vector<Numbers> x_spans, weight_spans;
  std::vector<WritableNumbers> dx_spans, dweight_spans;
};

template <class T>
class CustomExecutor final : public engine::Executor {
 public:
  CustomExecutor(std::shared_ptr<const CustomLayer> rule, std::vector<CustomTensor> x, CustomTensor y,
                 std::shared_ptr<engine::ParameterBlock> block, std::vector<Range> weights,
                 const engine::GradientPlace& gradient, const std::optional<engine::OuterPlace>& penalties,
                 bool training)
      : rule_(std::move(rule)),
        x_(std::move(x)),
        y_(std::move(y)),
        block_(std::move(block)),
        weights_(std::move(weights)),
        gradient_(gradient),
        penalties_(penalties),
        training_(training) {}

  void forward(const Run& run, const Member& member, Index) const noexcept override {
    with_buffers(run, [&](Buffers& b) {
      for_pieces(member.share(run.rows), [&](Index row, Index piece) {
        read_inputs(run, row, piece, b);
        b.y.assign(static_cast<std::size_t>(y_.size()), 0.0);
        rule_->forward({b.x_spans, b.weight_spans, b.y, training_});
        y_.write(b.y, row, piece, y_.info.data.template rows<T>(run.arena));
        if (penalties_) penalties_->pointer<double>(run)[row] += loss_of(b);
      });
    });
  }

  void backward(const Run& run, const Member& member, Index) const noexcept override {
    if (std::none_of(x_.begin(), x_.end(), [](const CustomTensor& x) { return static_cast<bool>(x.info.gradient); })) {
      return;
    }
    with_buffers(run, [&](Buffers& b) {
      for_pieces(member.share(run.rows), [&](Index row, Index piece) {
        read_inputs(run, row, piece, b);
        read_outputs(run, row, piece, b);
        grow(b.dx, x_.size());
        b.dx_spans.clear();
        for (std::size_t i = 0; i < x_.size(); ++i) {
          b.dx[i].assign(x_[i].info.gradient ? static_cast<std::size_t>(x_[i].size()) : 0, 0.0);
          b.dx_spans.emplace_back(b.dx[i]);
        }
        rule_->backward({b.x_spans, b.weight_spans, b.y, b.dy, b.dx_spans, {}});
        for (std::size_t i = 0; i < x_.size(); ++i) {
          if (x_[i].info.gradient) x_[i].write(b.dx[i], row, piece, x_[i].info.gradient.template rows<T>(run.arena));
        }
      });
    });
  }

  // One member adds up the samples, in their order.
  Index gradient_tiles() const override { return gradient_ ? 1 : 0; }
  void gradients(const Run& run, Range rows, Range tiles) const noexcept override {
    if (tiles.empty()) return;
    with_buffers(run, [&](Buffers& b) {
      grow(b.dweights, weights_.size());
      b.dweight_spans.clear();
      for (std::size_t i = 0; i < weights_.size(); ++i) {
        b.dweights[i].assign(static_cast<std::size_t>(weights_[i].size()), 0.0);
        b.dweight_spans.emplace_back(b.dweights[i]);
      }
      b.dx_spans.assign(x_.size(), {});
      for_pieces(rows, [&](Index row, Index piece) {
        read_inputs(run, row, piece, b);
        read_outputs(run, row, piece, b);
        rule_->backward({b.x_spans, b.weight_spans, b.y, b.dy, b.dx_spans, b.dweight_spans});
      });
      T* gradient = gradient_.pointer<T>(run);
      for (std::size_t i = 0; i < weights_.size(); ++i) {
        T* to = gradient + weights_[i].begin;
        for (const double d : b.dweights[i]) *to = adds_ ? *to + static_cast<T>(d) : static_cast<T>(d), ++to;
      }
    });
  }
  void add_gradients() override { adds_ = true; }
  bool may_fail() const override { return true; }

  double flops_per_row() const override { return 100.0 * static_cast<double>(y_.size() * y_.pieces); }  // a guess

 private:
  // Never smaller again: other layers of the thread have the same buffers.
  static void grow(std::vector<std::vector<double>>& buffers, std::size_t count) {
    if (buffers.size() < count) buffers.resize(count);
  }

  template <class F>
  void for_pieces(Range rows, F&& f) const {
    for (Index row = rows.begin; row < rows.end; ++row) {
      for (Index piece = 0; piece < y_.pieces; ++piece) f(row, piece);
    }
  }

  // f(buffers with the weights); what it throws is the run's.
  template <class F>
  void with_buffers(const Run& run, F&& f) const noexcept {
    core::ThreadBuffers<Buffers> buffers;
    Buffers& taken = *buffers;
    try {
      grow(taken.weights, weights_.size());
      taken.weight_spans.clear();
      for (std::size_t i = 0; i < weights_.size(); ++i) {
        const T* values = block_->template values<const T>();
        taken.weights[i].assign(values + weights_[i].begin, values + weights_[i].end);
        taken.weight_spans.emplace_back(taken.weights[i]);
      }
      f(taken);
    } catch (...) {
      run.failure->report();
    }
  }

  void read_inputs(const Run& run, Index row, Index piece, Buffers& b) const {
    grow(b.x, x_.size());
    b.x_spans.clear();
    for (std::size_t i = 0; i < x_.size(); ++i) {
      x_[i].read(x_[i].info.data.template rows<const T>(run.arena), row, piece, b.x[i]);
      b.x_spans.emplace_back(b.x[i]);
    }
  }
  void read_outputs(const Run& run, Index row, Index piece, Buffers& b) const {
    y_.read(y_.info.data.template rows<const T>(run.arena), row, piece, b.y);
    y_.read(y_.info.gradient.template rows<const T>(run.arena), row, piece, b.dy);
    if (!penalties_) return;
    (void)loss_of(b);
    for (std::size_t i = 0; i < b.dy.size(); ++i) b.dy[i] += b.dloss[i] / static_cast<double>(run.rows);
  }
  // Of the outputs, with its derivative.
  double loss_of(Buffers& b) const {
    b.dloss.assign(b.y.size(), 0.0);
    return rule_->loss(b.y, b.dloss);
  }

  std::shared_ptr<const CustomLayer> rule_;
  std::vector<CustomTensor> x_;
  CustomTensor y_;
  std::shared_ptr<engine::ParameterBlock> block_;  // null without weights
  std::vector<Range> weights_;
  engine::GradientPlace gradient_;
  std::optional<engine::OuterPlace> penalties_;  // of the batch rows, where the layer adds to the loss
  bool training_;
  bool adds_ = false;  // to gradients of other calls
};

class CustomNode final : public graph::LayerNode {
 public:
  CustomNode(const std::string& class_name, std::shared_ptr<const CustomLayer> rule, bool each_step,
             const Shape& input_shape, const graph::LayerOptions& common)
      : LayerNode(class_name, common), rule_(std::move(rule)), each_step_(each_step) {
    if (!rule_->forward || !rule_->backward) {
      throw ConfigError(where() + " needs the functions .forward and .backward (custom_layer)");
    }
    declare_input(input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    for (const Shape& x : inputs) {
      if (!each_step_ || (x.rank() > 1 && x[0] == inputs[0][0])) continue;
      throw ShapeError(where() + " works on each time step (.each_step) and takes (batch, timesteps, ...), got " +
                       graph::batch_text(x) + (x.rank() > 1 ? " beside " + graph::batch_text(inputs[0]) : ""));
    }
    const std::vector<Shape> pieces = pieces_of(inputs);
    if (built() && pieces != built_for_ && weights_of(pieces) != shapes_) {
      throw ShapeError(where() + " was built for an input of shape " + graph::batch_text(built_for_[0]) +
                       " and has other weights for " + graph::batch_text(pieces[0]));
    }
    const Shape y = rule_->output_shape ? rule_->output_shape(pieces) : pieces[0];
    if (y.empty())
      throw ShapeError(where() + ": .output_shape returned a shape without axes; a sample has one at least");
    return {each_step_ ? y.prepend(inputs[0][0]) : y};
  }

  bool is_custom() const override { return true; }
  bool keeps_time(const std::vector<Shape>&) const override { return each_step_; }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<CustomNode>(class_name(), rule_, each_step_, declared_input(), options_for_copy(changes));
  }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    std::vector<CustomTensor> x;
    std::vector<Shape> shapes;
    bool gradient_wanted = false;
    for (const engine::Value v : inputs) {
      const ValueInfo info = builder.info(v);
      x.push_back({info, each_step_ ? info.time_steps() : 1});
      shapes.push_back(info.sample);
      gradient_wanted = gradient_wanted || builder.wants_gradient(v);
    }
    const engine::GradientPlace gradient = block_ == nullptr ? engine::GradientPlace{} : builder.gradient(block_);
    const engine::Value y = builder.value(output_shapes(shapes)[0], gradient || gradient_wanted);
    if (each_step_) builder.set_mask(y, x[0].info.mask);
    std::optional<engine::OuterPlace> penalties;
    if (rule_->loss && builder.penalizes()) penalties = builder.row_penalties();
    builder.add<CustomExecutor>(rule_, x, CustomTensor{builder.info(y), x[0].pieces}, block_, ranges_, gradient,
                                penalties, builder.as_in_training());
    return {y};
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    built_for_ = pieces_of(inputs);
    if (!rule_->weights) return;
    const std::vector<CustomWeight> weights = rule_->weights(built_for_);
    shapes_ = weights_of(built_for_);
    Size size = 0;
    for (const CustomWeight& w : weights) {
      if (!w.shape.fully_known() || w.shape.empty()) {
        throw ShapeError(where() + ": its weight '" + w.name + "' has shape " + to_string(w.shape) +
                         "; every size must be known, so must not depend on the number of samples or time steps");
      }
      const Index first = size.count("weights");
      size = size + w.shape.elements();
      ranges_.push_back({first, size.count("weights")});
    }
    if (weights.empty()) return;
    block_ = make_block(size.count("weights"), kernels::chosen());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const Index first = ranges_[i].begin;
      add_parameter(weights[i].name, weights[i].shape, block_, engine::PackedMap::contiguous(weights[i].shape, first),
                    weights[i].initializer,
                    layers::weight_rules(*this, weights[i].name, weights[i].shape, weights[i].regularizer,
                                         weights[i].constraint));
    }
  }

 private:
  // What the functions see.
  std::vector<Shape> pieces_of(const std::vector<Shape>& inputs) const {
    if (!each_step_) return inputs;
    std::vector<Shape> pieces;
    for (const Shape& x : inputs) pieces.push_back(x.from(1));
    return pieces;
  }

  std::vector<Shape> weights_of(const std::vector<Shape>& pieces) const {
    std::vector<Shape> shapes;
    if (!rule_->weights) return shapes;
    for (const CustomWeight& w : rule_->weights(pieces)) shapes.push_back(w.shape);
    return shapes;
  }

  std::shared_ptr<const CustomLayer> rule_;
  bool each_step_;
  std::vector<Shape> built_for_, shapes_;  // of inputs, as the functions see them, and of the weights
  std::vector<Range> ranges_;
  std::shared_ptr<engine::ParameterBlock> block_;
};

}  // namespace

Layer custom_layer(const std::string& class_name, CustomLayer rule, const CustomLayerOptions& options) {
  if (class_name.empty()) throw ConfigError("custom_layer needs a name for the layer's class");
  return graph::make_layer<CustomNode>(class_name, std::make_shared<const CustomLayer>(std::move(rule)),
                                       options.each_step, options.input_shape,
                                       graph::LayerOptions{options.name, options.dtype, options.trainable});
}

}  // namespace rondo
