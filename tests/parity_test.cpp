// docs/keras-parity.md is what this program finds in the registries: which of Keras's names Rondo has. After a change,
//
//   RONDO_WRITE_PARITY=docs/keras-parity.md build/release/tests/rondo_acceptance --gtest_filter='KerasParity.*'
//
// writes it anew. What is missing needs a reason below.
#include <cstdlib>
#include <fstream>
#include <functional>
#include <gtest/gtest.h>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <rondo/rondo.hpp>

#include "training/schedules.hpp"

namespace rondo {
namespace {

// Names that are in no registry, and where else what they stand for is.
const std::map<std::string, std::string> kElsewhere = {
    {"losses Loss", "`Loss`; one of your own: `custom_loss`"},
    {"metrics Metric", "`Metric`; one of your own: `custom_metric`; at work without a model: `MetricState`"},
    {"metrics Mean", "`metrics::Mean`, for `MetricState`"},
    {"metrics Sum", "`metrics::Sum`, for `MetricState`"},
    {"metrics MeanMetricWrapper", "`metrics::MeanMetricWrapper`, `custom_metric`"},
    {"optimizers Optimizer", "`Optimizer`"},
    {"schedules LearningRateSchedule", "`LearningRateSchedule`; one of your own: `custom_schedule`"},
    {"callbacks Callback", "`Callback`"},
    {"callbacks CallbackList", "`Callbacks`, a vector"},
    {"callbacks CSVLogger", "`CSVLogger`"},
    {"callbacks EarlyStopping", "`EarlyStopping`"},
    {"callbacks History", "what `fit` returns"},
    {"callbacks LambdaCallback", "`LambdaCallback`"},
    {"callbacks LearningRateScheduler", "`LearningRateScheduler`"},
    {"callbacks BackupAndRestore", "`BackupAndRestore`"},
    {"callbacks ModelCheckpoint", "`ModelCheckpoint`"},
    {"callbacks MonitorCallback", "`MonitorCallback`"},
    {"callbacks ProgbarLogger", "`.verbose = 1`"},
    {"callbacks ReduceLROnPlateau", "`ReduceLROnPlateau`"},
    {"callbacks SwapEMAWeights", "`SwapEMAWeights`"},
    {"callbacks TensorBoard", "`TensorBoard`, without images, profiles and embeddings"},
    {"callbacks TerminateOnNaN", "`TerminateOnNaN`"},
    {"regularizers Regularizer", "`Regularizer`"},
    {"constraints Constraint", "`Constraint`"},
    {"initializers Initializer", "`Initializer`"},
};

const std::map<std::string, std::string> kMissing = {
    {"optimizers LossScaleOptimizer",
     "Rondo computes nothing in float16, for which losses are scaled; `loss_scale_factor` is taken by every "
     "optimizer"},
    {"callbacks OrbaxCheckpoint", "Orbax is a format of JAX's"},
    {"callbacks RemoteMonitor", "Rondo opens no connections; a `LambdaCallback` may"},
    {"initializers STFT", "for spectrogram layers, which Rondo does not have"},
};

// Whether a class is found by its name.
bool is_known(const std::string& kind, const std::string& name) {
  static const std::map<std::string, std::function<void(const std::string&)>> makers = {
      {"losses", [](const std::string& n) { (void)Loss(n); }},
      {"metrics", [](const std::string& n) { (void)Metric(n); }},
      {"optimizers", [](const std::string& n) { (void)Optimizer(n); }},
      {"regularizers", [](const std::string& n) { (void)Regularizer(n); }},
      {"constraints", [](const std::string& n) { (void)Constraint(n); }},
      {"initializers", [](const std::string& n) { (void)Initializer(n); }},
      {"activations", [](const std::string& n) { (void)ActivationFn(n); }},
      {"schedules",
       [](const std::string& n) {
         (void)training::schedule_from_config({{"class_name", n}, {"config", {{"name", "a schedule"}}}});
       }},
  };
  const auto maker = makers.find(kind);
  if (maker == makers.end()) return false;
  try {
    maker->second(name);
    return true;
  } catch (const ConfigError& error) {  // for want of an argument, perhaps
    const std::string text = error.what();
    return text.find("is not known") == std::string::npos && text.find("not in Rondo") == std::string::npos;
  }
}

using Names = std::vector<std::pair<std::string, std::vector<std::string>>>;

Names keras_names() {
  std::ifstream file(RONDO_SOURCE_DIR "/tests/keras/names_3.15.1.txt");
  Names all;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) continue;
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    all.emplace_back(kind, std::vector<std::string>(std::istream_iterator<std::string>(words), {}));
  }
  return all;
}

std::string row(const std::string& kind, const std::string& name) {
  const std::string key = kind + " " + name;
  const bool known = is_known(kind, name), elsewhere = kElsewhere.contains(key), missing = kMissing.contains(key);
  EXPECT_TRUE(known || elsewhere || missing) << key << " is missing: say why in kMissing";
  EXPECT_FALSE(known && missing) << key << " is there: take it out of kMissing";
  const std::string note = elsewhere ? kElsewhere.at(key) : missing ? kMissing.at(key) : "";
  return "| `" + name + "` | " + (missing ? "no" : "yes") + " | " + note + " |\n";
}

std::string document() {
  std::string text =
      "# What of Keras is in Rondo\n\n"
      "Public names of Keras 3.15.1, from `tests/keras/names_3.15.1.txt`. This page is written by "
      "`tests/parity_test.cpp` from\n"
      "Rondo's registries, and tested to be what they say; layers are in the README. Where a name stands for a class, "
      "Rondo has it\n"
      "as a class with Keras's options and defaults, and by its name.\n";
  for (const auto& [kind, names] : keras_names()) {
    std::string title = kind;
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
    text += "\n## " + title + "\n\n| Keras | Rondo | |\n|---|---|---|\n";
    for (const std::string& name : names) text += row(kind, name);
  }
  return text;
}

TEST(KerasParity, TheDocumentSaysWhatTheRegistriesSay) {
  const std::string text = document();
  if (const char* path = std::getenv("RONDO_WRITE_PARITY")) std::ofstream(path) << text;
  std::ifstream file(RONDO_SOURCE_DIR "/docs/keras-parity.md");
  const std::string written{std::istreambuf_iterator<char>(file), {}};
  EXPECT_TRUE(written == text) << "docs/keras-parity.md is out of date; tests/parity_test.cpp says how to write it";
}

}  // namespace
}  // namespace rondo
