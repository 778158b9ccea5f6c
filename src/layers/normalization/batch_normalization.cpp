// BatchNormalization: each channel scaled to mean beta and deviation gamma over the batch (Ioffe and Szegedy 2015).
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include <rondo/layers/normalization.hpp>

#include "core/element_size.hpp"
#include "core/options.hpp"
#include "kernels/table.hpp"
#include "layers/nodes.hpp"
#include "layers/parts/config.hpp"
#include "layers/parts/constraints.hpp"
#include "layers/parts/initializers.hpp"
#include "layers/parts/regularizers.hpp"
#include "layers/parts/shapes.hpp"
#include "layers/parts/weight_rules.hpp"

namespace rondo {

template <class Visitor>
void fields(Visitor& v, BatchNormalizationOptions& o) {
  v("axis", o.axis);
  v("momentum", o.momentum);
  v("epsilon", o.epsilon);
  v("center", o.center);
  v("scale", o.scale);
  v("beta_initializer", o.beta_initializer);
  v("gamma_initializer", o.gamma_initializer);
  v("moving_mean_initializer", o.moving_mean_initializer);
  v("moving_variance_initializer", o.moving_variance_initializer);
  v("beta_regularizer", o.beta_regularizer);
  v("gamma_regularizer", o.gamma_regularizer);
  v("beta_constraint", o.beta_constraint);
  v("gamma_constraint", o.gamma_constraint);
  v.absent("synchronized", false);
  for (const char* key : {"renorm", "renorm_clipping"}) v.refused(key);
}

namespace {

using engine::Place;
using engine::Run;
using graph::Json;

// What Keras adds to the number of steps that a mask lets count.
constexpr double kMaskEpsilon = 1e-7;

// Where the channels are: along the features, or along an axis before them, so that a step belongs to one channel.
struct ChannelAxis {
  Index channels = 1;
  Index inner = 1;  // steps in a row that share a channel
};

struct NormalizationRule {
  ChannelAxis axis;
  double momentum, epsilon;
  bool center, scale;
};

// What a walk of training knows of a channel. In double precision, since sums go over the whole batch.
struct Channel {
  double mean, variance, count;     // count: what the sums were divided by
  double sum_dy, sum_dy_deviation;  // over the batch: of dy, and of dy (x - mean)
};

struct NormalizationPlaces {
  bool of_batch = false;           // mean and variance, or the moving ones
  Place channels;                  // of Channel, where one of its numbers is needed
  engine::GradientPlace gradient;  // of gamma and beta; nowhere: there are none, or they are frozen
};

// y = (x - mean) gamma / sqrt(variance + epsilon) + beta. In training mean and variance are those of the batch: in a
// stage of its own each member takes its share of the channels and goes over all rows in order, so that no number of
// threads shows in the sums. Channel of a row's element i: kStride i behind the first one, so kStride is 1 along the
// features and 0 along other axes.
template <class T, Index kStride>
class BatchNormalizationExecutor final : public engine::Executor {
 public:
  BatchNormalizationExecutor(const NormalizationRule& rule, const engine::ValueInfo& x, const engine::ValueInfo& y,
                             const NormalizationPlaces& places, std::shared_ptr<engine::ParameterBlock> learned,
                             std::shared_ptr<engine::ParameterBlock> statistics)
      : rule_(rule), x_(x), y_(y), at_(places), learned_(std::move(learned)), statistics_(std::move(statistics)) {}

  Index forward_stages() const override { return at_.of_batch ? 3 : 1; }
  void forward(const Run& run, const engine::Member& member, Index stage) const noexcept override {
    if (stage + 1 == forward_stages()) return normalize(run, member.share(run.rows));
    if (stage == 1) find_moments(run, member.share(channels()));
  }

  Index backward_stages() const override { return at_.of_batch && x_.gradient ? 3 : 1; }
  void backward(const Run& run, const engine::Member& member, Index stage) const noexcept override {
    if (!x_.gradient) return;
    if (stage + 1 == backward_stages()) return spread(run, member.share(run.rows));
    if (stage == 1) find_sums(run, member.share(channels()));
  }

  // A tile is a channel.
  Index gradient_tiles() const override { return at_.gradient ? channels() : 0; }
  // They follow from sums over the whole batch, so the first shard has them, and the others have zeros.
  void gradients(const Run& run, Range rows, Range tiles) const noexcept override {
    const bool first = rows.begin == 0;
    if (first && !(at_.of_batch && x_.gradient)) find_sums(run, tiles);
    T* gradient = at_.gradient.pointer<T>(run);
    for (Index c = tiles.begin; c < tiles.end; ++c) {
      const Channel& channel = channels_at(run)[c];
      if (rule_.scale) put(gradient + c, first ? channel.sum_dy_deviation * inverse_deviation(run, c) : 0);
      if (rule_.center) put(gradient + first_beta() + c, first ? channel.sum_dy : 0);
    }
  }
  void add_gradients() override { adds_ = true; }

  void commit(const Run& run) const noexcept override {
    if (!at_.of_batch) return;
    T* moving = statistics_->values<T>();
    const auto move = [&](T& statistic, double batch) {
      statistic = static_cast<T>(static_cast<double>(statistic) * rule_.momentum + batch * (1 - rule_.momentum));
    };
    for (Index c = 0; c < channels(); ++c) {
      move(moving[c], channels_at(run)[c].mean);
      move(moving[channels() + c], channels_at(run)[c].variance);
    }
    // Those of a channel that has gone silent would fade to denormal numbers.
    statistics_->table().template ops<T>().zero_tiny(moving, statistics_->size());
    statistics_->touch();
  }

  double flops_per_row() const override {
    return (at_.of_batch ? 10.0 : 3.0) * static_cast<double>(y_.steps * y_.features);
  }

 private:
  // So many channels at a time: their numbers stand on the stack.
  static constexpr Index kPiece = kStride == 0 ? 1 : 64;
  template <class U>
  using Piece = std::array<U, static_cast<std::size_t>(kPiece)>;

  Index channels() const { return rule_.axis.channels; }
  Index first_beta() const { return rule_.scale ? channels() : 0; }
  Channel* channels_at(const Run& run) const noexcept { return at_.channels.pointer<Channel>(run.arena); }

  Index time_of(Index step) const { return step / x_.steps_in_time_step(); }

  double mean(const Run& run, Index c) const noexcept {
    return at_.of_batch ? channels_at(run)[c].mean : static_cast<double>(statistics_->values<T>()[c]);
  }
  // A variance beyond the dtype is not a number here: the loss must show it, where zeros would hide it.
  double inverse_deviation(const Run& run, Index c) const noexcept {
    if (!at_.of_batch) {
      return 1 / std::sqrt(static_cast<double>(statistics_->values<T>()[channels() + c]) + rule_.epsilon);
    }
    const double variance = channels_at(run)[c].variance;
    if (!std::isfinite(static_cast<T>(variance))) return std::numeric_limits<double>::quiet_NaN();
    return 1 / std::sqrt(variance + rule_.epsilon);
  }
  double gamma(Index c) const noexcept { return rule_.scale ? static_cast<double>(learned_->values<T>()[c]) : 1; }
  T beta(Index c) const noexcept { return rule_.center ? learned_->values<T>()[first_beta() + c] : T{0}; }

  void put(T* to, double gradient) const noexcept {
    *to = adds_ ? *to + static_cast<T>(gradient) : static_cast<T>(gradient);
  }

  template <class F>
  static void each_piece(Range channels, F f) {
    for (Index c = channels.begin; c < channels.end; c += kPiece) f(Range{c, std::min(c + kPiece, channels.end)});
  }
  // f(row, step) for all that belong to the channels of a piece.
  template <class F>
  void each_row(Range rows, Range piece, F f) const {
    for (Index t = 0; t < x_.steps; ++t) {
      if (kStride == 0 && t / rule_.axis.inner % channels() != piece.begin) continue;
      for (Index b = rows.begin; b < rows.end; ++b) f(b, t);
    }
  }
  // The first element of a row that belongs to a piece, and how many do.
  static Index first_element(Range piece) { return kStride * piece.begin; }
  Index elements(Range piece) const { return kStride == 0 ? x_.features : piece.size(); }
  static std::size_t in_piece(Index element) { return static_cast<std::size_t>(kStride * element); }

  void find_moments(const Run& run, Range share) const noexcept {
    const auto x = x_.data.rows<const T>(run.arena);
    const auto mask = x_.mask.rows<const std::uint8_t>(run.arena);
    each_piece(share, [&](Range piece) {
      const Index first = first_element(piece), n = elements(piece);
      Piece<double> mean{}, variance{};
      double count = mask ? kMaskEpsilon : 0;
      each_row({0, run.rows}, piece, [&](Index b, Index t) {
        if (mask && *mask.at(b, time_of(t)) == 0) return;
        const T* row = x.at(b, t) + first;
        for (Index i = 0; i < n; ++i) mean[in_piece(i)] += static_cast<double>(row[i]);
        count += static_cast<double>(kStride == 0 ? n : 1);
      });
      for (double& sum : mean) sum /= count;
      each_row({0, run.rows}, piece, [&](Index b, Index t) {
        if (mask && *mask.at(b, time_of(t)) == 0) return;
        const T* row = x.at(b, t) + first;
        for (Index i = 0; i < n; ++i) {
          const double deviation = static_cast<double>(row[i]) - mean[in_piece(i)];
          variance[in_piece(i)] += deviation * deviation;
        }
      });
      for (Index c = 0; c < piece.size(); ++c) {
        const auto i = static_cast<std::size_t>(c);
        Channel& channel = channels_at(run)[piece.begin + c];
        channel.mean = mean[i];
        channel.variance = variance[i] / count;
        channel.count = count;
      }
    });
  }

  void normalize(const Run& run, Range rows) const noexcept {
    const auto x = x_.data.rows<const T>(run.arena);
    const auto y = y_.data.rows<T>(run.arena);
    each_piece({0, channels()}, [&](Range piece) {
      const Index first = first_element(piece), n = elements(piece);
      Piece<T> mean{}, factor{}, shift{};
      for (Index c = piece.begin; c < piece.end; ++c) {
        const auto i = static_cast<std::size_t>(c - piece.begin);
        mean[i] = static_cast<T>(this->mean(run, c));
        factor[i] = static_cast<T>(gamma(c) * inverse_deviation(run, c));
        shift[i] = beta(c);
      }
      each_row(rows, piece, [&](Index b, Index t) {
        const T* from = x.at(b, t) + first;
        T* to = y.at(b, t) + first;
        for (Index i = 0; i < n; ++i) {
          const std::size_t c = in_piece(i);
          to[i] = (from[i] - mean[c]) * factor[c] + shift[c];
        }
      });
    });
  }

  void find_sums(const Run& run, Range share) const noexcept {
    const auto x = x_.data.rows<const T>(run.arena), dy = y_.gradient.rows<const T>(run.arena);
    each_piece(share, [&](Range piece) {
      const Index first = first_element(piece), n = elements(piece);
      Piece<double> mean{}, sum{}, product{};
      for (Index c = piece.begin; c < piece.end; ++c) {
        mean[static_cast<std::size_t>(c - piece.begin)] = this->mean(run, c);
      }
      each_row({0, run.rows}, piece, [&](Index b, Index t) {
        const T *row = x.at(b, t) + first, *slope = dy.at(b, t) + first;
        for (Index i = 0; i < n; ++i) {
          const std::size_t c = in_piece(i);
          sum[c] += static_cast<double>(slope[i]);
          product[c] += static_cast<double>(slope[i]) * (static_cast<double>(row[i]) - mean[c]);
        }
      });
      for (Index c = piece.begin; c < piece.end; ++c) {
        const auto i = static_cast<std::size_t>(c - piece.begin);
        channels_at(run)[c].sum_dy = sum[i];
        channels_at(run)[c].sum_dy_deviation = product[i];
      }
    });
  }

  // dx = a dy + b (x - mean) + c. The first term is that of fixed statistics; the others, for the elements that the
  // statistics were made of, come through variance and mean. With r = 1 / sqrt(variance + epsilon) and n their number:
  //
  //   a = gamma r   b = -a r^2 sum(dy (x - mean)) / n   c = -(a sum(dy) + b sum(x - mean)) / n
  //
  // sum(x - mean) is not zero under a mask, which adds kMaskEpsilon to n.
  void spread(const Run& run, Range rows) const noexcept {
    const auto x = x_.data.rows<const T>(run.arena), dy = y_.gradient.rows<const T>(run.arena);
    const auto dx = x_.gradient.rows<T>(run.arena);
    const auto mask = x_.mask.rows<const std::uint8_t>(run.arena);
    each_piece({0, channels()}, [&](Range piece) {
      const Index first = first_element(piece), n = elements(piece);
      Piece<T> mean{}, a{}, b{}, c{};
      for (Index k = piece.begin; k < piece.end; ++k) {
        const auto i = static_cast<std::size_t>(k - piece.begin);
        const double r = inverse_deviation(run, k), slope = gamma(k) * r;
        a[i] = static_cast<T>(slope);
        if (!at_.of_batch) continue;
        const Channel& channel = channels_at(run)[k];
        const double tilt = -slope * r * r * channel.sum_dy_deviation / channel.count;
        const double left_over = mask ? channel.mean * kMaskEpsilon : 0;
        mean[i] = static_cast<T>(channel.mean);
        b[i] = static_cast<T>(tilt);
        c[i] = static_cast<T>(-(slope * channel.sum_dy + tilt * left_over) / channel.count);
      }
      each_row(rows, piece, [&](Index row, Index t) {
        const T *from = x.at(row, t) + first, *outside = dy.at(row, t) + first;
        T* to = dx.at(row, t) + first;
        if (!at_.of_batch || (mask && *mask.at(row, time_of(t)) == 0)) {
          for (Index i = 0; i < n; ++i) to[i] = a[in_piece(i)] * outside[i];
          return;
        }
        for (Index i = 0; i < n; ++i) {
          const std::size_t k = in_piece(i);
          to[i] = a[k] * outside[i] + (b[k] * (from[i] - mean[k]) + c[k]);
        }
      });
    });
  }

  NormalizationRule rule_;
  engine::ValueInfo x_, y_;
  NormalizationPlaces at_;
  std::shared_ptr<engine::ParameterBlock> learned_, statistics_;  // gamma, beta; moving_mean, moving_variance
  bool adds_ = false;                                             // to gradients of other calls
};

template <class T>
using AlongFeatures = BatchNormalizationExecutor<T, 1>;
template <class T>
using AlongSteps = BatchNormalizationExecutor<T, 0>;

class BatchNormalizationNode final : public graph::LayerNode {
 public:
  BatchNormalizationNode(const BatchNormalizationOptions& options, const graph::LayerOptions& common)
      : LayerNode("BatchNormalization", common), options_(options) {
    if (options.axis == 0) {
      throw ConfigError(where() +
                        ": axis is 0, the batch, over which means are taken; the default, -1, is the last "
                        "axis, the features");
    }
    checked_option(where(), "momentum", options.momentum, Allowed::between_0_and_1);
    checked_option(where(), "epsilon", options.epsilon, Allowed::zero_or_more);
    declare_input(options.input_shape);
  }

  std::vector<Shape> output_shapes(const std::vector<Shape>& inputs) const override {
    const Shape& x = only_input(inputs);
    if (x.empty()) throw ShapeError(where() + " needs data of rank 2 or more: (batch, ..., features)");
    const Index size = x[sample_axis(x)];
    if (size < 1) {
      throw ShapeError(where() + " has weights for each place along axis " + axis_text() +
                       ", whose size must be known; the input is " + graph::batch_text(x));
    }
    if (built() && size != channels_) {
      throw ShapeError(where() + " was built for " + std::to_string(channels_) + " places along axis " + axis_text() +
                       "; the input " + graph::batch_text(x) + " has " + std::to_string(size));
    }
    return {x};
  }

  // Not where each time step has statistics of its own.
  bool keeps_time(const std::vector<Shape>& inputs) const override {
    return inputs.front().rank() == 1 || sample_axis(inputs.front()) > 0;
  }

  std::vector<engine::Value> plan(engine::PlanBuilder& builder,
                                  const std::vector<engine::Value>& inputs) const override {
    const engine::ValueInfo x = builder.info(inputs[0]);
    NormalizationPlaces at;
    if (learned_ != nullptr) at.gradient = builder.gradient(learned_);
    const engine::Value y = builder.value(x.sample, at.gradient || builder.wants_gradient(inputs[0]));
    builder.set_mask(y, x.mask);
    at.of_batch = builder.as_in_training() && trainable();
    if (at.of_batch || at.gradient) {
      at.channels =
          builder.elements(Size(channels_) * static_cast<Index>(sizeof(Channel) / element_size(builder.dtype())));
    }
    const Index axis = sample_axis(x.sample), last = x.sample.rank() - 1;
    NormalizationRule rule{{channels_}, options_.momentum, options_.epsilon, options_.center, options_.scale};
    for (Index a = axis + 1; a < last; ++a) rule.axis.inner *= x.sample[a];
    axis == last ? builder.add<AlongFeatures>(rule, x, builder.info(y), at, learned_, statistics_)
                 : builder.add<AlongSteps>(rule, x, builder.info(y), at, learned_, statistics_);
    return {y};
  }

  Json config() const override { return core::with_fields(LayerNode::config(), options_); }
  std::shared_ptr<LayerNode> copy(const graph::Changes& changes) const override {
    return std::make_shared<BatchNormalizationNode>(options_, options_for_copy(changes));
  }

 protected:
  void create_parameters(const std::vector<Shape>& inputs) override {
    const kernels::KernelTable& table = kernels::chosen();
    channels_ = inputs[0][sample_axis(inputs[0])];
    layers::require_countable_weights(*this, Size(channels_), Size(2));
    const Index learned = (options_.scale ? 1 : 0) + (options_.center ? 1 : 0);
    if (learned > 0) learned_ = make_block(learned * channels_, table);
    statistics_ = make_block(2 * channels_, table, engine::Role::statistics);
    const auto add = [&](const char* name, const auto& block, Index first, const Initializer& initializer,
                         const std::optional<Regularizer>& regularizer = {},
                         const std::optional<Constraint>& constraint = {}) {
      add_parameter(name, {channels_}, block, engine::PackedMap::contiguous({channels_}, first), initializer,
                    layers::weight_rules(*this, name, {channels_}, regularizer, constraint));
    };
    const BatchNormalizationOptions& o = options_;
    if (o.scale) add("gamma", learned_, 0, o.gamma_initializer, o.gamma_regularizer, o.gamma_constraint);
    if (o.center) {
      add("beta", learned_, o.scale ? channels_ : 0, o.beta_initializer, o.beta_regularizer, o.beta_constraint);
    }
    add("moving_mean", statistics_, 0, options_.moving_mean_initializer);
    add("moving_variance", statistics_, channels_, options_.moving_variance_initializer);
  }

 private:
  std::string axis_text() const { return std::to_string(options_.axis.value); }

  // Among the axes of a sample.
  Index sample_axis(const Shape& x) const {
    const Index axis = options_.axis < 0 ? options_.axis + x.rank() : options_.axis - 1;
    if (axis >= 0 && axis < x.rank()) return axis;
    throw ShapeError(where() + ": axis is " + axis_text() + ", the input " + graph::batch_text(x) + " has " +
                     std::to_string(x.rank() + 1) + " axes with the batch");
  }

  BatchNormalizationOptions options_;
  Index channels_ = 0;
  std::shared_ptr<engine::ParameterBlock> learned_, statistics_;
};

}  // namespace

BatchNormalization::BatchNormalization(const BatchNormalizationOptions& options)
    : Layer(graph::make_layer<BatchNormalizationNode>(
          options, graph::LayerOptions{options.name, options.dtype, options.trainable})) {}

std::shared_ptr<graph::LayerNode> layers::batch_normalization_from_config(const Json& config) {
  return node_from_config<BatchNormalizationNode, BatchNormalizationOptions>("BatchNormalization", config);
}

}  // namespace rondo
