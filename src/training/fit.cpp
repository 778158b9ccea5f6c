#include "training/fit.hpp"

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>

#include <rondo/error.hpp>
#include <rondo/keras_compat.hpp>
#include <rondo/random.hpp>

#include "training/batches.hpp"
#include "training/class_weight.hpp"
#include "training/data.hpp"
#include "training/diagnosis/evidence.hpp"
#include "training/evaluator.hpp"
#include "training/interrupt.hpp"
#include "training/loss_chart.hpp"
#include "training/progress_bar.hpp"
#include "training/terminal.hpp"

namespace rondo {

Model& Callback::model() const {
  if (model_ != nullptr) return *model_;
  throw StateError("a callback asked for its model before it had one: hand it to fit, evaluate or predict first");
}

bool ValidationFreq::includes(Index epoch) const {
  if (epochs_.empty()) return (epoch + 1) % every_ == 0;
  return std::find(epochs_.begin(), epochs_.end(), epoch + 1) != epochs_.end();
}

}  // namespace rondo

namespace rondo::training {

namespace {

// ---- training ------------------------------------------------------------------------------------------------------

// Keras 2.0's Sequential learned for ten epochs unless it was told otherwise.
Index epochs_of(const ModelNode& node, const FitOptions& options) {
  if (options.epochs && options.nb_epoch) {
    throw ConfigError(node.where() +
                      ": fit was given .epochs and .nb_epoch, which is Keras 1's name of it; leave the second out");
  }
  if (options.epochs) return *options.epochs;
  if (options.nb_epoch) return *options.nb_epoch;
  return node.class_name() == "Sequential" ? detail::keras_defaults().epochs_of_sequential : 1;
}

class Trainer {
 public:
  Trainer(const Model& model, ModelNode& node, Compiled& compiled, Batches& batches, const FitOptions& options)
      : model_(model),
        epochs_(epochs_of(node, options)),
        node_(node),
        compiled_(compiled),
        options_(options),
        batches_(batches),
        steps_(batches.count(), options.steps_per_epoch),
        session_(node, compiled, options.shards),
        means_(node, compiled),
        observer_(steps_.count(), std::max<Index>(0, epochs_ - options.initial_epoch)) {
    if (options.verbose == 3 && can_redraw()) chart_.emplace();
    batches_.begin(session_);
  }

  void validate_with(Evaluator& evaluator) { validation_ = &evaluator; }

  History run() {
    const Callbacks& callbacks = options_.callbacks;
    attach(callbacks, model_, {options_.verbose, epochs_, steps_.count(), /*validates=*/validation_ != nullptr});
    node_.stop_training = node_.was_interrupted = false;
    node_.resumed_epoch = options_.initial_epoch;
    for (const auto& c : callbacks) c->on_train_begin();
    for (Index epoch = node_.resumed_epoch; epoch < epochs_ && !stopped(); ++epoch) run_epoch(epoch);
    if (chart_) chart_->finish(history_);
    if (epochs_ > 0) compiled_.optimizer.finish_training();
    node_.was_interrupted = interrupt_.interrupted();
    if (node_.was_interrupted) history_.set_interrupted();
    for (const auto& c : callbacks) c->on_train_end(logs_);
    diagnose();
    return std::move(history_);
  }

 private:
  void diagnose() {
    history_.set_evidence(observer_.conclude(model_.node(), compiled_, session_, batches_.data(),
                                             static_cast<Index>(history_.epochs().size())));
    if (options_.verbose == 0) return;
    if (const Diagnosis diagnosis = history_.diagnosis(); !diagnosis.empty()) print(diagnosis.to_string());
  }

  bool stopped() const { return node_.stop_training || interrupt_.interrupted(); }

  void run_epoch(Index epoch) {
    const Callbacks& callbacks = options_.callbacks;
    for (const auto& c : callbacks) c->on_epoch_begin(epoch);
    observer_.begin_epoch(session_);
    if (!chart_) print_epoch_header(options_.verbose, epoch, epochs_);
    ProgressBar bar(options_.verbose, steps_.count());
    means_.reset();
    for (Index batch = 0; batch < steps_.count() && (batch == 0 || !stopped()); ++batch) {
      if (steps_.begins()) begin_pass();
      const std::optional<Index> number = steps_.take();
      if (!number) break;
      run_batch(epoch, batch, *number, bar);
    }
    steps_.end_epoch();
    batches_.end_epoch();
    logs_.clear();
    write_means();
    if (validation_ != nullptr && options_.validation_freq.includes(epoch)) {
      validation_->run(callbacks, nullptr);
      validation_->means().write(logs_, /*validation=*/true);
    }
    for (const auto& c : callbacks) c->on_epoch_end(epoch, logs_);
    history_.append(epoch, logs_);
    if (chart_) {
      chart_->update(history_, "Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(epochs_) + ": " +
                                   bar.finished_line(logs_));
    } else {
      bar.finish(logs_);
    }
  }

  // `number`: among those of the data.
  void run_batch(Index epoch, Index batch, Index number, ProgressBar& bar) {
    const Callbacks& callbacks = options_.callbacks;
    for (const auto& c : callbacks) c->on_train_batch_begin(batch);
    if (const auto fault = session_.step(batches_.batch(session_, number), means_)) end_at(*fault, epoch, batch);
    if (callbacks.empty() && options_.verbose != 1) return;
    write_means();
    for (const auto& c : callbacks) c->on_train_batch_end(batch, logs_);
    bar.update(batch + 1, logs_);
  }

  // The order is a function of seed, model and the passes the model has seen.
  void begin_pass() {
    batches_.begin_pass();
    const std::uint32_t epoch = node_.epochs_trained++;
    if (!options_.shuffle.value_or(!node_.stateful())) return;
    batches_.shuffle(RandomStream(random_seed(), Purpose::shuffle, node_.number(), epoch));
  }

  // Quietly, if a callback wants that.
  void end_at(const Fault& fault, Index epoch, Index batch) {
    for (const auto& c : options_.callbacks) is_spoiled_ = c->on_not_finite_batch(batch) || is_spoiled_;
    if (!is_spoiled_) report(fault, epoch, batch);
    observer_.set_fault(finding(FindingKind::not_finite, Sentence() << fault.what << " in " << place_text(epoch, batch),
                                fault.why, {}, epoch));
    node_.stop_training = true;
  }
  // The epoch's so far.
  void write_means() {
    means_.write(logs_);
    if (is_spoiled_) logs_.set("loss", std::numeric_limits<double>::quiet_NaN());
  }

  std::string place_text(Index epoch, Index batch) const {
    return "epoch " + std::to_string(epoch + 1) + " of " + std::to_string(epochs_) + ", batch " +
           std::to_string(batch + 1) + " of " + std::to_string(steps_.count());
  }

  [[noreturn]] void report(const Fault& fault, Index epoch, Index batch) const {
    throw NumericError(node_.where() + ": " + fault.what + " in " + place_text(epoch, batch) +
                       "; the weights are those before that batch. Cause: " + fault.why +
                       (node_.stateful() ? ". Call reset_states() before you go on" : ""));
  }

  const Model& model_;
  Index epochs_;
  ModelNode& node_;
  Compiled& compiled_;
  const FitOptions& options_;
  Batches& batches_;
  EpochSteps steps_;
  TrainingSession session_;
  EpochMeans means_;
  Observer observer_;
  Evaluator* validation_ = nullptr;
  bool is_spoiled_ = false;  // by a batch that is not finite
  InterruptGuard interrupt_;
  Logs logs_;
  History history_;
  std::optional<LossChart> chart_;  // of verbose 3, where it can be redrawn
};

void require_at_least(const ModelNode& node, const char* option, Index given, Index least) {
  if (given >= least) return;
  throw ConfigError(node.where() + ": " + option + " is " + std::to_string(given) + "; it must be " +
                    std::to_string(least) + " or more");
}
void require_some(const ModelNode& node, const char* option, const std::optional<Dim>& given) {
  if (given) require_at_least(node, option, *given, 1);
}

void check_validation_freq(const ModelNode& node, const ValidationFreq& freq) {
  require_at_least(node, "validation_freq", freq.every(), 1);
  for (const Index epoch : freq.epochs()) require_at_least(node, "an epoch of validation_freq", epoch, 1);
}

void check_shuffle(const ModelNode& node, const FitOptions& options) {
  if (!node.stateful() || !options.shuffle.value_or(false)) return;
  throw ConfigError(node.where() +
                    " is stateful: each row of a batch goes on where it ended in the batch before, which .shuffle = "
                    "true would tear apart; leave it out");
}

void check_stateful(const ModelNode& node, Index samples, Index batch_size) {
  if (!node.stateful() || samples % std::min(batch_size, samples) == 0) return;
  throw ShapeError(node.where() + " is stateful: its batch_size (" + std::to_string(batch_size) +
                   ") must divide the number of samples (" + std::to_string(samples) +
                   "), so that every batch has as many rows as the state");
}

}  // namespace

void check_verbose(const ModelNode& node, int verbose, int most) {
  if (verbose >= 0 && verbose <= most) return;
  throw ConfigError(node.where() + ": verbose is " + std::to_string(verbose) + "; it must be 0 (silent), 1 (bar)" +
                    (most < 3 ? " or 2 (one line an epoch)" : ", 2 (one line an epoch) or 3 (a chart of the losses)"));
}

void attach(const Callbacks& callbacks, const Model& model, const Callback::Params& params) {
  if (callbacks.empty()) return;
  const auto handle = std::make_shared<Model>(model);
  for (const auto& c : callbacks) {
    if (c == nullptr) throw ConfigError("callbacks contain a null pointer");
    c->attach(handle, params);
  }
}

namespace {

// As given, or so many samples as make the steps, if these are given, or 32.
Index batch_size_of(const ModelNode& node, const std::optional<Dim>& given, const detail::Given& X,
                    const std::optional<Dim>& steps) {
  const Shape& shape = X.tensors().front()->shape();
  if (given || !steps || shape.empty() || shape[0] == 0) return checked_batch_size(node, given);
  return batches_of(shape[0], *steps);
}

}  // namespace

Index checked_batch_size(const ModelNode& node, const std::optional<Dim>& given) {
  const Index size = given ? Index{*given} : kDefaultBatchSize;
  if (size >= 1) return size;
  throw ConfigError(node.where() + ": batch_size is " + std::to_string(size) +
                    "; it must be 1 or more (leave it out for " + std::to_string(kDefaultBatchSize) + ")");
}

namespace {

constexpr const char* kValidation = "validation ";

std::unique_ptr<Batches> validation_batches(const ModelNode& node, const ValidationData& data, Index batch_size) {
  if (data.source() != nullptr) return std::make_unique<SourceBatches>(node, *data.source(), kValidation);
  const Data checked = check_data(node, data.X(), data.y(), data.sample_weight(), kValidation);
  check_stateful(node, checked.samples, batch_size);
  return std::make_unique<ArrayBatches>(checked, batch_size, kValidation);
}

History train(const Model& model, ModelNode& node, Compiled& compiled, Batches& batches, Batches* validation,
              const FitOptions& options) {
  std::optional<Evaluator> evaluator;
  if (validation != nullptr) evaluator.emplace(node, compiled, *validation, options.validation_steps);
  Trainer trainer(model, node, compiled, batches, options);
  if (evaluator) trainer.validate_with(*evaluator);
  return trainer.run();
}

void check_options(const ModelNode& node, const FitOptions& options) {
  check_verbose(node, options.verbose, 3);
  require_at_least(node, "epochs", epochs_of(node, options), 0);
  require_at_least(node, "initial_epoch", options.initial_epoch, 0);
  require_at_least(node, "shards", options.shards, 1);
  require_some(node, "steps_per_epoch", options.steps_per_epoch);
  require_some(node, "validation_steps", options.validation_steps);
  require_some(node, "validation_batch_size", options.validation_batch_size);
  check_validation_freq(node, options.validation_freq);
  check_shuffle(node, options);
}

void refuse_with_source(const ModelNode& node, const char* call, const char* option, bool given) {
  if (!given) return;
  throw ConfigError(node.where() + ": " + call + " was given a data source and ." + option +
                    "; the source's batches say that already, leave it out");
}

Evaluation evaluate(const Model& model, ModelNode& node, const Compiled& compiled, Batches& batches,
                    const EvaluateOptions& options) {
  Evaluator evaluator(node, compiled, batches, options.steps);
  attach(options.callbacks, model, {options.verbose, 1, evaluator.steps()});
  ProgressBar bar(options.verbose, evaluator.steps());
  evaluator.run(options.callbacks, options.verbose != 0 ? &bar : nullptr);
  Logs logs;
  evaluator.means().write(logs);
  bar.finish(logs);
  return evaluator.means().evaluation();
}

}  // namespace

History fit(const Model& model, ModelNode& node, const detail::Given& X, const detail::Given& y,
            const FitOptions& options) {
  const ModelNode::Fitting fitting(node);
  Compiled& compiled = node.compiled("fit");
  check_options(node, options);
  const Index batch_size = batch_size_of(node, options.batch_size, X, options.steps_per_epoch);
  const Index validation_batch_size = options.validation_batch_size.value_or(batch_size);
  const SampleWeights weights(node, X, y, options.sample_weight, options.class_weight);
  Data data = check_data(node, X, y, weights.get(), "");
  std::unique_ptr<Batches> validation;
  if (options.validation_data) {
    validation = validation_batches(node, options.validation_data, validation_batch_size);
  } else if (options.validation_split != 0) {
    Data rest = data;
    data.samples = training_samples(node, data.samples, options.validation_split);
    rest.first = data.samples;
    rest.samples -= data.samples;
    if (!options.class_weight.empty()) rest.sample_weights.clear();
    check_stateful(node, rest.samples, validation_batch_size);
    validation = std::make_unique<ArrayBatches>(rest, validation_batch_size, kValidation);
  }
  check_stateful(node, data.samples, batch_size);
  node.build_for(data.sample);
  ArrayBatches batches(data, batch_size, "");
  return train(model, node, compiled, batches, validation.get(), options);
}

History fit(const Model& model, ModelNode& node, DataSource& source, const FitOptions& options) {
  const ModelNode::Fitting fitting(node);
  Compiled& compiled = node.compiled("fit");
  check_options(node, options);
  refuse_with_source(node, "fit", "batch_size", options.batch_size.has_value());
  refuse_with_source(node, "fit", "validation_split", options.validation_split != 0);
  refuse_with_source(node, "fit", "sample_weight", options.sample_weight.has_value());
  std::unique_ptr<Batches> validation;
  if (options.validation_data) {
    validation = validation_batches(node, options.validation_data,
                                    options.validation_batch_size.value_or(Dim(kDefaultBatchSize)));
  }
  SourceBatches batches(node, source, "", options.class_weight);
  return train(model, node, compiled, batches, validation.get(), options);
}

Evaluation evaluate(const Model& model, ModelNode& node, const detail::Given& X, const detail::Given& y,
                    const EvaluateOptions& options) {
  const Compiled& compiled = node.compiled("evaluate");
  check_verbose(node, options.verbose);
  require_some(node, "steps", options.steps);
  const Index batch_size = batch_size_of(node, options.batch_size, X, options.steps);
  const Data data = check_data(node, X, y, options.sample_weight, "");
  check_stateful(node, data.samples, batch_size);
  ArrayBatches batches(data, batch_size, "");
  return evaluate(model, node, compiled, batches, options);
}

Evaluation train_on_batch(ModelNode& node, const detail::Given& X, const detail::Given& y,
                          const OnBatchOptions& options) {
  const ModelNode::Fitting fitting(node);
  Compiled& compiled = node.compiled("train_on_batch");
  const SampleWeights weights(node, X, y, options.sample_weight, options.class_weight);
  const Data data = check_data(node, X, y, weights.get(), "");
  TrainingSession session(node, compiled, /*shards=*/1);
  EpochMeans means(node, compiled);
  ArrayBatches batches(data, data.samples, "");
  batches.begin(session);
  if (const auto fault = session.step(batches.batch(session, 0), means)) {
    throw NumericError(node.where() + ": " + fault->what +
                       " in train_on_batch; the weights are those before it. Cause: " + fault->why);
  }
  return means.evaluation();
}

Evaluation test_on_batch(ModelNode& node, const detail::Given& X, const detail::Given& y,
                         const OnBatchOptions& options) {
  const Compiled& compiled = node.compiled("test_on_batch");
  const SampleWeights weights(node, X, y, options.sample_weight, options.class_weight);
  const Data data = check_data(node, X, y, weights.get(), "");
  ArrayBatches batches(data, data.samples, "");
  Evaluator evaluator(node, compiled, batches);
  evaluator.run({}, nullptr);
  return evaluator.means().evaluation();
}

Evaluation evaluate(const Model& model, ModelNode& node, DataSource& source, const EvaluateOptions& options) {
  const Compiled& compiled = node.compiled("evaluate");
  check_verbose(node, options.verbose);
  require_some(node, "steps", options.steps);
  refuse_with_source(node, "evaluate", "batch_size", options.batch_size.has_value());
  refuse_with_source(node, "evaluate", "sample_weight", options.sample_weight.has_value());
  SourceBatches batches(node, source, "");
  return evaluate(model, node, compiled, batches, options);
}

}  // namespace rondo::training
