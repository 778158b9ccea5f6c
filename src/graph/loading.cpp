#include "graph/loading.hpp"

#include <algorithm>

#include <rondo/error.hpp>

#include "core/sizes.hpp"

namespace rondo::graph {

namespace {

thread_local Loading* t_loading = nullptr;

}  // namespace

Loading::Loading(FirstWeights weights, std::size_t most_bytes)
    : before_(t_loading), weights_(weights), most_bytes_(most_bytes), left_(most_bytes), steps_left_(kMostSteps) {
  if (before_ != nullptr) {
    if (before_->weights_ == FirstWeights::from_file) weights_ = FirstWeights::from_file;
    most_bytes_ = left_ = std::min(most_bytes, before_->left_);
    steps_left_ = before_->steps_left_;
  }
  t_loading = this;
}
Loading::~Loading() { t_loading = before_; }

bool Loading::draws_weights() { return t_loading == nullptr || t_loading->weights_ == FirstWeights::drawn; }

void Loading::take(std::size_t bytes, const std::string& whose) {
  if (t_loading == nullptr) return;
  if (bytes > t_loading->left_) {
    const auto text = [](std::size_t count) { return bytes_text(Size(static_cast<Index>(count))); };
    throw ShapeError(whose + " would have weights of " + text(bytes) + "; " +
                     (t_loading->weights_ == FirstWeights::from_file
                          ? "that is more than the file can hold"
                          : "all weights of a model made from a text have at most " + text(t_loading->most_bytes_)));
  }
  t_loading->left_ -= bytes;
}

void Loading::step() {
  if (t_loading == nullptr) return;
  if (t_loading->steps_left_ == 0) {
    throw ConfigError(
        "its layers are too many: with all their calls, which inside of models count once for each call "
        "of the model, they are more than " +
        std::to_string(kMostSteps));
  }
  --t_loading->steps_left_;
}

}  // namespace rondo::graph
