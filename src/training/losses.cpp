#include "training/losses.hpp"

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "training/from_config.hpp"

namespace rondo {

// ---- options --------------------------------------------------------------------------------------------------------

namespace {

// What all losses list before their own options.
template <class Visitor>
void loss_fields(Visitor& v, const std::string& name) {
  v.constant("name", name);
  v.absent("reduction", "sum_over_batch_size");
}

// Of a loss that has no options.
struct NamedLoss {
  std::string name = {};
};

template <class Visitor>
void fields(Visitor& v, NamedLoss& loss) {
  loss_fields(v, loss.name);
}

}  // namespace

namespace losses {

template <class Visitor>
void fields(Visitor& v, BinaryCrossentropyOptions& o) {
  loss_fields(v, "binary_crossentropy");
  v("from_logits", o.from_logits);
  v("label_smoothing", o.label_smoothing);
  v.absent("axis", -1);
}

template <class Visitor>
void fields(Visitor& v, CategoricalCrossentropyOptions& o) {
  loss_fields(v, "categorical_crossentropy");
  v("from_logits", o.from_logits);
  v("label_smoothing", o.label_smoothing);
  v.absent("axis", -1);
}

template <class Visitor>
void fields(Visitor& v, SparseCategoricalCrossentropyOptions& o) {
  loss_fields(v, "sparse_categorical_crossentropy");
  v("from_logits", o.from_logits);
  v.absent("ignore_class");
  v.absent("axis", -1);
}

}  // namespace losses

// ---- rules ----------------------------------------------------------------------------------------------------------

namespace training {

bool labels_fit(Labels labels, const Shape& prediction, const Shape& truth) {
  const Index rank = prediction.rank();
  const bool last_axis_dropped = truth.rank() == rank - 1 && truth == prediction.without_last();
  if (labels != Labels::same) return last_axis_dropped || (truth.rank() == rank && truth == prediction.with(-1, 1));
  if (truth == prediction) return true;
  if (prediction.back() == 1 && last_axis_dropped) return true;
  return truth.rank() == rank + 1 && truth.back() == 1 && truth.without_last() == prediction;
}

std::string labels_mismatch(const std::string& who, Labels expected, const Shape& prediction, const Shape& truth) {
  const auto text = [](const Shape& sample) { return to_string(sample.prepend(Shape::kUnknown)); };
  std::string message =
      who + ": the labels y have shape " + text(truth) + ", the model's output has shape " + text(prediction) + ". ";
  if (expected == Labels::one) {
    return message + "It expects one number a row, y of shape " + text(prediction.with(-1, 1)) +
           " or without the last axis";
  }
  if (expected == Labels::sparse) {
    message += "It expects class numbers, y of shape " + text(prediction.with(-1, 1)) + " or without the last axis";
    if (truth == prediction) message += "; for one-hot labels use categorical_crossentropy";
    return message;
  }
  message += "It expects labels of the output's shape";
  if (prediction.back() > 1 && labels_fit(Labels::sparse, prediction, truth)) {
    return message + "; if y holds class numbers, use sparse_categorical_crossentropy (or Dense(1) for a single value)";
  }
  if (prediction.rank() == 2 && truth.rank() == 1) {
    return message +
           ". The output has a value for every time step: leave out return_sequences on the last recurrent "
           "layer for one per sample";
  }
  return message + ": change y, or the number of units of the last layer";
}

}  // namespace training

namespace {

using core::Json;
using kernels::LossKind;
using training::BoundLoss;
using training::Labels;
using training::LossFamily;
using Bound = std::shared_ptr<const BoundLoss>;

// One of the kernels' losses.
class BoundKernelLoss final : public BoundLoss {
 public:
  BoundKernelLoss(Labels labels, Traits traits, LossKind kind, double smoothing)
      : BoundLoss(labels, std::move(traits)), kind_(kind), smoothing_(smoothing) {}
  void rows(const kernels::Ops<float>& ops, kernels::LossArgs<float> args) const override { run(ops, args); }
  void rows(const kernels::Ops<double>& ops, kernels::LossArgs<double> args) const override { run(ops, args); }

 private:
  template <class T>
  void run(const kernels::Ops<T>& ops, kernels::LossArgs<T>& args) const {
    args.kind = kind_;
    args.label_smoothing = smoothing_;
    ops.loss(args);
  }

  LossKind kind_;
  double smoothing_;
};

class KernelLoss final : public detail::LossImpl {
 public:
  KernelLoss(BoundLoss::Traits traits, LossKind kind, Labels labels, Json config, double smoothing = 0)
      : bound_(std::make_shared<BoundKernelLoss>(labels, std::move(traits), kind, smoothing)),
        config_(std::move(config)) {}

  const std::string& name() const override { return bound_->traits().name; }
  Json config() const override { return config_; }
  Bound bind(const Shape& prediction, const Shape& truth) const override {
    if (!training::labels_fit(bound_->labels(), prediction, truth)) {
      throw ShapeError(training::labels_mismatch("loss '" + name() + "'", bound_->labels(), prediction, truth));
    }
    return bound_;
  }

 private:
  Bound bound_;
  Json config_;
};

// Keras's "crossentropy": one of three, by the shapes.
class AnyCrossentropy final : public detail::LossImpl {
 public:
  const std::string& name() const override { return name_; }
  Json config() const override { return {{"name", name_}}; }
  Bound bind(const Shape& prediction, const Shape& truth) const override {
    if (prediction.back() == 1) return losses::BinaryCrossentropy().impl().bind(prediction, truth);
    const bool sparse = truth.rank() < prediction.rank() || truth.back() == 1;
    if (sparse) return losses::SparseCategoricalCrossentropy().impl().bind(prediction, truth);
    return losses::CategoricalCrossentropy().impl().bind(prediction, truth);
  }

 private:
  std::string name_ = "crossentropy";
};

double checked_smoothing(const char* loss, Real smoothing) {
  return checked_option(loss, "label_smoothing", smoothing, Allowed::between_0_and_1);
}

template <class... Options>
Loss kernel_loss(BoundLoss::Traits traits, Options&&... options) {
  return detail::Access::make<Loss>(std::make_shared<KernelLoss>(std::move(traits), std::forward<Options>(options)...));
}

struct KnownLoss {
  Loss standard;
  Loss (*read)(const std::string& class_name, const Json& config) = nullptr;  // null: there are no options
};

template <class Class, class Options>
KnownLoss with_options() {
  return {Class(), [](const std::string& class_name, const Json& config) -> Loss {
            return core::from_fields<Class, Options>(class_name, config);
          }};
}

using KnownLosses = core::Registry<NameKind::loss, KnownLoss>;

// Keras's function names and short forms; class names and capitals are found through these.
const KnownLosses& known_losses() {
  static constinit Lazy<KnownLosses> known;
  return known.get([] {
    using namespace losses;
    return KnownLosses{
        {{"mean_squared_error", "mse"}, {MeanSquaredError()}},
        {{"mean_absolute_error", "mae"}, {MeanAbsoluteError()}},
        {{"binary_crossentropy", "bce"}, with_options<BinaryCrossentropy, BinaryCrossentropyOptions>()},
        {{"categorical_crossentropy"}, with_options<CategoricalCrossentropy, CategoricalCrossentropyOptions>()},
        {{"sparse_categorical_crossentropy"},
         with_options<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions>()},
        {{"crossentropy", "ce"}, {detail::Access::make<Loss>(std::make_shared<AnyCrossentropy>())}},
    };
  });
}

}  // namespace

Loss::Loss(const std::string& name) : Loss(known_losses().at(name, snake_case(name)).standard) {}

core::Json training::to_config(const Loss& loss) {
  if (loss.name() == "crossentropy") return loss.name();  // not a class of Keras's
  return {{"class_name", camel_case(loss.name())}, {"config", loss.impl().config()}};
}

Loss training::loss_from_config(const core::Json& config) {
  const core::Serialized given = core::serialized("loss", config);
  if (!given.name.empty()) return given.name;
  const KnownLoss& known = known_losses().at(given.class_name, snake_case(given.class_name));
  if (known.read != nullptr) return known.read(given.class_name, given.config);
  NamedLoss none;
  core::read_fields(given.class_name, given.config, none);
  return known.standard;
}

const std::string& Loss::name() const { return impl_->name(); }

Losses::Losses(std::initializer_list<std::pair<const char*, Loss>> named) {
  for (const auto& [name, loss] : named) {
    names_.emplace_back(name);
    losses_.push_back(loss);
  }
}

LossWeights::LossWeights(std::initializer_list<Real> weights) : weights_(weights.begin(), weights.end()) {}

LossWeights::LossWeights(std::initializer_list<std::pair<const char*, Real>> named) {
  for (const auto& [name, weight] : named) {
    names_.emplace_back(name);
    weights_.push_back(weight);
  }
}

namespace losses {

MeanSquaredError::MeanSquaredError()
    : Loss(kernel_loss({.name = "mean_squared_error", .class_name = "MeanSquaredError"}, LossKind::mean_squared_error,
                       Labels::same, core::config_of(NamedLoss{"mean_squared_error"}))) {}

MeanAbsoluteError::MeanAbsoluteError()
    : Loss(kernel_loss({.name = "mean_absolute_error", .class_name = "MeanAbsoluteError"},
                       LossKind::mean_absolute_error, Labels::same,
                       core::config_of(NamedLoss{"mean_absolute_error"}))) {}

BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyOptions o)
    : Loss(kernel_loss({LossFamily::binary, o.from_logits, "binary_crossentropy", "BinaryCrossentropy"},
                       o.from_logits ? LossKind::binary_crossentropy_from_logits : LossKind::binary_crossentropy,
                       Labels::same, core::config_of(o), checked_smoothing("BinaryCrossentropy", o.label_smoothing))) {}

CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyOptions o)
    : Loss(kernel_loss(
          {LossFamily::categorical, o.from_logits, "categorical_crossentropy", "CategoricalCrossentropy"},
          o.from_logits ? LossKind::categorical_crossentropy_from_logits : LossKind::categorical_crossentropy,
          Labels::same, core::config_of(o), checked_smoothing("CategoricalCrossentropy", o.label_smoothing))) {}

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o)
    : Loss(kernel_loss(
          {LossFamily::categorical, o.from_logits, "sparse_categorical_crossentropy", "SparseCategoricalCrossentropy"},
          o.from_logits ? LossKind::sparse_categorical_crossentropy_from_logits
                        : LossKind::sparse_categorical_crossentropy,
          Labels::sparse, core::config_of(o))) {}

}  // namespace losses
}  // namespace rondo
