#include <algorithm>

#include <rondo/error.hpp>
#include <rondo/model.hpp>
#include <rondo/tensorboard.hpp>

#include "core/names.hpp"
#include "core/options.hpp"
#include "formats/callbacks/tensorboard/event_file.hpp"
#include "formats/callbacks/tensorboard/summaries.hpp"
#include "training/model_node.hpp"

namespace rondo {

using formats::EventFile;

UpdateFreq::UpdateFreq(std::string_view word) : batches_(word == "batch" ? 1 : 0) {
  if (word != "epoch" && word != "batch") {
    throw ConfigError("TensorBoard: update_freq is '" + std::string(word) +
                      "'; it must be \"epoch\", \"batch\" or a number of batches");
  }
}

UpdateFreq::UpdateFreq(Dim batches) : batches_(batches) {
  checked_option("TensorBoard", "update_freq", static_cast<double>(batches_), Allowed::one_or_more);
}

namespace {

void refuse(bool is_on, const std::string& option, const std::string& why) {
  if (is_on) throw ConfigError("TensorBoard: " + option + " is not in Rondo: " + why + "; leave it out");
}

const TensorBoardOptions& checked(const TensorBoardOptions& options) {
  if (options.log_dir.empty()) throw ConfigError("TensorBoard: log_dir is empty; it must name a folder");
  checked_option("TensorBoard", "histogram_freq", static_cast<double>(options.histogram_freq), Allowed::zero_or_more);
  refuse(options.write_images, "write_images", "weights are written as histograms, with histogram_freq");
  refuse(options.profile_batch != 0, "profile_batch", "it has no profiler for TensorBoard");
  refuse(options.embeddings_freq != 0, "embeddings_freq", "it has no embedding layers");
  refuse(!options.embeddings_metadata.empty(), "embeddings_metadata", "it has no embedding layers");
  return options;
}

void add_scalar(EventFile& file, const std::string& tag, double value, Index step) {
  file.add(step, formats::scalar_summary(tag, value));
}

// How many of them there are in a second, since then.
double per_second(double count, std::chrono::steady_clock::time_point since) {
  constexpr double kTick = 1e-9;
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - since;
  return count / std::max(seconds.count(), kTick);
}

constexpr std::string_view kOfValidation = "val_";

}  // namespace

TensorBoard::TensorBoard(const TensorBoardOptions& options) : options_(checked(options)) {}

TensorBoard::~TensorBoard() = default;

EventFile& TensorBoard::train() {
  if (train_ == nullptr) train_ = std::make_unique<EventFile>(options_.log_dir + "/train");
  return *train_;
}

EventFile& TensorBoard::validation() {
  if (validation_ == nullptr) validation_ = std::make_unique<EventFile>(options_.log_dir + "/validation");
  return *validation_;
}

Index TensorBoard::iterations() const { return training::node_of(model()).compiled_if_any()->optimizer.iterations(); }

void TensorBoard::on_train_begin() {
  train_.reset();  // also those of a fit that has thrown
  validation_.reset();
  fits_ = true;
  batches_ = 0;
  if (!options_.write_graph) return;
  train().add(0, formats::model_summary("keras", model().to_json()));
  train().flush();
}

void TensorBoard::on_train_end(Logs&) {
  train_.reset();
  validation_.reset();
  fits_ = false;
}

void TensorBoard::on_epoch_begin(Index) {
  first_iteration_ = iterations();
  epoch_begin_ = Clock::now();
}

void TensorBoard::on_train_batch_begin(Index) {
  ++batches_;
  batch_begin_ = Clock::now();
}

void TensorBoard::on_train_batch_end(Index, Logs& logs) {
  const Index every = options_.update_freq.batches();
  if (every == 0 || batches_ % every != 0) return;
  EventFile& file = train();
  if (options_.write_steps_per_second) {
    add_scalar(file, "batch_steps_per_second", per_second(1, batch_begin_), batches_);
  }
  for (const auto& [name, value] : logs) add_scalar(file, "batch_" + name, value, batches_);
  file.flush();
}

void TensorBoard::on_epoch_end(Index epoch, Logs& logs) {
  EventFile& file = train();
  for (const auto& [name, value] : logs) {
    if (name.starts_with(kOfValidation)) {
      add_scalar(validation(), "epoch_" + name.substr(kOfValidation.size()), value, epoch);
    } else if (name != "learning_rate") {
      add_scalar(file, "epoch_" + name, value, epoch);
    }
  }
  add_scalar(file, "epoch_learning_rate", model().learning_rate(), epoch);
  if (options_.write_steps_per_second) {
    const auto steps = static_cast<double>(iterations() - first_iteration_);
    add_scalar(file, "epoch_steps_per_second", per_second(steps, epoch_begin_), epoch);
  }
  if (options_.histogram_freq > 0 && epoch % options_.histogram_freq == 0) write_weights(epoch);
  file.flush();
  if (validation_ != nullptr) validation_->flush();
}

void TensorBoard::write_weights(Index epoch) {
  const std::vector<WeightInfo> infos = model().weights();
  const std::vector<Tensor> values = model().get_weights();
  for (std::size_t i = 0; i < infos.size(); ++i) {
    std::string path = infos[i].path;
    std::replace(path.begin(), path.end(), ':', '_');
    train().add(epoch, formats::histogram_summary(path + "/histogram", values[i]));
  }
}

void TensorBoard::on_test_end(Logs& logs) {
  for (const auto& [name, value] : logs) {
    add_scalar(validation(), "evaluation_" + name + "_vs_iterations", value, iterations());
  }
  validation().flush();
  if (!fits_) validation_.reset();
}

}  // namespace rondo
