#include "training/losses.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <type_traits>

#include <rondo/error.hpp>

#include "core/access.hpp"
#include "core/fields.hpp"
#include "core/fork_safe.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/registry.hpp"
#include "training/batch_losses.hpp"
#include "training/from_config.hpp"
#include "training/function_rows.hpp"
#include "training/row_losses.hpp"

namespace rondo {

// ---- options --------------------------------------------------------------------------------------------------------

namespace {

// What all losses list before their own options.
template <class Visitor, class Options>
void loss_fields(Visitor& v, const char* name, Options& o) {
  v.constant("name", name);
  v("reduction", o.reduction);
}

// The same of crossentropies of probabilities.
template <class Visitor, class Options>
void crossentropy_fields(Visitor& v, const char* name, Options& o) {
  loss_fields(v, name, o);
  v("from_logits", o.from_logits);
  v("label_smoothing", o.label_smoothing);
  v.absent("axis", -1);
}

// Axes that may be left out.
template <class Visitor>
void axis_field(Visitor& v, std::vector<Index>& axis) {
  std::optional<std::vector<Index>> given;
  if (!axis.empty()) given = axis;
  v("axis", given);
  axis = given.value_or(std::vector<Index>{});
}

// Of a loss without options of its own.
struct PlainLoss {
  const char* name = "";
  losses::LossOptions options = {};
};

template <class Visitor>
void fields(Visitor& v, PlainLoss& loss) {
  loss_fields(v, loss.name, loss.options);
  if (std::string_view(loss.name) == "cosine_similarity") v.refused("axis", -1);
}

}  // namespace

namespace losses {

template <class Visitor>
void fields(Visitor& v, HuberOptions& o) {
  loss_fields(v, "huber_loss", o);
  v("delta", o.delta);
}

template <class Visitor>
void fields(Visitor& v, MeanAbsoluteScaledErrorOptions& o) {
  loss_fields(v, "mean_absolute_scaled_error", o);
  v("scale", o.scale);
}

template <class Visitor>
void fields(Visitor& v, QuantileOptions& o) {
  loss_fields(v, "quantile", o);
  v("quantiles", o.quantiles);
}

template <class Visitor>
void fields(Visitor& v, BinaryCrossentropyOptions& o) {
  crossentropy_fields(v, "binary_crossentropy", o);
}

template <class Visitor>
void fields(Visitor& v, CategoricalCrossentropyOptions& o) {
  crossentropy_fields(v, "categorical_crossentropy", o);
}

template <class Visitor>
void fields(Visitor& v, SparseCategoricalCrossentropyOptions& o) {
  loss_fields(v, "sparse_categorical_crossentropy", o);
  v("from_logits", o.from_logits);
  v("ignore_class", o.ignore_class);
  v.absent("axis", -1);
}

template <class Visitor>
void fields(Visitor& v, BinaryFocalCrossentropyOptions& o) {
  crossentropy_fields(v, "binary_focal_crossentropy", o);
  v("apply_class_balancing", o.apply_class_balancing);
  v("alpha", o.alpha);
  v("gamma", o.gamma);
}

template <class Visitor>
void fields(Visitor& v, CategoricalFocalCrossentropyOptions& o) {
  crossentropy_fields(v, "categorical_focal_crossentropy", o);
  v("alpha", o.alpha);
  v("gamma", o.gamma);
}

template <class Visitor>
void fields(Visitor& v, CategoricalGeneralizedCrossEntropyOptions& o) {
  loss_fields(v, "categorical_generalized_cross_entropy", o);
  v("q", o.q);
}

template <class Visitor>
void fields(Visitor& v, DiceOptions& o) {
  loss_fields(v, "dice", o);
  axis_field(v, o.axis);
}

template <class Visitor>
void fields(Visitor& v, TverskyOptions& o) {
  loss_fields(v, "tversky", o);
  v("alpha", o.alpha);
  v("beta", o.beta);
  axis_field(v, o.axis);
}

template <class Visitor>
void fields(Visitor& v, CircleOptions& o) {
  loss_fields(v, "circle", o);
  v("gamma", o.gamma);
  v("margin", o.margin);
  v("remove_diagonal", o.remove_diagonal);
}

}  // namespace losses

// ---- rules ----------------------------------------------------------------------------------------------------------

namespace training {

bool labels_fit(Labels labels, const Shape& prediction, const Shape& truth) {
  const Index rank = prediction.rank();
  const bool last_axis_dropped = truth.rank() == rank - 1 && truth == prediction.without_last();
  if (labels == Labels::sequence) return rank == 2 && truth.rank() == 1;
  if (labels != Labels::same) return last_axis_dropped || (truth.rank() == rank && truth == prediction.with(-1, 1));
  if (truth == prediction) return true;
  if (prediction.back() == 1 && last_axis_dropped) return true;
  return truth.rank() == rank + 1 && truth.back() == 1 && truth.without_last() == prediction;
}

namespace {

std::string labels_mismatch(const std::string& who, Labels expected, const Shape& prediction, const Shape& truth) {
  const auto text = [](const Shape& sample) { return to_string(sample.prepend(Shape::kUnknown)); };
  std::string message =
      who + ": the labels y have shape " + text(truth) + ", the model's output has shape " + text(prediction) + ". ";
  if (expected == Labels::sequence) {
    return message +
           "It expects outputs (None, timesteps, classes) and for each sample a sequence of class numbers, y " +
           "of shape (None, labels)";
  }
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

}  // namespace

void require_labels_fit(const std::string& who, Labels labels, const Shape& prediction, const Shape& truth) {
  if (!labels_fit(labels, prediction, truth)) throw ShapeError(labels_mismatch(who, labels, prediction, truth));
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

class FixedLoss final : public detail::LossImpl {
 public:
  FixedLoss(Bound bound, Json config, const training::PredictionsInRow& predictions)
      : bound_(std::move(bound)), config_(std::move(config)), predictions_(predictions) {}

  const std::string& name() const override { return bound_->traits().name; }
  std::string class_name() const override { return bound_->traits().class_name; }
  Json config() const override { return config_; }
  training::Reduction reduction() const override { return bound_->traits().reduction; }
  Bound bind(const Shape& prediction, const Shape& truth) const override {
    if (predictions_.count > 0 && prediction.back() != predictions_.count) {
      throw ShapeError("loss '" + name() + "' takes " + std::to_string(predictions_.count) + " predictions in a row, " +
                       predictions_.what + "; the model's output has shape " +
                       to_string(prediction.prepend(Shape::kUnknown)));
    }
    training::require_labels_fit("loss '" + name() + "'", bound_->labels(), prediction, truth);
    return bound_;
  }

 private:
  Bound bound_;
  Json config_;
  training::PredictionsInRow predictions_;
};

// One of the kernels' losses of class numbers, a class of which does not count.
class IgnoringLoss final : public BoundLoss {
 public:
  IgnoringLoss(Bound all, Index ignored)
      : BoundLoss(all->labels(), with_ignored(all->traits(), ignored)), all_(std::move(all)) {}
  void rows(const kernels::Ops<float>& ops, kernels::LossArgs<float> args) const override { run(ops, args); }
  void rows(const kernels::Ops<double>& ops, kernels::LossArgs<double> args) const override { run(ops, args); }

 private:
  static Traits with_ignored(Traits traits, Index ignored) {
    traits.ignored_class = ignored;
    return traits;
  }

  template <class T>
  void run(const kernels::Ops<T>& ops, kernels::LossArgs<T>& args) const {
    const Index rows = std::exchange(args.rows, 1);
    for (Index r = 0; r < rows; ++r) {
      if (*args.truth != static_cast<T>(*traits().ignored_class)) {
        all_->rows(ops, args);
      } else {
        *args.value = 0;
        if (args.gradient != nullptr) std::fill_n(args.gradient, args.features, T{0});
      }
      args.truth += args.truth_stride;
      args.prediction += args.prediction_stride;
      ++args.value;
      if (args.gradient != nullptr) args.gradient += args.gradient_stride;
      if (args.row_weights != nullptr) ++args.row_weights;
    }
  }

  Bound all_;
};

// Keras's "crossentropy": one of three, by the shapes.
class AnyCrossentropy final : public detail::LossImpl {
 public:
  const std::string& name() const override { return name_; }
  std::string class_name() const override { return ""; }  // none of Keras's
  Json config() const override { return {{"name", name_}}; }
  training::Reduction reduction() const override { return training::Reduction::mean; }
  Bound bind(const Shape& prediction, const Shape& truth) const override {
    if (prediction.back() == 1) return losses::BinaryCrossentropy().impl().bind(prediction, truth);
    const bool sparse = truth.rank() < prediction.rank() || truth.back() == 1;
    if (sparse) return losses::SparseCategoricalCrossentropy().impl().bind(prediction, truth);
    return losses::CategoricalCrossentropy().impl().bind(prediction, truth);
  }

 private:
  std::string name_ = "crossentropy";
};

// What all losses take: their class and their reduction, checked.
BoundLoss::Traits traits(const char* name, const char* class_name, const std::string& reduction,
                         LossFamily family = LossFamily::regression, bool from_logits = false) {
  using training::Reduction;
  Reduction rule = Reduction::mean;
  if (reduction == "sum") {
    rule = Reduction::sum;
  } else if (reduction == "mean_with_sample_weight") {
    rule = Reduction::weighted_mean;
  } else if (reduction == "none") {
    rule = Reduction::none;
  } else if (reduction != "sum_over_batch_size" && reduction != "mean") {
    throw ConfigError(std::string(class_name) + ": the option reduction = \"" + reduction +
                      "\" is not known; there are 'sum_over_batch_size', 'mean', 'sum', 'mean_with_sample_weight' and "
                      "'none'");
  }
  return {family, from_logits, name, class_name, rule};
}

double checked_smoothing(const char* loss, Real smoothing) {
  return checked_option(loss, "label_smoothing", smoothing, Allowed::between_0_and_1);
}

template <class Options>
Loss kernel_loss(BoundLoss::Traits traits, LossKind kind, Labels labels, const Options& options, double smoothing = 0) {
  return training::fixed_loss(std::make_shared<BoundKernelLoss>(labels, std::move(traits), kind, smoothing),
                              core::config_of(options));
}

template <class Options>
Loss row_loss(BoundLoss::Traits traits, LossFunction function, const Options& options, Labels labels = Labels::same) {
  return training::fixed_loss(std::make_shared<training::FunctionRows>(labels, std::move(traits), std::move(function)),
                              core::config_of(options));
}

// One without options of its own.
Loss plain_loss(const char* name, const char* class_name, const losses::LossOptions& o, LossFunction function) {
  return row_loss(traits(name, class_name, o.reduction), std::move(function), PlainLoss{name, o});
}

struct KnownLoss {
  Loss standard;
  Loss (*read)(const std::string& class_name, const Json& config);
};

template <class Class, class Options = losses::LossOptions>
KnownLoss known() {
  return {Class(), [](const std::string& class_name, const Json& config) -> Loss {
            if constexpr (std::is_same_v<Options, losses::LossOptions>) {
              const std::string name = Class().name();
              PlainLoss loss{name.c_str()};
              core::read_fields(class_name, config, loss);
              return Class(loss.options);
            } else {
              return core::from_fields<Class, Options>(class_name, config);
            }
          }};
}

using KnownLosses = core::Registry<NameKind::loss, KnownLoss>;

// Keras's function names and short forms; class names and capitals are found through these.
const KnownLosses& known_losses() {
  static constinit Lazy<KnownLosses> all;
  return all.get([] {
    using namespace losses;
    return KnownLosses{
        {{"mean_squared_error", "mse"}, known<MeanSquaredError>()},
        {{"mean_absolute_error", "mae"}, known<MeanAbsoluteError>()},
        {{"mean_absolute_percentage_error", "mape"}, known<MeanAbsolutePercentageError>()},
        {{"mean_squared_logarithmic_error", "msle"}, known<MeanSquaredLogarithmicError>()},
        {{"huber"}, known<Huber, HuberOptions>()},
        {{"log_cosh"}, known<LogCosh>()},
        {{"poisson"}, known<Poisson>()},
        {{"cosine_similarity"}, known<CosineSimilarity>()},
        {{"quantile"}, known<Quantile, QuantileOptions>()},
        {{"gaussian_likelihood"}, known<GaussianLikelihood>()},
        {{"student_t_likelihood"}, known<StudentTLikelihood>()},
        {{"mean_absolute_scaled_error", "mase"}, known<MeanAbsoluteScaledError, MeanAbsoluteScaledErrorOptions>()},
        {{"kl_divergence", "kld"}, known<KLDivergence>()},
        {{"hinge"}, known<Hinge>()},
        {{"squared_hinge"}, known<SquaredHinge>()},
        {{"categorical_hinge"}, known<CategoricalHinge>()},
        {{"dice"}, known<Dice, DiceOptions>()},
        {{"tversky"}, known<Tversky, TverskyOptions>()},
        {{"circle"}, known<Circle, CircleOptions>()},
        {{"ctc"}, known<CTC>()},
        {{"binary_crossentropy", "bce"}, known<BinaryCrossentropy, BinaryCrossentropyOptions>()},
        {{"categorical_crossentropy"}, known<CategoricalCrossentropy, CategoricalCrossentropyOptions>()},
        {{"sparse_categorical_crossentropy"},
         known<SparseCategoricalCrossentropy, SparseCategoricalCrossentropyOptions>()},
        {{"binary_focal_crossentropy"}, known<BinaryFocalCrossentropy, BinaryFocalCrossentropyOptions>()},
        {{"categorical_focal_crossentropy"},
         known<CategoricalFocalCrossentropy, CategoricalFocalCrossentropyOptions>()},
        {{"categorical_generalized_cross_entropy"},
         known<CategoricalGeneralizedCrossEntropy, CategoricalGeneralizedCrossEntropyOptions>()},
        {{"crossentropy", "ce"}, {detail::Access::make<Loss>(std::make_shared<AnyCrossentropy>()), nullptr}},
    };
  });
}

}  // namespace

Loss::Loss(const std::string& name) : Loss(known_losses().at(name, snake_case(name)).standard) {}

Loss training::fixed_loss(std::shared_ptr<const BoundLoss> rule, Json config, const PredictionsInRow& predictions) {
  return detail::Access::make<Loss>(std::make_shared<FixedLoss>(std::move(rule), std::move(config), predictions));
}

core::Json training::to_config(const Loss& loss) {
  if (loss.impl().class_name().empty()) return loss.name();
  return core::serialize("keras.losses", loss.impl().class_name(), loss.impl().config());
}

Loss training::loss_from_config(const core::Json& config) {
  const core::Serialized given = core::serialized("loss", config);
  if (!given.name.empty()) return given.name;
  const KnownLoss& known = known_losses().at(given.class_name, snake_case(given.class_name));
  return known.read == nullptr ? known.standard : known.read(given.class_name, given.config);
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

MeanSquaredError::MeanSquaredError(const LossOptions& o)
    : Loss(kernel_loss(traits("mean_squared_error", "MeanSquaredError", o.reduction), LossKind::mean_squared_error,
                       Labels::same, PlainLoss{"mean_squared_error", o})) {}

MeanAbsoluteError::MeanAbsoluteError(const LossOptions& o)
    : Loss(kernel_loss(traits("mean_absolute_error", "MeanAbsoluteError", o.reduction), LossKind::mean_absolute_error,
                       Labels::same, PlainLoss{"mean_absolute_error", o})) {}

MeanAbsolutePercentageError::MeanAbsolutePercentageError(const LossOptions& o)
    : Loss(plain_loss("mean_absolute_percentage_error", "MeanAbsolutePercentageError", o,
                      training::mean_absolute_percentage_error())) {}

MeanSquaredLogarithmicError::MeanSquaredLogarithmicError(const LossOptions& o)
    : Loss(plain_loss("mean_squared_logarithmic_error", "MeanSquaredLogarithmicError", o,
                      training::mean_squared_logarithmic_error())) {}

Huber::Huber(const HuberOptions& o)
    : Loss(row_loss(traits("huber", "Huber", o.reduction),
                    training::huber(checked_option("Huber", "delta", o.delta, Allowed::above_0)), o)) {}

LogCosh::LogCosh(const LossOptions& o) : Loss(plain_loss("log_cosh", "LogCosh", o, training::log_cosh())) {}

Poisson::Poisson(const LossOptions& o) : Loss(plain_loss("poisson", "Poisson", o, training::poisson())) {}

CosineSimilarity::CosineSimilarity(const LossOptions& o)
    : Loss(plain_loss("cosine_similarity", "CosineSimilarity", o, training::cosine_similarity())) {}

namespace {

Loss quantile_loss(const QuantileOptions& o) {
  if (o.quantiles.empty()) throw ConfigError("Quantile needs one of .quantiles at least, such as {0.1, 0.5, 0.9}");
  for (const double q : o.quantiles) {
    if (q > 0 && q < 1) continue;
    throw ConfigError("Quantile: a quantile is " + number_text(q) + "; it must lie between 0 and 1");
  }
  const auto count = static_cast<Index>(o.quantiles.size());
  return training::fixed_loss(std::make_shared<training::FunctionRows>(count == 1 ? Labels::same : Labels::one,
                                                                       traits("quantile", "Quantile", o.reduction),
                                                                       training::quantile(o.quantiles)),
                              core::config_of(o), {count == 1 ? 0 : count, "one for each quantile"});
}

// Of the parameters of a density for one label.
Loss likelihood(const char* name, const char* class_name, const LossOptions& o, LossFunction function,
                const training::PredictionsInRow& parameters) {
  return training::fixed_loss(
      std::make_shared<training::FunctionRows>(Labels::one, traits(name, class_name, o.reduction), std::move(function)),
      core::config_of(PlainLoss{name, o}), parameters);
}

}  // namespace

Quantile::Quantile(const QuantileOptions& o) : Loss(quantile_loss(o)) {}

GaussianLikelihood::GaussianLikelihood(const LossOptions& o)
    : Loss(likelihood("gaussian_likelihood", "GaussianLikelihood", o, training::gaussian_likelihood(),
                      {2, "mean and deviation"})) {}

StudentTLikelihood::StudentTLikelihood(const LossOptions& o)
    : Loss(likelihood("student_t_likelihood", "StudentTLikelihood", o, training::student_t_likelihood(),
                      {3, "location, scale and degrees of freedom"})) {}

MeanAbsoluteScaledError::MeanAbsoluteScaledError(const MeanAbsoluteScaledErrorOptions& o)
    : Loss(row_loss(traits("mean_absolute_scaled_error", "MeanAbsoluteScaledError", o.reduction),
                    training::mean_absolute_scaled_error(
                        checked_option("MeanAbsoluteScaledError", "scale", o.scale, Allowed::above_0)),
                    o)) {}

double naive_error(const Tensor& series, Dim season) {
  if (season < 1) {
    throw ConfigError("naive_error: season is " + std::to_string(season.value) + "; it must be 1 or more");
  }
  if (series.rank() < 1 || series.shape()[0] <= season) {
    throw ShapeError("naive_error: the series has shape " + to_string(series.shape()) + "; it must be longer than " +
                     std::to_string(season.value));
  }
  const std::vector<double> y = series.to_vector();
  const auto back = static_cast<std::size_t>(season * (series.size() / series.shape()[0]));
  double sum = 0;
  for (std::size_t i = back; i < y.size(); ++i) sum += std::abs(y[i] - y[i - back]);
  return sum / static_cast<double>(y.size() - back);
}

KLDivergence::KLDivergence(const LossOptions& o)
    : Loss(plain_loss("kl_divergence", "KLDivergence", o, training::kl_divergence())) {}

CategoricalHinge::CategoricalHinge(const LossOptions& o)
    : Loss(plain_loss("categorical_hinge", "CategoricalHinge", o, training::categorical_hinge())) {}

BinaryCrossentropy::BinaryCrossentropy(BinaryCrossentropyOptions o)
    : Loss(kernel_loss(
          traits("binary_crossentropy", "BinaryCrossentropy", o.reduction, LossFamily::binary, o.from_logits),
          o.from_logits ? LossKind::binary_crossentropy_from_logits : LossKind::binary_crossentropy, Labels::same, o,
          checked_smoothing("BinaryCrossentropy", o.label_smoothing))) {}

CategoricalCrossentropy::CategoricalCrossentropy(CategoricalCrossentropyOptions o)
    : Loss(kernel_loss(
          traits("categorical_crossentropy", "CategoricalCrossentropy", o.reduction, LossFamily::categorical,
                 o.from_logits),
          o.from_logits ? LossKind::categorical_crossentropy_from_logits : LossKind::categorical_crossentropy,
          Labels::same, o, checked_smoothing("CategoricalCrossentropy", o.label_smoothing))) {}

namespace {

Bound sparse_crossentropy(const SparseCategoricalCrossentropyOptions& o) {
  Bound all = std::make_shared<BoundKernelLoss>(
      Labels::sparse,
      traits("sparse_categorical_crossentropy", "SparseCategoricalCrossentropy", o.reduction, LossFamily::categorical,
             o.from_logits),
      o.from_logits ? LossKind::sparse_categorical_crossentropy_from_logits : LossKind::sparse_categorical_crossentropy,
      /*smoothing=*/0);
  if (!o.ignore_class) return all;
  return std::make_shared<IgnoringLoss>(std::move(all), *o.ignore_class);
}

// One of each sample where the axes are all behind the batch.
Bound with_axes(const char* class_name, const std::vector<Index>& axis, Bound of_batch, Bound of_sample) {
  if (axis.empty()) return of_batch;
  for (std::size_t i = 0; i < axis.size(); ++i) {
    if (axis[i] == static_cast<Index>(i + 1)) continue;
    throw ConfigError(
        std::string(class_name) + ": axis is " + to_string(Shape(axis)) +
        "; give all axes behind the batch, {1, 2, ...}, for one value of each sample, or none for one of " +
        "the batch");
  }
  return of_sample;
}

}  // namespace

SparseCategoricalCrossentropy::SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o)
    : Loss(training::fixed_loss(sparse_crossentropy(o), core::config_of(o))) {}

Hinge::Hinge(const LossOptions& o)
    : Loss(training::fixed_loss(training::hinge_loss(traits("hinge", "Hinge", o.reduction), training::hinge()),
                                core::config_of(PlainLoss{"hinge", o}))) {}

SquaredHinge::SquaredHinge(const LossOptions& o)
    : Loss(training::fixed_loss(
          training::hinge_loss(traits("squared_hinge", "SquaredHinge", o.reduction), training::squared_hinge()),
          core::config_of(PlainLoss{"squared_hinge", o}))) {}

Dice::Dice(const DiceOptions& o)
    : Loss(training::fixed_loss(
          with_axes("Dice", o.axis, training::dice_loss(traits("dice", "Dice", o.reduction), training::Per::batch),
                    training::dice_loss(traits("dice", "Dice", o.reduction), training::Per::sample)),
          core::config_of(o))) {}

Tversky::Tversky(const TverskyOptions& o)
    : Loss(training::fixed_loss(
          [&] {
            const double alpha = checked_option("Tversky", "alpha", o.alpha, Allowed::zero_or_more);
            const double beta = checked_option("Tversky", "beta", o.beta, Allowed::zero_or_more);
            const BoundLoss::Traits rule = traits("tversky", "Tversky", o.reduction);
            return with_axes("Tversky", o.axis, training::tversky_loss(rule, training::Per::batch, alpha, beta),
                             training::tversky_loss(rule, training::Per::sample, alpha, beta));
          }(),
          core::config_of(o))) {}

Circle::Circle(const CircleOptions& o)
    : Loss(training::fixed_loss(
          training::circle_loss(traits("circle", "Circle", o.reduction),
                                {.gamma = checked_option("Circle", "gamma", o.gamma, Allowed::above_0),
                                 .margin = checked_option("Circle", "margin", o.margin, Allowed::finite),
                                 .remove_diagonal = o.remove_diagonal}),
          core::config_of(o))) {}

CTC::CTC(const LossOptions& o)
    : Loss(training::fixed_loss(
          training::ctc_loss(traits("ctc", "CTC", o.reduction, LossFamily::categorical, /*from_logits=*/true)),
          core::config_of(PlainLoss{"ctc", o}))) {}

BinaryFocalCrossentropy::BinaryFocalCrossentropy(const BinaryFocalCrossentropyOptions& o)
    : Loss(row_loss(traits("binary_focal_crossentropy", "BinaryFocalCrossentropy", o.reduction, LossFamily::binary,
                           o.from_logits),
                    training::binary_focal_crossentropy(
                        {.alpha = checked_option("BinaryFocalCrossentropy", "alpha", o.alpha, Allowed::between_0_and_1),
                         .gamma = checked_option("BinaryFocalCrossentropy", "gamma", o.gamma, Allowed::zero_or_more),
                         .from_logits = o.from_logits,
                         .label_smoothing = checked_smoothing("BinaryFocalCrossentropy", o.label_smoothing),
                         .balances_classes = o.apply_class_balancing}),
                    o)) {}

CategoricalFocalCrossentropy::CategoricalFocalCrossentropy(const CategoricalFocalCrossentropyOptions& o)
    : Loss(row_loss(
          traits("categorical_focal_crossentropy", "CategoricalFocalCrossentropy", o.reduction, LossFamily::categorical,
                 o.from_logits),
          training::categorical_focal_crossentropy(
              {.alpha = checked_option("CategoricalFocalCrossentropy", "alpha", o.alpha, Allowed::finite),
               .gamma = checked_option("CategoricalFocalCrossentropy", "gamma", o.gamma, Allowed::zero_or_more),
               .from_logits = o.from_logits,
               .label_smoothing = checked_smoothing("CategoricalFocalCrossentropy", o.label_smoothing)}),
          o)) {}

CategoricalGeneralizedCrossEntropy::CategoricalGeneralizedCrossEntropy(
    const CategoricalGeneralizedCrossEntropyOptions& o)
    : Loss(row_loss(traits("categorical_generalized_cross_entropy", "CategoricalGeneralizedCrossEntropy", o.reduction,
                           LossFamily::categorical),
                    training::categorical_generalized_cross_entropy(
                        checked_option("CategoricalGeneralizedCrossEntropy", "q", o.q, Allowed::above_0_to_1)),
                    o, Labels::sparse)) {}

}  // namespace losses
}  // namespace rondo
