// Callbacks: code of the user's that training calls at fixed moments, as in Keras.
//
//   struct StopAt : Callback {
//     double target;
//     explicit StopAt(double t) : target(t) {}
//     void on_epoch_end(Index, Logs& logs) override { if (logs["loss"] < target) model().stop_training(); }
//   };
//   model.fit(X, y, {.epochs = 1000, .callbacks = {make_callback<StopAt>(1e-4)}});
//
// Keras's own: EarlyStopping, ReduceLROnPlateau, LearningRateScheduler, TerminateOnNaN, CSVLogger, SwapEMAWeights,
// LambdaCallback.
//
//   model.fit(X, y, {.epochs = 1000,
//                    .callbacks = {make_callback<EarlyStopping>({.patience = 10, .restore_best_weights = true})},
//                    .validation_split = 0.2});
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <rondo/history.hpp>
#include <rondo/shape.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

class Model;

// Hooks are called by the thread that called fit, evaluate or predict. Epochs and batches count from 0. Logs are shared
// by all callbacks of a hook, in order: what one adds, the next and the History see. An exception ends the call.
class Callback {
 public:
  virtual ~Callback() = default;

  virtual void on_train_begin() {}
  virtual void on_train_end(Logs& /*logs*/) {}
  virtual void on_epoch_begin(Index /*epoch*/) {}
  virtual void on_epoch_end(Index /*epoch*/, Logs& /*logs*/) {}
  virtual void on_train_batch_begin(Index /*batch*/) {}
  // Logs are running averages of the epoch.
  virtual void on_train_batch_end(Index /*batch*/, Logs& /*logs*/) {}
  virtual void on_test_begin() {}
  virtual void on_test_end(Logs& /*logs*/) {}
  virtual void on_test_batch_begin(Index /*batch*/) {}
  virtual void on_test_batch_end(Index /*batch*/, Logs& /*logs*/) {}
  virtual void on_predict_begin() {}
  virtual void on_predict_end() {}
  virtual void on_predict_batch_begin(Index /*batch*/) {}
  virtual void on_predict_batch_end(Index /*batch*/) {}

  // A batch that could not be learned since its data, its loss or an update are infinite or NaN; the weights are those
  // before it. Where a callback returns true, the fit ends here, with a loss of NaN for the epoch; else it throws a
  // NumericError.
  virtual bool on_not_finite_batch(Index /*batch*/) { return false; }

  // The model at work and how it was called; set before the first hook. StateError for model() before that.
  struct Params {
    int verbose = 0;
    Index epochs = 1;
    Index steps = 1;         // batches per epoch
    bool validates = false;  // of fit: after epochs, so that logs have keys "val_..."
  };
  Model& model() const;
  const Params& params() const { return params_; }
  void attach(std::shared_ptr<Model> model, const Params& params) {
    model_ = std::move(model);
    params_ = params;
  }

 private:
  std::shared_ptr<Model> model_;
  Params params_;
};

using Callbacks = std::vector<std::shared_ptr<Callback>>;

// A callback made in place, from what its constructor takes.
template <std::derived_from<Callback> T, class... Arguments>
std::shared_ptr<T> make_callback(Arguments&&... arguments) {
  return std::make_shared<T>(std::forward<Arguments>(arguments)...);
}

// The same of a callback that takes options, which may be written in braces.
template <std::derived_from<Callback> T>
  requires requires { typename T::Options; }
std::shared_ptr<T> make_callback(const typename T::Options& options) {
  return std::make_shared<T>(options);
}

// And of one whose options come behind the name of a file or folder.
//
//   make_callback<CSVLogger>("course.csv", {.append = true})
template <std::derived_from<Callback> T>
  requires requires { typename T::Options; }
std::shared_ptr<T> make_callback(const std::string& path, const typename T::Options& options) {
  return std::make_shared<T>(path, options);
}

// Callbacks from functions. Empty ones are not called.
class LambdaCallback : public Callback {
 public:
  struct Functions {
    std::function<void(Index epoch)> on_epoch_begin = {};
    std::function<void(Index epoch, Logs& logs)> on_epoch_end = {};
    std::function<void()> on_train_begin = {};
    std::function<void(Logs& logs)> on_train_end = {};
    std::function<void(Index batch)> on_train_batch_begin = {};
    std::function<void(Index batch, Logs& logs)> on_train_batch_end = {};
  };
  using Options = Functions;
  explicit LambdaCallback(Functions functions) : functions_(std::move(functions)) {}

  void on_epoch_begin(Index epoch) override {
    if (functions_.on_epoch_begin) functions_.on_epoch_begin(epoch);
  }
  void on_epoch_end(Index epoch, Logs& logs) override {
    if (functions_.on_epoch_end) functions_.on_epoch_end(epoch, logs);
  }
  void on_train_begin() override {
    if (functions_.on_train_begin) functions_.on_train_begin();
  }
  void on_train_end(Logs& logs) override {
    if (functions_.on_train_end) functions_.on_train_end(logs);
  }
  void on_train_batch_begin(Index batch) override {
    if (functions_.on_train_batch_begin) functions_.on_train_batch_begin(batch);
  }
  void on_train_batch_end(Index batch, Logs& logs) override {
    if (functions_.on_train_batch_end) functions_.on_train_batch_end(batch, logs);
  }

 private:
  Functions functions_;
};

// ---- watching a number ----------------------------------------------------------------------------------------------

// For callbacks that watch a number of the logs, `monitor`: a loss or a metric, "val_" in front for that of validation.
// mode says which way is better, "min" or "max"; "auto" takes that of the metric, "min" for losses. An epoch without
// validation is passed over.
//
// ConfigError for another mode; from fit, where the logs do not have the number, or "auto" cannot say.
class MonitorCallback : public Callback {
 public:
  // Forgets what earlier fits have shown.
  void on_train_begin() override { best_.reset(); }

 protected:
  MonitorCallback(std::string class_name, std::string monitor, std::string mode, double min_delta);

  const std::string& class_name() const { return class_name_; }
  // None in an epoch without validation.
  std::optional<double> monitored(const Logs& logs) const;
  // Whether a number is better than another by more than min_delta. Every number is better than none; NaN is never
  // better than a number, and nothing is better than NaN.
  bool is_improvement(double now, const std::optional<double>& reference) const;
  // The same against the best so far, which it becomes.
  bool improves(double now);

 private:
  bool wants_more() const;

  std::string class_name_, monitor_, mode_;
  double min_delta_;
  std::optional<double> best_;
};

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  Real min_delta = 0.0;  // what is less counts as no improvement
  Dim patience = 0;      // epochs without improvement before the end; 0 and 1 are the same
  int verbose = 0;       // 1: says so
  std::string mode = "auto";
  std::optional<Real> baseline = {};  // must be beaten too
  // Whether the model has the weights of the best epoch at the end of fit, also where it was not stopped.
  bool restore_best_weights = false;
  Dim start_from_epoch = 0;  // earlier ones are not watched; from 0
};
// Ends a fit whose monitored number has stopped getting better.
class EarlyStopping : public MonitorCallback {
 public:
  using Options = EarlyStoppingOptions;
  explicit EarlyStopping(const EarlyStoppingOptions& options = {});

  void on_train_begin() override;
  void on_epoch_end(Index epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;

  // The epoch whose end the fit was stopped at, from 0; none: it ran to its end.
  std::optional<Index> stopped_epoch() const { return stopped_epoch_; }
  // The best epoch, from 0.
  Index best_epoch() const { return best_epoch_; }

 private:
  void keep_best(Index epoch);

  Options options_;
  Index wait_ = 0, best_epoch_ = 0;
  std::optional<Index> stopped_epoch_;
  std::vector<Tensor> best_weights_;
};

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  Real factor = 0.1;  // the rate becomes rate * factor; below 1
  Dim patience = 10;  // epochs without improvement before that
  int verbose = 0;    // 1: says so
  std::string mode = "auto";
  Real min_delta = 1e-4;  // what is less counts as no improvement
  Dim cooldown = 0;       // epochs after a reduction in which none are counted
  Real min_lr = 0.0;      // no lower
};
// Lowers the learning rate where the monitored number has stopped getting better. Logs "learning_rate": that of the
// epoch.
class ReduceLROnPlateau : public MonitorCallback {
 public:
  using Options = ReduceLROnPlateauOptions;
  explicit ReduceLROnPlateau(const ReduceLROnPlateauOptions& options = {});

  void on_train_begin() override;
  void on_epoch_end(Index epoch, Logs& logs) override;

 private:
  void reduce(Index epoch);

  Options options_;
  Index wait_ = 0, cooldown_left_ = 0;
};

// ---- the learning rate ----------------------------------------------------------------------------------------------

// Sets the learning rate at the beginning of each epoch to what a function of the epoch (from 0), or of the epoch and
// the rate so far, says. Logs "learning_rate". ConfigError from fit for a rate that is not finite or below 0.
//
//   make_callback<LearningRateScheduler>([](Index epoch, double rate) { return epoch < 10 ? rate : 0.9 * rate; })
class LearningRateScheduler : public Callback {
 public:
  using Schedule = std::function<double(Index epoch, double rate)>;
  // verbose 1: says so.
  explicit LearningRateScheduler(Schedule schedule, int verbose = 0);
  template <class F>
    requires(std::invocable<F, Index> && !std::invocable<F, Index, double>)
  explicit LearningRateScheduler(F schedule, int verbose = 0)
      : LearningRateScheduler(Schedule([schedule](Index epoch, double) { return schedule(epoch); }), verbose) {}

  void on_epoch_begin(Index epoch) override;
  void on_epoch_end(Index epoch, Logs& logs) override;

 private:
  Schedule schedule_;
  int verbose_;
};

// ---- averages of weights --------------------------------------------------------------------------------------------

struct SwapEMAWeightsOptions {
  // Whether the model has the averages from the end of each epoch to the next, too, for callbacks behind this one.
  bool swap_on_epoch = false;
};
// Evaluation inside of fit, and predict and evaluate with this callback, see the running means of the weights that an
// optimizer with .use_ema keeps; training goes on with the weights themselves. ConfigError from fit for an optimizer
// without.
class SwapEMAWeights : public Callback {
 public:
  using Options = SwapEMAWeightsOptions;
  explicit SwapEMAWeights(const SwapEMAWeightsOptions& options = {}) : options_(options) {}

  void on_epoch_begin(Index epoch) override;
  void on_epoch_end(Index epoch, Logs& logs) override;
  void on_test_begin() override { hold(true); }
  void on_test_end(Logs&) override { hold(false); }
  void on_predict_begin() override { hold(true); }
  void on_predict_end() override { hold(false); }

 private:
  // Whether the model has the averages.
  void hold(bool averages);

  Options options_;
  bool holds_averages_ = false;
};

// ---- numbers that are none ------------------------------------------------------------------------------------------

// Ends the fit quietly at a batch that is infinite or NaN, where it throws otherwise: the History has NaN for the loss
// of that epoch, the model the weights before that batch.
class TerminateOnNaN : public Callback {
 public:
  bool on_not_finite_batch(Index batch) override;
};

// ---- files ----------------------------------------------------------------------------------------------------------

struct CSVLoggerOptions {
  std::string separator = ",";
  bool append = false;  // to a file that is there, whose header stays
};
// Writes the logs of each epoch as a line of a CSV file: "epoch", from 0, and the keys that the first epoch has, in
// alphabetical order; with validation keys beside them, empty as "NA" in epochs without one. FileError where the file
// cannot be written.
class CSVLogger : public Callback {
 public:
  using Options = CSVLoggerOptions;
  explicit CSVLogger(std::string filename, const CSVLoggerOptions& options = {});

  void on_train_begin() override;
  void on_epoch_end(Index epoch, Logs& logs) override;

 private:
  void write(const std::vector<std::string>& cells);

  std::string filename_;
  CSVLoggerOptions options_;
  bool begun_ = false, has_header_ = false;
  std::vector<std::string> keys_;
};

}  // namespace rondo
