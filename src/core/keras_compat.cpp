#include "core/keras_compat.hpp"

#include <array>
#include <atomic>
#include <charconv>

#include <rondo/error.hpp>

namespace rondo {

namespace {

using detail::KerasDefaults;

// Each is the one behind it but for what changed between them.
constexpr KerasDefaults kKeras3_16{.version = "3.16",
                                   .recurrent_activation = "sigmoid",
                                   .hard_sigmoid = "hard_sigmoid",
                                   .reset_after = true,
                                   .epochs_of_sequential = 1,
                                   .accuracy = nullptr,
                                   .full_metric_names = false,
                                   .rounds_for_accuracy = false,
                                   .divides_by_weighted_rows = false,
                                   .masks_go_on = false,
                                   .metrics_are_for_each_output = false,
                                   .clipnorm_is_global = false,
                                   .optimizer_epsilon = 1e-7,
                                   .epsilon_outside_root = false,
                                   .adagrad_rate = 0.001,
                                   .adadelta_rate = 0.001,
                                   .adamax_rate = 0.001,
                                   .nadam_rate = 0.001,
                                   .adagrad_start = 0.1,
                                   .nadam_schedule_decay = {}};

constexpr KerasDefaults keras_3() {
  KerasDefaults defaults = kKeras3_16;
  defaults.version = "3";
  defaults.masks_go_on = true;
  return defaults;
}

constexpr KerasDefaults keras_2_4() {
  KerasDefaults defaults = keras_3();
  defaults.version = "2.4";
  defaults.metrics_are_for_each_output = true;
  defaults.hard_sigmoid = "hard_sigmoid_2";
  return defaults;
}

constexpr KerasDefaults keras_2_3() {
  KerasDefaults defaults = keras_2_4();
  defaults.version = "2.3";
  defaults.reset_after = false;
  defaults.rounds_for_accuracy = true;
  defaults.clipnorm_is_global = true;
  defaults.epsilon_outside_root = true;
  defaults.adagrad_rate = 0.01;
  defaults.adadelta_rate = 1;
  defaults.adamax_rate = 0.002;
  defaults.nadam_rate = 0.002;
  defaults.adagrad_start = 0;
  defaults.nadam_schedule_decay = 0.004;
  return defaults;
}

constexpr KerasDefaults keras_2_0() {
  KerasDefaults defaults = keras_2_3();
  defaults.version = "2.0";
  defaults.recurrent_activation = "hard_sigmoid";
  defaults.epochs_of_sequential = 10;
  defaults.accuracy = "acc";
  defaults.full_metric_names = true;
  defaults.divides_by_weighted_rows = true;
  defaults.optimizer_epsilon = 1e-8;
  return defaults;
}

constexpr KerasDefaults kKeras2_0 = keras_2_0(), kKeras2_3 = keras_2_3(), kKeras2_4 = keras_2_4(), kKeras3 = keras_3();
constexpr std::array kVersions = {&kKeras2_0, &kKeras2_3, &kKeras2_4, &kKeras3, &kKeras3_16};

std::atomic<const KerasDefaults*> g_defaults{&kKeras3};
thread_local const KerasDefaults* t_defaults = nullptr;  // of the file that is read

// The number at the begin of a text; -1 for none.
int number_at(const char*& at, const char* end) {
  int number = -1;
  at = std::from_chars(at, end, number).ptr;
  return number;
}

}  // namespace

void set_keras_compat(const std::string& version) {
  for (const KerasDefaults* defaults : kVersions) {
    if (version == defaults->version) return g_defaults.store(defaults, std::memory_order_relaxed);
  }
  throw ConfigError(
      "set_keras_compat: '" + version +
      "' is not known; there are '2.0' (Keras 2.0 to 2.2), '2.3', '2.4' (in TensorFlow, to 2.15), '3' and "
      "'3.16'");
}

std::string keras_compat() { return g_defaults.load(std::memory_order_relaxed)->version; }

const KerasDefaults& detail::keras_defaults() noexcept {
  return t_defaults != nullptr ? *t_defaults : *g_defaults.load(std::memory_order_relaxed);
}

namespace core {

const KerasDefaults& keras_defaults_of(const std::string& version) {
  const char* at = version.data();
  const char* const end = at + version.size();
  const int major = number_at(at, end);
  const int minor = at < end && *at == '.' ? number_at(++at, end) : -1;
  if (major > 3 || (major == 3 && minor >= 16)) return kKeras3_16;
  if (major == 3 || major < 1) return kKeras3;
  // "2.1.6-tf" was that of TensorFlow 1, "2.2.4-tf" is the first of TensorFlow 2.
  const int patch = at < end && *at == '.' ? number_at(++at, end) : -1;
  if (version.ends_with("-tf") && (minor > 2 || (minor == 2 && patch >= 4))) return kKeras2_4;
  if (major < 2 || minor < 3) return kKeras2_0;
  return minor == 3 ? kKeras2_3 : kKeras2_4;
}

WithKerasDefaults::WithKerasDefaults(const KerasDefaults& defaults) : before_(t_defaults) { t_defaults = &defaults; }
WithKerasDefaults::~WithKerasDefaults() { t_defaults = before_; }

}  // namespace core

}  // namespace rondo
