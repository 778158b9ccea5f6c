// ReduceLROnPlateau and LearningRateScheduler.
#include <algorithm>
#include <utility>

#include <rondo/callbacks.hpp>
#include <rondo/model.hpp>

#include "core/names.hpp"
#include "core/options.hpp"
#include "training/terminal.hpp"

namespace rondo {

namespace {

void print_rate(Index epoch, const std::string& what, double rate) {
  training::print("\nEpoch " + std::to_string(epoch + 1) + ": " + what + " learning rate to " + exact_text(rate) +
                  ".\n");
}

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(const ReduceLROnPlateauOptions& options)
    : MonitorCallback("ReduceLROnPlateau", options.monitor, options.mode, options.min_delta), options_(options) {
  checked_option("ReduceLROnPlateau", "factor", options.factor, Allowed::below_1);
  checked_option("ReduceLROnPlateau", "min_delta", options.min_delta, Allowed::finite);
  checked_option("ReduceLROnPlateau", "min_lr", options.min_lr, Allowed::zero_or_more);
}

void ReduceLROnPlateau::on_train_begin() {
  MonitorCallback::on_train_begin();
  wait_ = cooldown_left_ = 0;
}

void ReduceLROnPlateau::on_epoch_end(Index epoch, Logs& logs) {
  logs.set("learning_rate", model().learning_rate());
  const std::optional<double> now = monitored(logs);
  if (!now) return;
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    wait_ = 0;
  }
  if (improves(*now)) {
    wait_ = 0;
  } else if (cooldown_left_ == 0 && ++wait_ >= options_.patience) {
    reduce(epoch);
  }
}

void ReduceLROnPlateau::reduce(Index epoch) {
  const double rate = model().learning_rate();
  if (rate <= options_.min_lr) return;
  const double reduced = std::max(rate * options_.factor, double{options_.min_lr});
  model().set_learning_rate(reduced);
  if (options_.verbose > 0) print_rate(epoch, "ReduceLROnPlateau reducing", reduced);
  cooldown_left_ = options_.cooldown;
  wait_ = 0;
}

LearningRateScheduler::LearningRateScheduler(Schedule schedule, int verbose)
    : schedule_(std::move(schedule)), verbose_(verbose) {
  if (!schedule_) throw ConfigError("LearningRateScheduler needs a function of the epoch and the learning rate");
}

void LearningRateScheduler::on_epoch_begin(Index epoch) {
  const double rate = schedule_(epoch, model().learning_rate());
  model().set_learning_rate(rate);
  if (verbose_ > 0) print_rate(epoch, "LearningRateScheduler setting", rate);
}

void LearningRateScheduler::on_epoch_end(Index, Logs& logs) { logs.set("learning_rate", model().learning_rate()); }

}  // namespace rondo
