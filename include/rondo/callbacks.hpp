// Callbacks: code of the user's that training calls at fixed moments, as in Keras.
//
//   struct StopAt : Callback {
//     double target;
//     explicit StopAt(double t) : target(t) {}
//     void on_epoch_end(Index, Logs& logs) override { if (logs["loss"] < target) model().stop_training(); }
//   };
//   model.fit(X, y, {.epochs = 1000, .callbacks = {make_callback<StopAt>(1e-4)}});
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <rondo/history.hpp>
#include <rondo/shape.hpp>

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

  // The model at work and how it was called; set before the first hook. StateError for model() before that.
  struct Params {
    int verbose = 0;
    Index epochs = 1;
    Index steps = 1;  // batches per epoch
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

}  // namespace rondo
