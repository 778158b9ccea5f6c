// Curves, weights and layers for TensorBoard, while a model learns.
//
//   model.fit(X, y, {.epochs = 100,
//                    .callbacks = {make_callback<TensorBoard>({.log_dir = "logs/run_1", .histogram_freq = 1})},
//                    .validation_split = 0.2});
//
// and in a terminal: tensorboard --logdir logs
#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <rondo/callbacks.hpp>
#include <rondo/shape.hpp>

namespace rondo {

namespace formats {
class EventFile;
}

// How often training is written: "epoch", "batch", or a number of batches.
class UpdateFreq {
 public:
  // ConfigError for another word.
  UpdateFreq(std::string_view word);
  UpdateFreq(const char* word) : UpdateFreq(std::string_view(word)) {}
  UpdateFreq(std::nullptr_t) = delete;
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  UpdateFreq(I batches) : UpdateFreq(Dim(batches)) {}
  // ConfigError for a number below 1.
  UpdateFreq(Dim batches);

  // 0: each epoch alone.
  Index batches() const { return batches_; }

 private:
  Index batches_;
};

struct TensorBoardOptions {
  // Each run has a folder of its own in the one that TensorBoard is started with.
  std::string log_dir = "logs";
  Dim histogram_freq = 0;     // after every so many epochs, from the first on, how each weight is spread; 0: never
  bool write_graph = true;    // the model's layers, as a graph
  bool write_images = false;  // not in Rondo: histograms show weights
  // Training steps a second: of each epoch, and of the batches that are written.
  bool write_steps_per_second = false;
  // With batches: the running averages of the epoch after every so many, beside what is written each epoch.
  UpdateFreq update_freq = "epoch";
  Dim profile_batch = 0;                 // not in Rondo
  Dim embeddings_freq = 0;               // not in Rondo, which has no embeddings
  std::string embeddings_metadata = {};  // likewise
};
// Writes files of events that TensorBoard shows, with Keras's names for all that is in them:
//
//   train/        epoch_loss, epoch_<metric>, epoch_learning_rate, epoch_steps_per_second at each epoch, from 0;
//                 batch_loss, batch_<metric>, batch_steps_per_second at the batches of this fit, from 1;
//                 <path of a weight>/histogram, keras (the graph)
//   validation/   epoch_loss, epoch_<metric>; evaluation_loss_vs_iterations, evaluation_<metric>_vs_iterations at the
//                 steps of the optimizer, from each validation and each evaluate that has this callback
//
// Each fit, and each evaluate, writes files of its own behind those that are there. What is written is in the file at
// once, so that TensorBoard shows a fit at work. The numbers are float32; the time of each is the clock's.
//
// ConfigError for an option out of range, and for those that are not in Rondo unless they are off. FileError, which
// ends the fit, where a file cannot be written.
class TensorBoard : public Callback {
 public:
  using Options = TensorBoardOptions;
  explicit TensorBoard(const TensorBoardOptions& options = {});
  // The same with other options as they are.
  explicit TensorBoard(const std::string& log_dir) : TensorBoard(TensorBoardOptions{.log_dir = log_dir}) {}
  ~TensorBoard() override;

  void on_train_begin() override;
  void on_train_end(Logs& logs) override;
  void on_epoch_begin(Index epoch) override;
  void on_epoch_end(Index epoch, Logs& logs) override;
  void on_train_batch_begin(Index batch) override;
  void on_train_batch_end(Index batch, Logs& logs) override;
  void on_test_end(Logs& logs) override;

 private:
  using Clock = std::chrono::steady_clock;

  formats::EventFile& train();
  formats::EventFile& validation();
  Index iterations() const;
  void write_weights(Index epoch);

  Options options_;
  std::unique_ptr<formats::EventFile> train_, validation_;  // made when they are written to
  bool fits_ = false;
  Index batches_ = 0;          // of this fit
  Index first_iteration_ = 0;  // of the epoch
  Clock::time_point epoch_begin_{}, batch_begin_{};
};

}  // namespace rondo
