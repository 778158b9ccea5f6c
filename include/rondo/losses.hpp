// Losses, by name or as objects with options.
//
//   model.compile({.loss = "mse"});
//   model.compile({.loss = losses::BinaryCrossentropy({.from_logits = true})});
//   model.compile({.loss = {"mse", "binary_crossentropy"}, .loss_weights = {1.0, 0.3}});   two outputs
//
// Names (Keras's): mean_squared_error (mse, MSE), mean_absolute_error (mae, MAE), mean_absolute_percentage_error
// (mape), mean_squared_logarithmic_error (msle), huber, log_cosh, poisson, kl_divergence (kld), cosine_similarity,
// hinge, squared_hinge, categorical_hinge, dice, tversky, circle, ctc, binary_crossentropy (bce, BCE),
// categorical_crossentropy, sparse_categorical_crossentropy, binary_focal_crossentropy, categorical_focal_crossentropy,
// and crossentropy (ce), which becomes binary, categorical or sparse by the shapes of predictions and labels. Class
// names ("MeanSquaredError") are taken too.
//
// A loss has a value for each row, the last axis of a sample or time step. The loss of a batch is, by `reduction`,
//
//   "sum_over_batch_size"       the mean over all rows, of which sample weights change none (also "mean"; default)
//   "sum"                       the sum over all rows
//   "mean_with_sample_weight"   the sum by that of the sample weights
//   "none"                      all of them: only where the loss is called as a function
//
// of the values times their sample weights; where the output has a mask, over the steps that count. Labels must have
// the predictions' shape; (N,) and (N, 1) are the same. Sparse labels are class numbers without the class axis; those
// of the other crossentropies lie between 0 and 1 (rows need not sum to 1). fit and evaluate refuse others.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace detail {
class LossImpl;
struct Access;
}  // namespace detail

// A loss by name or from rondo::losses. A value that is never empty; immutable; thread-safe. Not a base for losses of
// your own.
class Loss {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  Loss(const char* name) : Loss(std::string(name)) {}
  Loss(const std::string& name);
  Loss(std::nullptr_t) = delete;
  Loss(const Loss&) = default;
  Loss& operator=(const Loss&) = default;

  // Keras's function name: "mean_squared_error".
  const std::string& name() const;

  // The loss of predictions (samples, ...) outside of a model: a scalar, or with the reduction "none" a number for each
  // row. Weights as in fit, or a single number. Computes in the dtype of y_pred, float32 where that holds integers.
  // ShapeError as in fit.
  //
  //   double error = losses::Huber()(y_test, model.predict(X_test)).item();
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred, const std::optional<Tensor>& sample_weight = {}) const;
  const detail::LossImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  explicit Loss(std::shared_ptr<const detail::LossImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::LossImpl> impl_;
};

// Losses for compile: one for all outputs, one for each in the model's order, or one for each by the outputs' names (of
// the layers that make them):
//
//   .loss = "mse"      .loss = {"mse", "mae"}      .loss = {{"price", "mse"}, {"sold", "binary_crossentropy"}}
class Losses {
 public:
  Losses() = default;  // none
  Losses(std::nullopt_t) {}
  Losses(const char* name) : losses_{Loss(name)} {}
  Losses(const std::string& name) : losses_{Loss(name)} {}
  Losses(std::nullptr_t) = delete;
  Losses(const Loss& loss) : losses_{loss} {}
  Losses(std::initializer_list<Loss> losses) : losses_(losses) {}
  Losses(const std::vector<Loss>& losses) : losses_(losses) {}
  Losses(std::initializer_list<std::pair<const char*, Loss>> named);

  explicit operator bool() const { return !losses_.empty(); }
  const std::vector<Loss>& losses() const { return losses_; }
  // As many as losses, or none.
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<Loss> losses_;
  std::vector<std::string> names_;
};

// What the losses of several outputs are multiplied with before they are added up: .loss_weights = {1.0, 0.3}, or by
// the outputs' names, {{"price", 1.0}, {"sold", 0.3}}. Default: 1 each. Any finite number.
class LossWeights {
 public:
  LossWeights() = default;
  LossWeights(std::initializer_list<Real> weights);
  LossWeights(const std::vector<double>& weights) : weights_(weights) {}
  LossWeights(std::initializer_list<std::pair<const char*, Real>> named);

  const std::vector<double>& weights() const { return weights_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<double> weights_;
  std::vector<std::string> names_;
};

namespace losses {

// Of every loss; ConfigError for another reduction than those above.
struct LossOptions {
  std::string reduction = "sum_over_batch_size";
};

// ---- regression: t is a label, p its prediction, e = p - t ---------------------------------------------------------

// Mean over the last axis of e^2.
class MeanSquaredError : public Loss {
 public:
  explicit MeanSquaredError(const LossOptions& options = {});
};

// Mean over the last axis of |e|.
class MeanAbsoluteError : public Loss {
 public:
  explicit MeanAbsoluteError(const LossOptions& options = {});
};

// 100 times the mean over the last axis of |e| / max(|t|, 1e-7).
class MeanAbsolutePercentageError : public Loss {
 public:
  explicit MeanAbsolutePercentageError(const LossOptions& options = {});
};

// Mean over the last axis of (log(1 + p) - log(1 + t))^2, p and t at least 1e-7.
class MeanSquaredLogarithmicError : public Loss {
 public:
  explicit MeanSquaredLogarithmicError(const LossOptions& options = {});
};

struct HuberOptions {
  Real delta = 1.0;  // above 0
  std::string reduction = "sum_over_batch_size";
};
// Mean over the last axis of e^2 / 2, and of delta |e| - delta^2 / 2 where |e| is above delta (Huber 1964).
class Huber : public Loss {
 public:
  explicit Huber(const HuberOptions& options = {});
};

// Mean over the last axis of log(cosh(e)).
class LogCosh : public Loss {
 public:
  explicit LogCosh(const LossOptions& options = {});
};

// Mean over the last axis of p - t log(p + 1e-7): the negative logarithm of Poisson's likelihood of counts t, without
// what does not depend on p.
class Poisson : public Loss {
 public:
  explicit Poisson(const LossOptions& options = {});
};

// Minus the cosine between labels and predictions along the last axis: -1 for the same direction. Norms are at least
// 1e-7.
class CosineSimilarity : public Loss {
 public:
  explicit CosineSimilarity(const LossOptions& options = {});
};

struct QuantileOptions {
  // Each between 0 and 1, without both.
  std::vector<double> quantiles = {0.5};
  std::string reduction = "sum_over_batch_size";
};
// Mean over the last axis of q (t - p) where the label lies above its prediction, else (1 - q) (p - t): p becomes the
// quantile q (Koenker and Bassett 1978). With several quantiles a row of as many predictions stands beside one label.
// Not in Keras.
class Quantile : public Loss {
 public:
  explicit Quantile(const QuantileOptions& options = {});
};

// A density instead of a number: a row of predictions are its parameters for one label, and the loss is minus the
// logarithm of the density there. End the model with Dense(2), Dense(3), without an activation. Not in Keras.
//
// Of a normal distribution: the mean m and a number r of any sign, whose softplus + 1e-6 is the deviation s.
// log s + log(2 pi) / 2 + ((t - m) / s)^2 / 2.
class GaussianLikelihood : public Loss {
 public:
  explicit GaussianLikelihood(const LossOptions& options = {});
};

// Of Student's t, for data with outliers: location and scale as above, and a third number whose softplus + 2 are the
// degrees of freedom.
class StudentTLikelihood : public Loss {
 public:
  explicit StudentTLikelihood(const LossOptions& options = {});
};

struct MeanAbsoluteScaledErrorOptions {
  Real scale = 1.0;  // above 0; naive_error of the training series
  std::string reduction = "sum_over_batch_size";
};
// Mean over the last axis of |e| / scale (Hyndman and Koehler 2006): below 1, the predictions are better than repeating
// what was one season ago. Not in Keras.
//
//   losses::MeanAbsoluteScaledError({.scale = losses::naive_error(y_train, 12)})
class MeanAbsoluteScaledError : public Loss {
 public:
  explicit MeanAbsoluteScaledError(const MeanAbsoluteScaledErrorOptions& options = {});
};

// The mean of |y_t - y_(t - season)| over a series (times, ...): what a forecast errs that repeats it. ShapeError
// unless it is longer than a season; ConfigError below 1.
double naive_error(const Tensor& series, Dim season = 1);

// ---- classes -------------------------------------------------------------------------------------------------------

// Sum over the last axis of t log(t / p), t and p within [1e-7, 1].
class KLDivergence : public Loss {
 public:
  explicit KLDivergence(const LossOptions& options = {});
};

// max(0, 1 + the largest (1 - t) p - sum of t p), along the last axis.
class CategoricalHinge : public Loss {
 public:
  explicit CategoricalHinge(const LossOptions& options = {});
};

// Mean over the last axis of max(0, 1 - t p), for labels -1 and 1. Where all labels of a batch are 0 or 1, 0 is taken
// for -1.
class Hinge : public Loss {
 public:
  explicit Hinge(const LossOptions& options = {});
};

// Mean over the last axis of max(0, 1 - t p)^2, labels as for Hinge.
class SquaredHinge : public Loss {
 public:
  explicit SquaredHinge(const LossOptions& options = {});
};

// ---- more than a row -----------------------------------------------------------------------------------------------

// Without axis one value of the whole batch, which knows no sample weights; with all axes behind the batch, {1, 2} of
// three, one of each sample. Not for outputs with a mask.
struct DiceOptions {
  std::vector<Index> axis = {};
  std::string reduction = "sum_over_batch_size";
};
// 1 - 2 (sum of t p) / (sum of t + sum of p), for parts of little area.
class Dice : public Loss {
 public:
  explicit Dice(const DiceOptions& options = {});
};

struct TverskyOptions {
  Real alpha = 0.5;
  Real beta = 0.5;
  std::vector<Index> axis = {};  // as Dice
  std::string reduction = "sum_over_batch_size";
};
// 1 - s / (s + alpha sum of t (1 - p) + beta sum of p (1 - t)) with s the sum of t p: 0.5 and 0.5 are Dice (Salehi et
// al. 2017).
class Tversky : public Loss {
 public:
  explicit Tversky(const TverskyOptions& options = {});
};

struct CircleOptions {
  Real gamma = 80.0;  // scale, above 0
  Real margin = 0.4;
  bool remove_diagonal = true;  // a row is not compared with itself
  std::string reduction = "sum_over_batch_size";
};
// Rows of a batch are vectors of length 1, labels class numbers: those of a class shall be near, others far (Sun et al.
// 2020). Of the distances d = 1 - p q of a row p, softplus(log sum exp(-gamma (m + d)(m - d)) over its class + log sum
// exp(gamma (1 + m - d)(1 - m - d)) over the others). Rows without either do not count.
class Circle : public Loss {
 public:
  explicit Circle(const CircleOptions& options = {});
};

// Connectionist temporal classification: labels (samples, n) are sequences of class numbers, 0 at the end of shorter
// ones, predictions (samples, timesteps, classes) logits, of which class 0 is the blank. Minus the logarithm of the
// probability of all ways to read the labels from the steps (Graves et al. 2006). Not for outputs with a mask.
class CTC : public Loss {
 public:
  explicit CTC(const LossOptions& options = {});
};

// ---- crossentropies ------------------------------------------------------------------------------------------------

struct BinaryCrossentropyOptions {
  bool from_logits = false;    // predictions are before the sigmoid
  Real label_smoothing = 0.0;  // s: labels become t (1 - s) + s / 2
  std::string reduction = "sum_over_batch_size";
};
// Mean over the last axis of -(t log p + (1 - t) log(1 - p)), p within [1e-7, 1 - 1e-7].
class BinaryCrossentropy : public Loss {
 public:
  explicit BinaryCrossentropy(BinaryCrossentropyOptions options = {});
};

struct CategoricalCrossentropyOptions {
  bool from_logits = false;    // predictions are before the softmax
  Real label_smoothing = 0.0;  // s: labels become t (1 - s) + s / classes
  std::string reduction = "sum_over_batch_size";
};
// -sum over classes of t log(p / sum p), with p / sum p within [1e-7, 1 - 1e-7].
class CategoricalCrossentropy : public Loss {
 public:
  explicit CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});
};

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<Dim> ignore_class = {};  // rows with this label do not count
  std::string reduction = "sum_over_batch_size";
};
// Categorical crossentropy whose labels are class numbers 0, 1, ...
class SparseCategoricalCrossentropy : public Loss {
 public:
  explicit SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});
};

struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;  // times alpha for label 1 and 1 - alpha for label 0
  Real alpha = 0.25;
  Real gamma = 2.0;            // 0 or more
  bool from_logits = false;    // predictions are before the sigmoid
  Real label_smoothing = 0.0;  // s: labels become t (1 - s) + s / 2
  std::string reduction = "sum_over_batch_size";
};
// Mean over the last axis of binary crossentropy times (1 - what the label's class was given)^gamma: what is learned
// already counts little (Lin et al. 2017).
class BinaryFocalCrossentropy : public Loss {
 public:
  explicit BinaryFocalCrossentropy(const BinaryFocalCrossentropyOptions& options = {});
};

struct CategoricalFocalCrossentropyOptions {
  Real alpha = 0.25;
  Real gamma = 2.0;            // 0 or more
  bool from_logits = false;    // predictions are before the softmax
  Real label_smoothing = 0.0;  // s: labels become t (1 - s) + s / classes
  std::string reduction = "sum_over_batch_size";
};
// Sum over classes of -alpha (1 - p)^gamma t log p, where p is divided by its sum and within [1e-7, 1 - 1e-7].
class CategoricalFocalCrossentropy : public Loss {
 public:
  explicit CategoricalFocalCrossentropy(const CategoricalFocalCrossentropyOptions& options = {});
};

struct CategoricalGeneralizedCrossEntropyOptions {
  Real q = 0.5;  // above 0, at most 1: near 0 crossentropy, 1 the mean absolute error
  std::string reduction = "sum_over_batch_size";
};
// (1 - p^q) / q with the p of the label's class, a class number: labels may be wrong (Zhang and Sabuncu 2018).
class CategoricalGeneralizedCrossEntropy : public Loss {
 public:
  explicit CategoricalGeneralizedCrossEntropy(const CategoricalGeneralizedCrossEntropyOptions& options = {});
};

}  // namespace losses
}  // namespace rondo
