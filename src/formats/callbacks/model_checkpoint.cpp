#include <rondo/checkpoints.hpp>
#include <rondo/model.hpp>

#include "core/options.hpp"
#include "formats/callbacks/file_name.hpp"
#include "formats/callbacks/folder.hpp"
#include "training/terminal.hpp"

namespace rondo {

namespace {

std::string checked_path(const std::string& path, bool weights_only) {
  const bool is_weights = path.ends_with(".weights.h5");
  if (weights_only && !is_weights) {
    throw ConfigError("ModelCheckpoint: with save_weights_only the file name must end in .weights.h5, '" + path +
                      "' was given");
  }
  if (!weights_only && (is_weights || !(path.ends_with(".keras") || path.ends_with(".h5")))) {
    throw ConfigError("ModelCheckpoint: the file name must end in .keras or .h5, '" + path + "' was given" +
                      (is_weights ? "; .save_weights_only saves weights alone" : ""));
  }
  return path;
}

std::string five_digits(double value) {
  return formats::file_name("", "{x:.5f}", [&](const std::string&) { return value; });
}

}  // namespace

ModelCheckpoint::ModelCheckpoint(const std::string& path, const ModelCheckpointOptions& options)
    : MonitorCallback("ModelCheckpoint", options.monitor, options.mode, 0),
      path_(checked_path(path, options.save_weights_only)),
      options_(options) {
  if (options.save_freq) {
    checked_option("ModelCheckpoint", "save_freq", static_cast<double>(*options.save_freq), Allowed::one_or_more);
  }
  if (options.initial_value_threshold) best_ = *options.initial_value_threshold;
}

void ModelCheckpoint::on_epoch_end(Index, Logs& logs) {
  if (!options_.save_freq) save({}, logs);
}

void ModelCheckpoint::on_train_batch_end(Index batch, Logs& logs) {
  if (options_.save_freq && ++batches_ % *options_.save_freq == 0) save(batch, logs);
}

void ModelCheckpoint::save(std::optional<Index> batch, const Logs& logs) {
  const std::string begin = "\nEpoch " + std::to_string(epoch_ + 1) + ": ";
  const auto say = [&](const std::string& text) {
    if (options_.verbose > 0) training::print(begin + text + "\n");
  };
  std::string improvement;
  if (options_.save_best_only) {
    const std::optional<double> now = monitored(logs);
    if (!now) return;
    if (!is_improvement(*now, best_)) {
      return say(options_.monitor + " did not improve from " + five_digits(*best_));
    }
    improvement = options_.monitor + " improved from " + (best_ ? five_digits(*best_) : "None") + " to " +
                  five_digits(*now) + ", ";
    best_ = now;
  }
  const std::string path = formats::file_name("ModelCheckpoint", path_, [&](const std::string& name) {
    if (name == "epoch") return formats::FieldValue(epoch_ + 1);
    if (name == "batch" && batch) return formats::FieldValue(*batch + 1);
    return formats::FieldValue(logs[name]);
  });
  say(improvement + "saving model to " + path);
  formats::make_folder_of(path);
  if (options_.save_weights_only) {
    model().save_weights(path);
  } else {
    model().save(path);
  }
  say("finished saving model to " + path);
}

}  // namespace rondo
