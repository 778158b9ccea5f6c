// Callbacks that write models to files while they learn.
//
//   model.fit(X, y, {.epochs = 100,
//                    .callbacks = {make_callback<ModelCheckpoint>("best.keras", {.save_best_only = true})},
//                    .validation_split = 0.2});
#pragma once

#include <optional>
#include <string>

#include <rondo/callbacks.hpp>
#include <rondo/shape.hpp>

namespace rondo {

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";  // for save_best_only, as in MonitorCallback
  int verbose = 0;                   // 1: says so
  bool save_best_only = false;       // only where the monitored number is better than whenever it was saved before
  bool save_weights_only = false;    // as Model::save_weights; the name must end in .weights.h5 then
  std::string mode = "auto";
  std::optional<Dim> save_freq = {};                 // after so many batches; left out: after each epoch
  std::optional<Real> initial_value_threshold = {};  // must be beaten, too
};
// Saves the model at the end of each epoch. The name may have fields as Python's: {epoch:02d}, counted from 1; {batch},
// from 1, with save_freq; and every number of the logs, {val_loss:.2f} (f, e, g, or as it is without a format). Folders
// that are not there are made; the best of all goes on from fit to fit.
//
//   make_callback<ModelCheckpoint>("models/{epoch:03d}-{val_loss:.4f}.keras")
//
// ConfigError for a name with another ending, a format that is none of these, from fit for a field that the logs do not
// have; FileError as Model::save, which ends the fit.
class ModelCheckpoint : public MonitorCallback {
 public:
  using Options = ModelCheckpointOptions;
  explicit ModelCheckpoint(const std::string& path, const ModelCheckpointOptions& options = {});

  void on_train_begin() override {}  // the best so far stays
  void on_epoch_begin(Index epoch) override { epoch_ = epoch; }
  void on_epoch_end(Index epoch, Logs& logs) override;
  void on_train_batch_end(Index batch, Logs& logs) override;

  // What the best model so far has; none before the first.
  std::optional<double> best() const { return best_; }

 private:
  void save(std::optional<Index> batch, const Logs& logs);

  std::string path_;
  ModelCheckpointOptions options_;
  std::optional<double> best_;
  Index epoch_ = 0, batches_ = 0;
};

struct BackupAndRestoreOptions {
  bool delete_checkpoint = true;  // when fit has come to its end
};
// Goes on with a fit that was broken off: at the end of each epoch the weights and what the optimizer remembers are
// kept in a file of the folder, "latest.weights.h5"; a fit that finds one begins behind that epoch. The program that is
// started again must make the same model from the same random seed; the weights at the end are then those of a fit that
// was never broken off, to the bit. History has the epochs since. (A stateful model's state is not kept: reset it at
// the begin of each epoch. Other callbacks begin anew, and count what they count from there.) Ctrl-C ends a fit before
// its end, so that the file stays.
//
//   model.fit(X, y, {.epochs = 1000, .callbacks = {make_callback<BackupAndRestore>("backup")}});
//
// FileError, naming it, from fit where the file is of another model or damaged, and as Model::save.
class BackupAndRestore : public Callback {
 public:
  using Options = BackupAndRestoreOptions;
  explicit BackupAndRestore(std::string folder, const BackupAndRestoreOptions& options = {});

  void on_train_begin() override;
  void on_epoch_end(Index epoch, Logs& logs) override;
  void on_train_end(Logs& logs) override;

 private:
  std::string path() const { return folder_ + "/latest.weights.h5"; }

  std::string folder_;
  BackupAndRestoreOptions options_;
};

}  // namespace rondo
