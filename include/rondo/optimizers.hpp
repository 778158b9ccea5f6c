// Optimizers, by name or as objects with options.
//
//   model.compile({.optimizer = "adam", .loss = "mse"});
//   model.compile({.optimizer = SGD({.learning_rate = 0.1, .momentum = 0.3}), .loss = "mse"});
//
// Names (any case): "sgd", "rmsprop", "adam", "adamw", "nadam", "adamax", "adagrad", "adadelta", "ftrl", "lion",
// "lamb", "adafactor", "muon", "schedulefreeadamw". Every compile starts with fresh optimizer state. In the formulas w
// is a weight, g its gradient, `rate` the learning rate and t the number of the update, from 1 on. An epsilon of 0 is
// allowed: a weight that has no gradient stays as it is.
//
// All have these options, whose defaults change nothing:
//
//   learning_rate   a number, 0 or more, or a schedule (schedules.hpp)
//   lr              Keras 1 and 2's name of learning_rate; it wins where given
//   decay           Keras 1 and 2's: the rate is that by 1 + decay t, t from 0 on
//   weight_decay    before the update, w -= w weight_decay rate; 0 or more
//   exclude_from_weight_decay
//                   patterns: a weight in whose name ("bias") or path ("sequential/lstm/lstm_cell/bias") one is found
//                   does not decay. POSIX extended regular expressions; a part of the name will do
//   clipnorm, clipvalue, global_clipnorm
//                   at most one of them. Before the update, gradients are multiplied so that the norm (of each weight's
//                   gradient, or of all together) is at most this, or cut element by element. 0 and less, as in Keras,
//                   do not clip
//   use_ema         keeps a running mean of each weight: mean = ema_momentum mean + (1 - ema_momentum) w after each
//                   step, at first w itself. fit puts the means into the weights when it has come to its end, and every
//                   ema_overwrite_frequency steps (1 or more; 0 is never). ema_momentum: between 0 and 1
//   gradient_accumulation_steps
//                   weights are updated in every so manieth step only, by the mean of the gradients up to it; 2 or more
//                   (0 is off)
//   loss_scale_factor
//                   changes no number: gradients are those of the loss, never scaled. Kept in the configuration
//
// Where set_keras_compat changes a default, that of Keras 3 stands behind it.
//
// ConfigError where a value is out of range or there is more than one clip option.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <rondo/keras_compat.hpp>
#include <rondo/schedules.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace detail {
class OptimizerImpl;
struct Access;
}  // namespace detail

// An optimizer by name or object. A value that is never empty; immutable: a model copies what it needs. Thread-safe.
// Not a base for optimizers of your own. Options out of range are a ConfigError that names option and range.
class Optimizer {
 public:
  // ConfigError for a name that is not known, with the nearest one that is.
  Optimizer(const char* name) : Optimizer(std::string(name)) {}
  Optimizer(const std::string& name);
  Optimizer(std::nullptr_t) = delete;
  Optimizer(const Optimizer&) = default;
  Optimizer& operator=(const Optimizer&) = default;

  // Keras's class name: "Adam".
  std::string class_name() const;
  // Of the first step.
  double learning_rate() const;
  const detail::OptimizerImpl& impl() const { return *impl_; }

 private:
  friend struct detail::Access;
  explicit Optimizer(std::shared_ptr<const detail::OptimizerImpl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const detail::OptimizerImpl> impl_;
};

// What an optimizer remembers, with Keras's name of it (Model::optimizer_variables): "adam/iteration",
// "adam/sequential_lstm_lstm_cell_kernel_momentum".
struct OptimizerVariable {
  std::string name;
  Tensor value;
};

struct SGDOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.01;
  std::optional<Real> decay = {};
  Real momentum = 0.0;  // between 0 and 1
  bool nesterov = false;
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// w -= rate g; with momentum m: v = m v - rate g, w += v (Nesterov: w += m v - rate g).
class SGD : public Optimizer {
 public:
  SGD() : SGD(SGDOptions{}) {}
  explicit SGD(const SGDOptions& options);
};

struct RMSpropOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.001;
  std::optional<Real> decay = {};
  Real rho = 0.9;                                             // between 0 and 1
  Real momentum = 0.0;                                        // likewise
  Real epsilon = detail::keras_defaults().optimizer_epsilon;  // 1e-7
  // sqrt(v) + epsilon, as Keras 1 and 2, instead of sqrt(v + epsilon).
  bool epsilon_outside_root = detail::keras_defaults().epsilon_outside_root;
  bool centered = false;
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// v = rho v + (1 - rho) g^2; w -= rate g / sqrt(v + epsilon); centered subtracts the squared mean gradient from v.
class RMSprop : public Optimizer {
 public:
  RMSprop() : RMSprop(RMSpropOptions{}) {}
  explicit RMSprop(const RMSpropOptions& options);
};

struct AdamOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.001;
  std::optional<Real> decay = {};
  Real beta_1 = 0.9;                                          // from 0 on, below 1
  Real beta_2 = 0.999;                                        // likewise
  Real epsilon = detail::keras_defaults().optimizer_epsilon;  // 1e-7
  bool amsgrad = false;
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Kingma and Ba 2015 in the "epsilon hat" form, as Keras: m and v are running means of g and g^2,
// w -= rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon).
class Adam : public Optimizer {
 public:
  Adam() : Adam(AdamOptions{}) {}
  explicit Adam(const AdamOptions& options);
};

struct AdamWOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.001;
  std::optional<Real> decay = {};
  std::optional<Real> weight_decay = 0.004;  // must be given
  std::vector<std::string> exclude_from_weight_decay = {};
  Real beta_1 = 0.9;                                          // from 0 on, below 1
  Real beta_2 = 0.999;                                        // likewise
  Real epsilon = detail::keras_defaults().optimizer_epsilon;  // 1e-7
  bool amsgrad = false;
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Loshchilov and Hutter 2019: Adam with weight decay.
class AdamW : public Optimizer {
 public:
  AdamW() : AdamW(AdamWOptions{}) {}
  explicit AdamW(const AdamWOptions& options);
};

struct NadamOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = detail::keras_defaults().nadam_rate;  // 0.001
  std::optional<Real> decay = {};
  Real beta_1 = 0.9;                                          // from 0 on, below 1
  Real beta_2 = 0.999;                                        // likewise
  Real epsilon = detail::keras_defaults().optimizer_epsilon;  // 1e-7
  // Default 1; in Keras 1 and 2 0.004: 0.96^(0.004 t) for 0.96^t.
  std::optional<Real> schedule_decay = detail::keras_defaults().nadam_schedule_decay;
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Dozat 2016, Adam that looks ahead: with u(t) = beta_1 (1 - 0.96^t / 2) and P = u(1) ... u(t),
// w -= rate (u(t+1) m / (1 - P u(t+1)) + (1 - u(t)) g / (1 - P)) / (sqrt(v / (1 - beta_2^t)) + epsilon).
class Nadam : public Optimizer {
 public:
  Nadam() : Nadam(NadamOptions{}) {}
  explicit Nadam(const NadamOptions& options);
};

struct AdamaxOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = detail::keras_defaults().adamax_rate;  // 0.001
  std::optional<Real> decay = {};
  Real beta_1 = 0.9;                                          // from 0 on, below 1
  Real beta_2 = 0.999;                                        // likewise
  Real epsilon = detail::keras_defaults().optimizer_epsilon;  // 1e-7
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Kingma and Ba 2015: m as Adam's, u = max(beta_2 u, |g|), w -= rate / (1 - beta_1^t) m / (u + epsilon).
class Adamax : public Optimizer {
 public:
  Adamax() : Adamax(AdamaxOptions{}) {}
  explicit Adamax(const AdamaxOptions& options);
};

struct AdagradOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = detail::keras_defaults().adagrad_rate;  // 0.001
  std::optional<Real> decay = {};
  Real initial_accumulator_value = detail::keras_defaults().adagrad_start;  // 0.1; 0 or more
  Real epsilon = detail::keras_defaults().optimizer_epsilon;                // 1e-7
  // sqrt(v) + epsilon, as Keras 1 and 2, instead of sqrt(v + epsilon).
  bool epsilon_outside_root = detail::keras_defaults().epsilon_outside_root;
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Duchi et al. 2011: a, from initial_accumulator_value on, sums g^2; w -= rate g / sqrt(a + epsilon).
class Adagrad : public Optimizer {
 public:
  Adagrad() : Adagrad(AdagradOptions{}) {}
  explicit Adagrad(const AdagradOptions& options);
};

struct AdadeltaOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = detail::keras_defaults().adadelta_rate;  // 0.001
  std::optional<Real> decay = {};
  Real rho = 0.95;                                            // between 0 and 1
  Real epsilon = detail::keras_defaults().optimizer_epsilon;  // 1e-7
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Zeiler 2012: a and d are running means of g^2 and of the squared steps, which are
// g sqrt(d + epsilon) / sqrt(a + epsilon), with d from before; w -= rate times the step. The paper's rate is 1.
class Adadelta : public Optimizer {
 public:
  Adadelta() : Adadelta(AdadeltaOptions{}) {}
  explicit Adadelta(const AdadeltaOptions& options);
};

struct FtrlOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.001;
  std::optional<Real> decay = {};
  Real learning_rate_power = -0.5;       // 0 or less
  Real initial_accumulator_value = 0.1;  // 0 or more, as all below
  Real l1_regularization_strength = 0.0;
  Real l2_regularization_strength = 0.0;
  Real l2_shrinkage_regularization_strength = 0.0;  // times 2 w, added to g
  Real beta = 0.0;
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// McMahan et al. 2013, "follow the regularized leader": n, from initial_accumulator_value on, sums g^2; with
// p = -learning_rate_power and r(n) = (n^p + beta) / rate + 2 l2, z += g - (r(n) - r(n before)) w and
// w = (max(-l1, min(l1, z)) - z) / r(n). As in Keras z is 0 at first, so the first step forgets the initial weights.
// The rate must be above 0.
class Ftrl : public Optimizer {
 public:
  Ftrl() : Ftrl(FtrlOptions{}) {}
  explicit Ftrl(const FtrlOptions& options);
};

struct LionOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.001;
  std::optional<Real> decay = {};
  Real beta_1 = 0.9;   // above 0, at most 1
  Real beta_2 = 0.99;  // between 0 and 1
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Chen et al. 2023: w -= rate sign(beta_1 m + (1 - beta_1) g); then m = beta_2 m + (1 - beta_2) g.
class Lion : public Optimizer {
 public:
  Lion() : Lion(LionOptions{}) {}
  explicit Lion(const LionOptions& options);
};

struct LambOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.001;
  std::optional<Real> decay = {};
  Real beta_1 = 0.9;                                          // from 0 on, below 1
  Real beta_2 = 0.999;                                        // likewise
  Real epsilon = detail::keras_defaults().optimizer_epsilon;  // 1e-7
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// You et al. 2020, for large batches: with Adam's means, u = m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
// and w -= rate |w| / |u| u, where the norms are those of the whole weight (their quotient is 1 where either is 0).
class Lamb : public Optimizer {
 public:
  Lamb() : Lamb(LambOptions{}) {}
  explicit Lamb(const LambOptions& options);
};

struct AdafactorOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.001;
  std::optional<Real> decay = {};
  Real beta_2_decay = -0.8;  // 0 or less
  Real epsilon_1 = 1e-30;
  Real epsilon_2 = 1e-3;
  Real clip_threshold = 1.0;  // above 0
  bool relative_step = true;  // changes nothing, as in Keras 3: the rate is at most 1 / sqrt(t) anyway
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Shazeer and Stern 2018, with little memory: of a weight of two axes and more it remembers running means of
// g^2 + epsilon_1 over each of the last two, r (by rows) and c (by columns), with beta_2 = 1 - t^beta_2_decay, and
// takes v = r c / mean(r); of others v itself. u = g / sqrt(v), divided by max(1, rms(u) / clip_threshold); w -=
// min(rate, 1 / sqrt(t)) max(epsilon_2, rms(w)) u.
class Adafactor : public Optimizer {
 public:
  Adafactor() : Adafactor(AdafactorOptions{}) {}
  explicit Adafactor(const AdafactorOptions& options);
};

struct MuonOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.001;
  std::optional<Real> decay = {};
  std::optional<Real> weight_decay = 0.004;
  std::vector<std::string> exclude_from_weight_decay = {};
  Real adam_beta_1 = 0.9;                                     // from 0 on, below 1
  Real adam_beta_2 = 0.999;                                   // likewise
  std::optional<Real> adam_weight_decay = 0.004;              // of the weights that Adam learns
  Real epsilon = detail::keras_defaults().optimizer_epsilon;  // 1e-7
  std::vector<std::string> exclude_layers = {};               // patterns: weights in whose path one is found are Adam's
  bool exclude_embeddings = true;                             // so are those with "embedding" in their path
  Real muon_a = 3.4445;
  Real muon_b = -4.775;
  Real muon_c = 2.0315;
  Real adam_lr_ratio = 1.0;
  Real momentum = 0.95;  // between 0 and 1
  Dim ns_steps = 5;
  bool nesterov = true;
  std::optional<Real> rms_rate = 0.2;
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Jordan et al. 2024: for matrices m = momentum m + g, x = m (Nesterov: g + momentum m) divided by its norm + 1e-7,
// then ns_steps times x = a x + (b A + c A A) x with A = x x^T, which brings its singular values near to 1 (a wide x; a
// tall one is transposed), and w -= rate rms_rate sqrt(the longer side) x, without the last two factors where there is
// no rms_rate. All other weights are Adam's, at the rate times adam_lr_ratio.
class Muon : public Optimizer {
 public:
  Muon() : Muon(MuonOptions{}) {}
  explicit Muon(const MuonOptions& options);
};

struct ScheduleFreeAdamWOptions {
  std::optional<Real> lr = {};
  LearningRate learning_rate = 0.0025;
  std::optional<Real> decay = {};
  Real beta_1 = 0.9;    // above 0, below 1
  Real beta_2 = 0.999;  // from 0 on, below 1
  Real epsilon = 1e-8;
  Dim warmup_steps = 0;  // updates in which the rate rises from 0
  std::optional<Real> weight_decay = {};
  std::vector<std::string> exclude_from_weight_decay = {};
  std::optional<Real> clipnorm = {};
  std::optional<Real> clipvalue = {};
  std::optional<Real> global_clipnorm = {};
  bool use_ema = false;
  Real ema_momentum = 0.99;
  std::optional<Dim> ema_overwrite_frequency = {};
  std::optional<Real> loss_scale_factor = {};
  std::optional<Dim> gradient_accumulation_steps = {};
};
// Defazio et al. 2024, which needs no schedule: z, the weights at first, goes as Adam without a mean of gradients,
// z -= rate g / (sqrt(v / (1 - beta_2^t)) + epsilon), x is the mean of all z, and gradients are taken between the two,
// at w = (1 - beta_1) z + beta_1 x. Evaluate and predict with x: Model::swap_to_eval.
class ScheduleFreeAdamW : public Optimizer {
 public:
  ScheduleFreeAdamW() : ScheduleFreeAdamW(ScheduleFreeAdamWOptions{}) {}
  explicit ScheduleFreeAdamW(const ScheduleFreeAdamWOptions& options);
};

}  // namespace rondo
