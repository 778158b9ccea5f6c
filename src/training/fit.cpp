#include "training/fit.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <rondo/random.hpp>

#include "core/shuffle.hpp"
#include "core/standard_floats.hpp"
#include "engine/staging.hpp"
#include "training/data.hpp"
#include "training/evaluator.hpp"
#include "training/interrupt.hpp"
#include "training/labels.hpp"
#include "training/not_finite.hpp"
#include "training/progress_bar.hpp"

namespace rondo {

Model& Callback::model() const {
  if (model_ != nullptr) return *model_;
  throw StateError("a callback asked for its model before it had one: hand it to fit, evaluate or predict first");
}

}  // namespace rondo

namespace rondo::training {

namespace {

// ---- training ------------------------------------------------------------------------------------------------------

class Trainer {
 public:
  Trainer(const Model& model, ModelNode& node, Compiled& compiled, const Data& data, Index batch_size,
          const FitOptions& options)
      : model_(model),
        node_(node),
        compiled_(compiled),
        data_(data),
        options_(options),
        batch_size_(std::min(batch_size, data.samples)),
        batches_(batches_of(data.samples, batch_size_)),
        program_(node.program(Mode::train, data.shapes(batch_size_))),
        workspace_(program_->plan->lease()),
        means_(node, *program_, compiled),
        order_(static_cast<std::size_t>(data.samples)) {
    check_can_learn(node, *program_);
    check_labels(node, *program_, data, "");
    compiled_.optimizer.prepare(*program_->plan);
    std::iota(order_.begin(), order_.end(), Index{0});
  }

  void validate_with(Evaluator& evaluator) { validation_ = &evaluator; }

  History run() {
    const Callbacks& callbacks = options_.callbacks;
    attach(callbacks, model_, {options_.verbose, options_.epochs, batches()});
    node_.stop_training = false;
    for (const auto& c : callbacks) c->on_train_begin();
    for (Index epoch = options_.initial_epoch; epoch < options_.epochs && !stopped(); ++epoch) run_epoch(epoch);
    if (interrupt_.interrupted()) history_.set_interrupted();
    for (const auto& c : callbacks) c->on_train_end(logs_);
    return std::move(history_);
  }

 private:
  Index batches() const { return batches_; }
  bool stopped() const { return node_.stop_training || interrupt_.interrupted(); }

  void run_epoch(Index epoch) {
    const Callbacks& callbacks = options_.callbacks;
    for (const auto& c : callbacks) c->on_epoch_begin(epoch);
    print_epoch_header(options_.verbose, epoch, options_.epochs);
    ProgressBar bar(options_.verbose, batches());
    shuffle();
    means_.reset();
    for (Index batch = 0; batch < batches() && (batch == 0 || !stopped()); ++batch) run_batch(epoch, batch, bar);
    logs_.clear();
    means_.write(logs_);
    if (validation_ != nullptr) {
      validation_->run(callbacks, nullptr);
      validation_->means().write(logs_, /*validation=*/true);
    }
    for (const auto& c : callbacks) c->on_epoch_end(epoch, logs_);
    history_.append(epoch, logs_);
    bar.finish(logs_);
  }

  void run_batch(Index epoch, Index batch, ProgressBar& bar) {
    const Callbacks& callbacks = options_.callbacks;
    for (const auto& c : callbacks) c->on_train_batch_begin(batch);
    train_batch(epoch, batch);
    if (callbacks.empty() && options_.verbose != 1) return;
    means_.write(logs_);
    for (const auto& c : callbacks) c->on_train_batch_end(batch, logs_);
    bar.update(batch + 1, logs_);
  }

  void train_batch(Index epoch, Index batch) {
    const StandardFloats floats;
    const Index first = batch * batch_size_, rows = std::min(batch_size_, data_.samples - first);
    const Samples samples{.X = data_.X,
                          .y = data_.y,
                          .sample_weights = data_.sample_weights,
                          .order = order_,
                          .first = first,
                          .rows = rows,
                          .staged = batches() == 1 && staged_};  // a single batch stays from epoch to epoch
    const Step step = program_->train(workspace_, samples, compiled_.optimizer);
    staged_ = true;
    if (!step.updated) {
      const Fault fault = finish_step(node_, {samples, *program_, workspace_}, step, compiled_.optimizer);
      if (fault) report(fault, epoch, batch);
    }
    means_.add(workspace_.run(rows), step.loss);
  }

  // A new order of the samples, a function of seed, model and the epochs the model has seen. Within a single batch the
  // order would change nothing but the rounding, so it stays.
  void shuffle() {
    const std::uint32_t epoch = node_.epochs_trained++;
    if (!options_.shuffle.value_or(!node_.stateful()) || batches() == 1) return;
    const RandomStream stream(random_seed(), Purpose::shuffle, node_.number(), epoch);
    std::iota(order_.begin(), order_.end(), Index{0});
    rondo::shuffle(order_, stream);
  }

  [[noreturn]] void report(const Fault& fault, Index epoch, Index batch) const {
    throw NumericError(node_.where() + ": " + fault.what + " in epoch " + std::to_string(epoch + 1) + " of " +
                       std::to_string(options_.epochs) + ", batch " + std::to_string(batch + 1) + " of " +
                       std::to_string(batches()) + "; the weights are those before that batch. Cause: " + fault.why +
                       (node_.stateful() ? ". Call reset_states() before you go on" : ""));
  }

  const Model& model_;
  ModelNode& node_;
  Compiled& compiled_;
  Data data_;
  const FitOptions& options_;
  Index batch_size_, batches_;
  std::shared_ptr<const Program> program_;
  engine::Workspace workspace_;
  EpochMeans means_;
  std::vector<Index> order_;
  bool staged_ = false;
  Evaluator* validation_ = nullptr;
  InterruptGuard interrupt_;
  Logs logs_;
  History history_;
};

void check_epochs(const ModelNode& node, const FitOptions& options) {
  for (const auto& [name, given] :
       {std::pair{"epochs", options.epochs}, std::pair{"initial_epoch", options.initial_epoch}}) {
    if (given >= 0) continue;
    throw ConfigError(node.where() + ": " + name + " is " + std::to_string(given.value) + "; it must be 0 or more");
  }
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

void check_verbose(const ModelNode& node, int verbose) {
  if (verbose >= 0 && verbose <= 2) return;
  throw ConfigError(node.where() + ": verbose is " + std::to_string(verbose) +
                    "; it must be 0 (silent), 1 (bar) or 2 (one line an epoch)");
}

void attach(const Callbacks& callbacks, const Model& model, const Callback::Params& params) {
  if (callbacks.empty()) return;
  const auto handle = std::make_shared<Model>(model);
  for (const auto& c : callbacks) {
    if (c == nullptr) throw ConfigError("callbacks contain a null pointer");
    c->attach(handle, params);
  }
}

Index checked_batch_size(const ModelNode& node, const std::optional<Dim>& given) {
  const Index size = given ? Index{*given} : kDefaultBatchSize;
  if (size >= 1) return size;
  throw ConfigError(node.where() + ": batch_size is " + std::to_string(size) +
                    "; it must be 1 or more (leave it out for " + std::to_string(kDefaultBatchSize) + ")");
}

History fit(const Model& model, ModelNode& node, const detail::Given& X, const detail::Given& y,
            const FitOptions& options) {
  const ModelNode::Fitting fitting(node);
  Compiled& compiled = node.compiled("fit");
  check_verbose(node, options.verbose);
  const Index batch_size = checked_batch_size(node, options.batch_size);
  check_epochs(node, options);
  check_shuffle(node, options);
  Data data = check_data(node, X, y, options.sample_weight, "");
  std::optional<Data> validation;
  if (options.validation_data) {
    validation = check_data(node, options.validation_data.X(), options.validation_data.y(),
                            options.validation_data.sample_weight(), "validation ");
  } else if (options.validation_split != 0) {
    validation = data;
    data.samples = training_samples(node, data.samples, options.validation_split);
    validation->first = data.samples;
    validation->samples -= data.samples;
  }
  check_stateful(node, data.samples, batch_size);
  if (validation) check_stateful(node, validation->samples, batch_size);
  node.build_for(data.sample);

  std::optional<Evaluator> evaluator;
  if (validation) evaluator.emplace(node, compiled, *validation, batch_size, "validation ");
  Trainer trainer(model, node, compiled, data, batch_size, options);
  if (evaluator) trainer.validate_with(*evaluator);
  return trainer.run();
}

Evaluation evaluate(const Model& model, ModelNode& node, const detail::Given& X, const detail::Given& y,
                    const EvaluateOptions& options) {
  const Compiled& compiled = node.compiled("evaluate");
  check_verbose(node, options.verbose);
  const Index batch_size = checked_batch_size(node, options.batch_size);
  const Data data = check_data(node, X, y, options.sample_weight, "");
  check_stateful(node, data.samples, batch_size);
  node.build_for(data.sample);
  Evaluator evaluator(node, compiled, data, batch_size);
  attach(options.callbacks, model, {options.verbose, 1, evaluator.batches()});
  ProgressBar bar(options.verbose, evaluator.batches());
  evaluator.run(options.callbacks, options.verbose != 0 ? &bar : nullptr);
  Logs logs;
  evaluator.means().write(logs);
  bar.finish(logs);
  return evaluator.means().evaluation();
}

}  // namespace rondo::training
