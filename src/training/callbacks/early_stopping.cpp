#include <rondo/callbacks.hpp>
#include <rondo/model.hpp>

#include "core/options.hpp"
#include "training/terminal.hpp"

namespace rondo {

EarlyStopping::EarlyStopping(const EarlyStoppingOptions& options)
    : MonitorCallback("EarlyStopping", options.monitor, options.mode, options.min_delta), options_(options) {
  checked_option("EarlyStopping", "min_delta", options.min_delta, Allowed::finite);
  checked_option("EarlyStopping", "patience", static_cast<double>(options.patience), Allowed::zero_or_more);
}

void EarlyStopping::on_train_begin() {
  MonitorCallback::on_train_begin();
  wait_ = best_epoch_ = 0;
  stopped_epoch_.reset();
  best_weights_.clear();
}

void EarlyStopping::keep_best(Index epoch) {
  best_epoch_ = epoch;
  if (options_.restore_best_weights) best_weights_ = model().get_weights();
}

void EarlyStopping::on_epoch_end(Index epoch, Logs& logs) {
  const std::optional<double> now = monitored(logs);
  if (!now || epoch < options_.start_from_epoch) return;
  if (options_.restore_best_weights && best_weights_.empty()) keep_best(epoch);
  ++wait_;
  if (improves(*now)) {
    keep_best(epoch);
    const std::optional<double> baseline = options_.baseline ? std::optional<double>(*options_.baseline) : std::nullopt;
    if (is_improvement(*now, baseline)) wait_ = 0;
    return;
  }
  if (wait_ < options_.patience || epoch == 0) return;
  stopped_epoch_ = epoch;
  model().stop_training();
}

void EarlyStopping::on_train_end(Logs&) {
  if (stopped_epoch_ && options_.verbose > 0) {
    training::print("Epoch " + std::to_string(*stopped_epoch_ + 1) + ": early stopping\n");
  }
  if (best_weights_.empty()) return;
  if (options_.verbose > 0) {
    training::print("Restoring model weights from the end of the best epoch: " + std::to_string(best_epoch_ + 1) +
                    ".\n");
  }
  model().set_weights(best_weights_);
}

}  // namespace rondo
