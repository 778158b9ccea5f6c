// Model and Sequential: define, compile, fit, evaluate, predict.
//
//   Sequential model;
//   model.add(LSTM(10, {.input_shape = {1, 1}}));
//   model.add(Dense(1));
//   model.compile({.optimizer = "adam", .loss = "mean_squared_error"});
//   History history = model.fit(X, y, {.epochs = 1000, .verbose = 0});
//   double loss = model.evaluate(X, y, {.verbose = 0}).loss();
//   Tensor predictions = model.predict(X);
//
// X is (samples, timesteps, features) for a model that begins with an LSTM; y is (samples, outputs) or (samples,).
// Data of either dtype are converted to the model's.
//
// Thread safety: predict, predict_into and evaluate of a compiled (or built) model may run on many threads at once,
// unless a layer is stateful. Everything else changes the model and needs it for itself.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <rondo/callbacks.hpp>
#include <rondo/data_source.hpp>
#include <rondo/history.hpp>
#include <rondo/inputs.hpp>
#include <rondo/layer.hpp>
#include <rondo/losses.hpp>
#include <rondo/metrics.hpp>
#include <rondo/optimizers.hpp>
#include <rondo/stream.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

namespace training {
class ModelNode;
}

// Options are given by name, in the order in which they stand here. Where the compiler's answer to a misspelt one says
// little, name the struct: for model.fit(X, y, FitOptions{.epoch = 10}) g++ says that there is no 'epoch'.
struct CompileOptions {
  Optimizer optimizer = "rmsprop";
  Losses loss = {};               // left out: that of the compile before, if any
  LossWeights loss_weights = {};  // of several outputs
  Metrics metrics = {};           // left out: as loss; names, objects of rondo::metrics, or a std::vector<std::string>
  Metrics weighted_metrics = {};  // likewise; these take sample_weight into account, the others do not
};

namespace detail {

// A Tensor or Inputs of somebody's, while a call lasts.
class Given {
 public:
  Given(const Tensor& only) : tensors_{&only} {}
  Given(const Inputs& many) : names_(many.names()) {
    for (const Tensor& tensor : many.tensors()) tensors_.push_back(&tensor);
  }
  const std::vector<const Tensor*>& tensors() const { return tensors_; }
  // As many as tensors, or none.
  std::span<const std::string> names() const { return names_; }

 private:
  std::vector<const Tensor*> tensors_;
  std::span<const std::string> names_;
};

// X and y of which at least one is Inputs. (Calls with two Tensors are functions of their own, whose arguments may be
// written in braces.)
template <class X, class Y>
concept OneIsMany = (std::same_as<X, Inputs> && (std::same_as<Y, Inputs> || std::same_as<Y, Tensor>)) ||
                    (std::same_as<X, Tensor> && std::same_as<Y, Inputs>);

}  // namespace detail

// Samples and labels to measure on after each epoch: .validation_data = {X, y}, or a pair of both; {X, y, weights}
// where samples weigh differently (FitOptions::sample_weight); a std::shared_ptr<DataSource> where they come in
// batches.
class ValidationData {
 public:
  ValidationData() = default;  // none
  ValidationData(std::nullopt_t) {}
  ValidationData(Tensor X, Tensor y) : data_(std::in_place, std::move(X), std::move(y)) {}
  template <class In, class Out>
    requires detail::OneIsMany<In, Out>
  ValidationData(In X, Out y) : data_(std::in_place, std::move(X), std::move(y)) {}
  ValidationData(Inputs X, Outputs y, Outputs sample_weight)
      : data_(std::in_place, std::move(X), std::move(y)), sample_weight_(std::move(sample_weight)) {}
  ValidationData(std::pair<Tensor, Tensor> data)
      : data_(std::in_place, std::move(data.first), std::move(data.second)) {}
  template <std::derived_from<DataSource> Source>
  ValidationData(std::shared_ptr<Source> source) : source_(std::move(source)) {}

  explicit operator bool() const { return data_.has_value() || source_ != nullptr; }
  // Null unless the data come from one.
  const std::shared_ptr<DataSource>& source() const { return source_; }
  // Of tensors that are there.
  const Inputs& X() const { return data_->first; }
  const Outputs& y() const { return data_->second; }
  const std::optional<Outputs>& sample_weight() const { return sample_weight_; }

 private:
  std::optional<std::pair<Inputs, Outputs>> data_;
  std::optional<Outputs> sample_weight_;
  std::shared_ptr<DataSource> source_;
};

// Which epochs are followed by a validation: every n-th, or a list of epochs, counted from 1.
class ValidationFreq {
 public:
  ValidationFreq() = default;
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  ValidationFreq(I every) : every_(static_cast<Index>(every)) {}
  ValidationFreq(std::initializer_list<Index> epochs) : epochs_(epochs) {}
  ValidationFreq(std::vector<Index> epochs) : epochs_(std::move(epochs)) {}

  Index every() const { return every_; }
  const std::vector<Index>& epochs() const { return epochs_; }  // none: every n-th
  bool includes(Index epoch) const;                             // counted from 0

 private:
  Index every_ = 1;
  std::vector<Index> epochs_;
};

// Class numbers and what a sample of such a class weighs; one that is not named weighs 1.
using ClassWeight = std::map<Index, Real>;

struct FitOptions {
  std::optional<Dim> batch_size = {};  // default 32; with steps_per_epoch, as many samples as make so many batches
  std::optional<Dim> epochs = {};      // default 1; a Sequential's 10 with set_keras_compat("2.0")
  std::optional<Dim> nb_epoch = {};    // Keras 1's name of epochs
  // 0 silent, 1 progress bar, 2 one line an epoch, 3 a chart of the losses, redrawn above the line of the epoch (where
  // standard output is no terminal, as 2). With 1 or more, what History::diagnosis finds is printed at the end.
  int verbose = 1;
  Callbacks callbacks = {};
  Real validation_split = 0.0;          // this fraction of the samples, the last ones, is kept for validation
  ValidationData validation_data = {};  // wins over validation_split
  // A new order of the samples each epoch, from the random seed. Default: true, but false for a stateful model, whose
  // rows go on from batch to batch; ConfigError for true there.
  std::optional<bool> shuffle = {};
  // How much each sample counts in the loss and in weighted_metrics: shape (samples,), or (samples, timesteps) for
  // outputs with a time axis; for several outputs one each. Losses are divided by the number of rows, as in Keras, not
  // by the sum of the weights.
  std::optional<Outputs> sample_weight = {};
  // Weights by the samples' classes, instead of sample_weight; for models of one output. A class is the number that the
  // label is, its largest of several, or 0 and 1 of a single probability. Validation does not heed it.
  //
  //   .class_weight = {{0, 1.0}, {1, 20.0}}
  ClassWeight class_weight = {};
  Dim initial_epoch = 0;  // 0 or more; epochs are counted from here, so there are epochs - initial_epoch of them
  // Into how many blocks of rows a batch is cut whose gradients are summed apart and then added up in pairs, 0 + 1 and
  // 2 + 3, then those sums, and so on. The number changes the last bits of what is learned, as the order of a sum does;
  // for one number they are the same on any threads. Each block has gradients of its own in memory. (Moments of a
  // BatchNormalization stay those of the whole batch.)
  Dim shards = 1;
  // Batches in an epoch; default: all there are. The next epoch goes on where one ended. An epoch in which the data run
  // out ends there, and the next begins with a new order.
  std::optional<Dim> steps_per_epoch = {};
  std::optional<Dim> validation_steps = {};       // batches of a validation, likewise
  std::optional<Dim> validation_batch_size = {};  // default: batch_size
  ValidationFreq validation_freq = 1;
};

struct EvaluateOptions {
  std::optional<Dim> batch_size = {};  // default 32
  int verbose = 1;
  std::optional<Outputs> sample_weight = {};  // as in FitOptions
  Callbacks callbacks = {};
  std::optional<Dim> steps = {};  // only so many batches, the first ones
};

// Of train_on_batch and test_on_batch.
struct OnBatchOptions {
  std::optional<Outputs> sample_weight = {};  // as in FitOptions
  ClassWeight class_weight = {};
};

struct PredictOptions {
  std::optional<Dim> batch_size = {};  // default 32
  int verbose = 1;
  Callbacks callbacks = {};
};

struct SummaryOptions {
  std::optional<Dim> line_length = {};                    // to 1000; default: 88, less in a narrower terminal
  std::function<void(const std::string&)> print_fn = {};  // gets the whole text; default: standard output
  bool show_trainable = false;
};

struct MemoryOptions {
  std::optional<Dim> batch_size = {};  // default 32
  Shape y = {};                        // the labels' shape, to ask about fit; left out: about predict
};

// Bytes that a call keeps beside the data it is given.
struct MemoryRequired {
  std::size_t weights = 0;    // the model's parameters, which it has anyway
  std::size_t optimizer = 0;  // what the optimizer remembers of each weight
  std::size_t workspace = 0;  // one batch at work: its copy, activations, gradients
  std::size_t total() const { return weights + optimizer + workspace; }
};

struct SaveOptions {
  bool overwrite = true;  // false: FileError where there is a file already
};

struct LoadWeightsOptions {
  bool by_name = false;        // whole-model .h5 alone: layers find their weights by their names, not in their order
  bool skip_mismatch = false;  // a layer whose weights do not fit keeps its own
};

struct ModelOptions {
  std::string name = {};
};

class Model : public Layer {
 public:
  // A graph of layers between symbols (symbol.hpp): all that leads from the inputs to the outputs. Inputs may also
  // stand in the middle of another model's graph. Shares its layers with every other model that has them.
  //
  //   Input in({30, 8});
  //   auto [sequence, h, c] = LSTM(64, {.return_sequences = true, .return_state = true})(in).unpack<3>();
  //   Model model({in}, {Dense(1)(sequence)});
  //
  // ConfigError where an output hangs on something that is not among the inputs, where two layers have one name, or
  // where layers compute in different dtypes.
  Model(const std::vector<Symbol>& inputs, const std::vector<Symbol>& outputs, const ModelOptions& options = {});
  template <std::convertible_to<Symbol> In, std::convertible_to<Symbol> Out>
  Model(const In& input, const Out& output, const ModelOptions& options = {})
      : Model(std::vector<Symbol>{input}, std::vector<Symbol>{output}, options) {}
  template <std::convertible_to<Symbol> Out>
  Model(const std::vector<Symbol>& inputs, const Out& output, const ModelOptions& options = {})
      : Model(inputs, std::vector<Symbol>{output}, options) {}
  template <std::convertible_to<Symbol> In>
  Model(const In& input, const std::vector<Symbol>& outputs, const ModelOptions& options = {})
      : Model(std::vector<Symbol>{input}, outputs, options) {}

  // Sets how the model learns. Checks names at once; shapes are checked at the first data. Weights stay; the optimizer
  // is a new one each time ("rmsprop" if none is given), without memory of the one before. Loss and metrics that are
  // left out stay, as in Keras. StateError while a fit of this model is at work, so from one of its callbacks.
  void compile(const CompileOptions& options) const;

  // Trains on (X, y), which must stay as they are meanwhile, and returns the course of the loss and metrics.
  //
  // Errors: StateError before compile; ShapeError where X, y and the model do not fit, or y holds labels that the loss
  // does not take; ConfigError for options out of range, and for a loss and a last activation that cannot learn
  // together (softmax over one unit, a crossentropy of probabilities without sigmoid or softmax); NumericError, naming
  // epoch, batch and cause, where X, y, a loss or an update is infinite or NaN: weights are those before that batch
  // (docs/not-finite.md). What a callback throws ends the fit and leaves it; the model then has the weights of the last
  // batch. Callbacks may predict, evaluate, read and set weights and the learning rate; another fit of the model,
  // compile, add and pop are a StateError then. Ctrl-C stops after the batch at work and returns what was learned, with
  // history.interrupted(); a second one ends the program.
  History fit(const Tensor& X, const Tensor& y, const FitOptions& options = {}) const;
  template <class In, class Out>
    requires detail::OneIsMany<In, Out>
  History fit(const In& X, const Out& y, const FitOptions& options = {}) const {
    return fit_all(X, y, options);
  }
  // The same on what a source gives, batch by batch. Sequences of many lengths take the memory of the longest.
  // .batch_size, .validation_split and .sample_weight are the source's business: ConfigError where they are given.
  // .class_weight holds for each batch.
  // .shuffle means the order of the batches.
  History fit(DataSource& source, const FitOptions& options = {}) const;

  // Loss and metrics on (X, y), as means over samples; of several outputs the sum of the losses first, then each loss
  // ("price_loss"), then the metrics in alphabetical order. Errors as fit; but NaN and infinities propagate.
  Evaluation evaluate(const Tensor& X, const Tensor& y, const EvaluateOptions& options = {}) const;
  template <class In, class Out>
    requires detail::OneIsMany<In, Out>
  Evaluation evaluate(const In& X, const Out& y, const EvaluateOptions& options = {}) const {
    return evaluate_all(X, y, options);
  }
  Evaluation evaluate(DataSource& source, const EvaluateOptions& options = {}) const;

  // One step on all of (X, y) as one batch, or its loss and metrics without the step. The numbers are those of this
  // batch, before the weights have changed. Errors as fit; StateError from a callback of a fit at work.
  //
  //   for (const auto& [X, y] : batches) double loss = model.train_on_batch(X, y).loss();
  Evaluation train_on_batch(const Tensor& X, const Tensor& y, const OnBatchOptions& options = {}) const;
  template <class In, class Out>
    requires detail::OneIsMany<In, Out>
  Evaluation train_on_batch(const In& X, const Out& y, const OnBatchOptions& options = {}) const {
    return train_on_batch_all(X, y, options);
  }
  Evaluation test_on_batch(const Tensor& X, const Tensor& y, const OnBatchOptions& options = {}) const;
  template <class In, class Out>
    requires detail::OneIsMany<In, Out>
  Evaluation test_on_batch(const In& X, const Out& y, const OnBatchOptions& options = {}) const {
    return test_on_batch_all(X, y, options);
  }
  // predict of all samples as one batch, silently.
  Tensor predict_on_batch(const Tensor& X) const;
  template <std::same_as<Inputs> Many>
  Tensor predict_on_batch(const Many& X) const {
    return predict_only(X, {.batch_size = X.tensors().front().shape()[0], .verbose = 0});
  }

  // The outputs for X, one row a sample, of the model's dtype; needs no compile. A model whose shapes are not known yet
  // is built for X first, with initial weights from the random seed.
  // ShapeError where the model has several outputs: predict_outputs has them all.
  Tensor predict(const Tensor& X, const PredictOptions& options = {}) const;
  template <std::same_as<Inputs> Many>
  Tensor predict(const Many& X, const PredictOptions& options = {}) const {
    return predict_only(X, options);
  }
  // One tensor for each output.
  std::vector<Tensor> predict_outputs(const Inputs& X, const PredictOptions& options = {}) const;

  // The same into a tensor of the right shape and dtype (ShapeError, ConfigError otherwise). Allocates nothing once the
  // model has predicted a batch of this shape.
  void predict_into(const Tensor& X, Tensor& out, Dim batch_size = 32) const;

  // What fit(X, y) or predict(X) will take for data of these shapes, told before anything is allocated for them.
  // Validation inside fit takes what predict would with its batches, once more. Errors as those calls, and StateError
  // before the model is built.
  //
  //   model.memory_required({8, 100'000, 1}, {.batch_size = 8, .y = {8, 1}}).total()
  MemoryRequired memory_required(const Shape& X, const MemoryOptions& options = {}) const;

  // Class numbers, as Keras 2 had them: the largest output of several, or whether a single output exceeds 0.5. One
  // number per row of the output, row-major.
  std::vector<Index> predict_classes(const Tensor& X, const PredictOptions& options = {}) const;

  // The model one time step at a time, with a state of its own. StateError before the model is built; ConfigError where
  // a layer walks time backwards, or for options that the model does not allow.
  Stream stream(const StreamOptions& options = {}) const;

  // Keras's table of layers, shapes and parameter counts, to standard output (or print_fn); summary_text returns it.
  void summary(const SummaryOptions& options = {}) const;
  std::string summary_text(const SummaryOptions& options = {}) const;

  // Writes the model to a file: .keras as Keras 3, or .h5 as Keras 2. With what it was compiled with, and what the
  // optimizer remembers, and a few predictions for verify_file (inspection.hpp) to compare with. The file is complete
  // or, after an error, as it was before. Equal models make equal files.
  // ConfigError for another ending, StateError before the model is built, FileError where it cannot be written.
  // (This and the next three: formats room, link rondo::rondo; see saving.hpp.)
  void save(const std::string& path, const SaveOptions& options = {}) const;
  // The weights alone; the name must end in .weights.h5, as in Keras 3. Errors likewise.
  void save_weights(const std::string& path, const SaveOptions& options = {}) const;
  // The weights of a .weights.h5, .keras or .h5 file of Keras's or ours, for a model of the same layers; all of them
  // or, after a FileError that names layer and shapes, none. Returns the names of layers that keep theirs, which only
  // .skip_mismatch allows.
  std::vector<std::string> load_weights(const std::string& path, const LoadWeightsOptions& options = {}) const;
  // The layers, and what the model was compiled with, as JSON with Keras 3's keys; model_from_json reads it.
  std::string to_json() const;

  // Where data enter and what comes out, as symbols of a graph, to go on from: new layers behind a trained model share
  // its weights. StateError before the model is built.
  //
  //   Model probabilities(model.inputs(), Activation("softmax")(model.outputs()[0]));
  std::vector<Symbol> inputs() const;
  std::vector<Symbol> outputs() const;

  // The layers in Keras's order; those of a graph with its Inputs, those of a Sequential without.
  std::vector<Layer> layers() const;
  // By position (negative from the end) or name. ConfigError with the known names otherwise.
  Layer get_layer(Index index) const;
  Layer get_layer(const std::string& name) const;

  // The optimizer's rate now. StateError before compile.
  double learning_rate() const;
  void set_learning_rate(Real rate) const;
  // What the optimizer remembers, with Keras's names in Keras's order: how many steps it has taken ("adam/iteration",
  // exact to 2^53) and its learning rate (unless that is a schedule), both float64; then arrays of the weights' shapes
  // and dtype: running means (use_ema), sums of gradients (gradient_accumulation_steps), and those of the rule. Names
  // begin with the class's name in snake case, without the numbers that Keras gives to further optimizers. Before the
  // first step the values are those it will begin with. StateError before compile, and before the model is built.
  //
  //   Model again = ...;  // of the same layers, compiled alike
  //   again.set_weights(model.get_weights());
  //   again.set_optimizer_variables(model.optimizer_variables());  // goes on where the model stands, to the bit
  std::vector<OptimizerVariable> optimizer_variables() const;
  // Sets all of them, in any order; of several with one name, in theirs. What stands in front of a name's "/" does not
  // count, nor do numbers of automatic names where the other model has others ("lstm_1" for "lstm"). A learning rate in
  // float32 that the one now rounds to leaves it as it is. Errors as above; ConfigError, naming it, for a variable that
  // is missing or not known, and for an iteration or a learning rate that is none; ShapeError for one of another shape.
  // Nothing has changed then.
  void set_optimizer_variables(const std::vector<OptimizerVariable>& variables) const;
  // The values alone, in Keras's order.
  void set_optimizer_variables(const std::vector<Tensor>& values) const;
  // Puts the mean x of ScheduleFreeAdamW in the weights' place, which evaluates better than they do, and back; training
  // goes back by itself. Nothing happens where they are there. ConfigError with another optimizer.
  void swap_to_eval() const;
  void swap_to_train() const;
  // Asks a fit at work to end after this batch; for callbacks.
  void stop_training() const;

 private:
  friend class Sequential;
  friend struct detail::Access;
  explicit Model(const Layer& model) : Layer(model) {}
  training::ModelNode& model_node() const;
  History fit_all(const detail::Given& X, const detail::Given& y, const FitOptions& options) const;
  Evaluation evaluate_all(const detail::Given& X, const detail::Given& y, const EvaluateOptions& options) const;
  Evaluation train_on_batch_all(const detail::Given& X, const detail::Given& y, const OnBatchOptions& options) const;
  Evaluation test_on_batch_all(const detail::Given& X, const detail::Given& y, const OnBatchOptions& options) const;
  Tensor predict_only(const Inputs& X, const PredictOptions& options) const;
};

struct SequentialOptions {
  std::string name = {};
};

// Layers in a row. Without an Input or .input_shape on the first layer, shapes come with the first data.
class Sequential : public Model {
 public:
  explicit Sequential(const SequentialOptions& options = {});
  Sequential(std::initializer_list<Layer> layers, const SequentialOptions& options = {});

  // Appends a layer. ShapeError, in words, when shapes are known and do not fit; ConfigError for a name that is taken,
  // or a model that holds this one; StateError while a fit is at work.
  void add(const Layer& layer) const;
  // Removes and returns the last layer. StateError when there is none, or while a fit is at work.
  Layer pop() const;
};

// Starts the automatic names of layers and models ("lstm", "lstm_1") anew.
void clear_session();

}  // namespace rondo
