// Dropout: in training some numbers become zero, the others larger, so that the mean stays (Srivastava et al. 2014).
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include <rondo/layers.hpp>
#include <rondo/random.hpp>

#include "core/names.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"

namespace rondo {

namespace {

// How the draw for an element depends on its place: on the row, the step and the feature, unless they share one.
struct DrawStrides {
  Index row = 0, feature = 0;
  std::vector<Index> steps;  // of each step
};

struct DropoutRule {
  std::uint64_t seed;
  std::uint32_t layer;
  Index call;
  double rate;
  DrawStrides strides;
};

// y = x factor, where factor is 0 with probability `rate` and else 1 / (1 - rate). Draws are a function of the seed,
// the layer, which of its calls this is, the training step and the place in the batch: threads, targets and how much
// room the plan has change nothing.
template <class T>
class DropoutExecutor final : public engine::Executor {
 public:
  DropoutExecutor(const DropoutRule& rule, const engine::ValueInfo& x, const engine::ValueInfo& y,
                  const engine::Place& factors)
      : rule_(rule),
        keep_from_(static_cast<std::uint32_t>(std::min(rule.rate * 0x1p32, 0x1p32 - 1))),
        x_(x),
        y_(y),
        factors_(factors) {}

  void forward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    const Range rows = member.share(run.rows);
    draw(run, rows);
    multiply(run, rows, x_.data.rows<const T>(run.arena), y_.data.rows<T>(run.arena));
  }

  void backward(const engine::Run& run, const engine::Member& member, Index /*stage*/) const noexcept override {
    if (!x_.gradient) return;
    multiply(run, member.share(run.rows), y_.gradient.rows<const T>(run.arena), x_.gradient.rows<T>(run.arena));
  }

  double flops_per_row() const override { return 10.0 * static_cast<double>(y_.steps * y_.features); }

 private:
  // One block of the generator serves four places one after the other.
  void draw(const engine::Run& run, Range rows) const noexcept {
    // Each walk of a body has a key of its own; the first one that of a layer that is walked once.
    const std::uint64_t seed = rule_.seed + static_cast<std::uint64_t>(run.repetition) * 0x9E3779B97F4A7C15;
    const RandomStream stream(seed, Purpose::dropout, rule_.layer, static_cast<std::uint32_t>(run.training_step));
    const auto factors = factors_.rows<T>(run.arena);
    const T kept = rule_.rate < 1 ? static_cast<T>(1 / (1 - rule_.rate)) : T{0};
    const std::uint64_t call = static_cast<std::uint64_t>(rule_.call) << 48 | static_cast<std::uint64_t>(run.repetition)
                                                                                  << 32;
    for (Index t = 0; t < y_.steps; ++t) {
      for (Index b = rows.begin; b < rows.end; ++b) {
        std::array<std::uint32_t, 4> words{};
        std::uint64_t drawn = ~std::uint64_t{0};  // which block that is
        const Index first = (run.first_row + b) * rule_.strides.row + rule_.strides.steps[static_cast<std::size_t>(t)];
        T* row = factors.at(b, t);
        for (Index i = 0; i < y_.features; ++i) {
          const auto place = static_cast<std::uint64_t>(first + i * rule_.strides.feature);
          if (place / 4 != drawn) words = stream.block(call | (drawn = place / 4));
          row[i] = words[place % 4] >= keep_from_ ? kept : T{0};
        }
      }
    }
  }

  void multiply(const engine::Run& run, Range rows, kernels::Rows<const T> from, kernels::Rows<T> to) const noexcept {
    const auto factors = factors_.rows<const T>(run.arena);
    for (Index t = 0; t < y_.steps; ++t) {
      for (Index b = rows.begin; b < rows.end; ++b) {
        const T *source = from.at(b, t), *factor = factors.at(b, t);
        T* out = to.at(b, t);
        for (Index i = 0; i < y_.features; ++i) out[i] = source[i] * factor[i];
      }
    }
  }

  DropoutRule rule_;
  std::uint32_t keep_from_;
  engine::ValueInfo x_, y_;
  engine::Place factors_;
};

class DropoutNode final : public graph::LayerNode {
 public:
  DropoutNode(double rate, const DropoutOptions& options, const graph::LayerOptions& common)
      : LayerNode("Dropout", common), rate_(rate), seed_(options.seed), noise_shape_(options.noise_shape) {
    if (!(rate >= 0 && rate <= 1)) {
      throw ConfigError(where() + ": rate is " + number_text(rate) +
                        "; it is the part of the numbers that become zero, " + "between 0 and 1");
    }
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = only_input(inputs);
    if (noise_shape_.empty()) return {x};
    bool fits = noise_shape_.rank() == x.rank() + 1;
    for (Index axis = 0; fits && axis < x.rank(); ++axis) {
      const Index noise = noise_shape_[axis + 1];
      fits = noise == 1 || noise == Shape::kUnknown || x[axis] == Shape::kUnknown || noise == x[axis];
    }
    if (fits) return {x};
    throw ShapeError(where() + ": noise_shape " + to_string(noise_shape_) + " does not fit the input " +
                     graph::batch_text(x) + "; each size is that of the input, None, or 1 for one draw along the axis");
  }
  bool works_row_by_row() const override { return noise_shape_.empty(); }
  bool keeps_time(const std::vector<Shape>&) const override { return true; }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    if (!builder.training() || rate_ == 0) return inputs;
    const engine::ValueInfo x = builder.info(inputs[0]);
    const engine::Value y = builder.value(x.sample, builder.wants_gradient(inputs[0]));
    builder.set_mask(y, x.mask);
    const DropoutRule rule{seed_.value_or(seed()), number(), builder.call_number(this), rate_, strides(x)};
    builder.add<DropoutExecutor>(rule, x, builder.info(y), builder.rows(x.steps, x.features));
    return {y};
  }

  graph::Json config() const override {
    graph::Json config = LayerNode::config();
    config["rate"] = rate_;
    config["seed"] = seed_ ? graph::Json(*seed_) : graph::Json(nullptr);
    config["noise_shape"] = nullptr;
    if (!noise_shape_.empty()) {
      config["noise_shape"] = graph::Json::array();
      for (const Index size : noise_shape_) {
        config["noise_shape"].push_back(size == Shape::kUnknown ? graph::Json(nullptr) : graph::Json(size));
      }
    }
    return config;
  }

 private:
  // Of the draws: row-major, with no stride along axes that share one.
  DrawStrides strides(const engine::ValueInfo& x) const {
    const auto shared = [&](Index axis) { return !noise_shape_.empty() && noise_shape_[axis] == 1; };  // with the batch
    DrawStrides strides;
    const Index rank = x.sample.rank();
    strides.feature = shared(rank) ? 0 : 1;
    const Index row_features = round_up(shared(rank) ? 1 : x.features, 4);  // so that a row's blocks are its own
    for (Index step = 0; step < x.steps; ++step) {
      Index rest = step, place = 0, stride = row_features;
      for (Index axis = rank - 2; axis >= 0; --axis) {
        if (!shared(axis + 1)) {
          place += rest % x.sample[axis] * stride;
          stride *= x.sample[axis];
        }
        rest /= x.sample[axis];
      }
      strides.steps.push_back(place);
      strides.row = stride;
    }
    if (shared(0)) strides.row = 0;
    return strides;
  }

  double rate_;
  std::optional<std::uint64_t> seed_;
  Shape noise_shape_;
};

}  // namespace

Dropout::Dropout(Real rate, const DropoutOptions& options)
    : Layer(graph::make_layer<DropoutNode>(rate.value, options, graph::LayerOptions{options.name, options.dtype})) {}

std::shared_ptr<graph::LayerNode> layers::dropout_from_config(const graph::Json& config) {
  DropoutOptions options;
  if (config.contains("seed") && config["seed"].is_number()) options.seed = config["seed"].get<std::uint64_t>();
  if (config.contains("noise_shape") && config["noise_shape"].is_array()) {
    std::vector<Index> sizes;
    for (const graph::Json& size : config["noise_shape"]) {
      sizes.push_back(size.is_null() ? Shape::kUnknown : size.get<Index>());
    }
    options.noise_shape = Shape(sizes);
  }
  return std::make_shared<DropoutNode>(config.at("rate").get<double>(), options, common_options(config));
}

}  // namespace rondo
