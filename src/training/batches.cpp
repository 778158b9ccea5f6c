#include "training/batches.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <rondo/random.hpp>

#include "core/shuffle.hpp"
#include "training/fit.hpp"

namespace rondo::training {

// ---- arrays --------------------------------------------------------------------------------------------------------

ArrayBatches::ArrayBatches(const Data& data, Index batch_size, std::string what)
    : data_(data),
      batch_size_(std::min(batch_size, data.samples)),
      count_(batches_of(data.samples, batch_size_)),
      what_(std::move(what)),
      samples_{.X = data_.X, .y = data_.y, .sample_weights = data_.sample_weights} {}

// Within a single batch the order would change nothing but the rounding, so it stays.
void ArrayBatches::shuffle(const RandomStream& stream) {
  if (count_ == 1) return;
  order_.resize(static_cast<std::size_t>(data_.samples));
  rondo::shuffle(order_, data_.first, stream);
  samples_.order = order_;
}

const Samples& ArrayBatches::batch(Session&, Index number) {
  const Index done = number * batch_size_;
  samples_.staged = count_ == 1 && samples_.rows > 0;  // a single batch stays in the session's workspace
  samples_.first = order_.empty() ? data_.first + done : done;
  samples_.rows = std::min(batch_size_, data_.samples - done);
  return samples_;
}

// ---- a user's source -----------------------------------------------------------------------------------------------

SourceBatches::SourceBatches(const ModelNode& node, DataSource& source, std::string what, ClassWeight class_weight)
    : source_(source), what_(std::move(what)), class_weight_(std::move(class_weight)) {
  const Index count = source.batches();
  if (count < 1) {
    throw ConfigError(node.where() + ": the " + what_ + "data source has " + std::to_string(count) +
                      " batches; its batches() must return 1 or more");
  }
  order_.resize(static_cast<std::size_t>(count));
  std::iota(order_.begin(), order_.end(), Index{0});
  if (source.reads_ahead()) {
    ahead_ = std::make_unique<ReadAhead>([this](Index place, std::optional<Batch>& into) { read(place, into); });
  }
}

void SourceBatches::shuffle(const RandomStream& stream) { rondo::shuffle(order_, 0, stream); }

void SourceBatches::read(Index place, std::optional<Batch>& into) {
  const Index number = order_[static_cast<std::size_t>(place)];
  if (into) {
    source_.read(number, *into);
  } else {
    into = source_.batch(number);
  }
}

const Samples& SourceBatches::batch(Session& session, Index number) {
  if (ahead_ == nullptr) {
    batch_.reset();  // before the next one is made
    read(number, batch_);
  }
  const Batch& batch = ahead_ != nullptr ? ahead_->take(number, count()) : *batch_;
  weights_.emplace(session.node(), batch.X, batch.y, batch.sample_weight, class_weight_);
  data_ = check_data(session.node(), batch.X, batch.y, weights_->get(), what_);
  session.prepare(data_, data_.samples, what_);
  samples_ = {.X = data_.X, .y = data_.y, .sample_weights = data_.sample_weights, .rows = data_.samples};
  return samples_;
}

void SourceBatches::end_epoch() {
  if (ahead_ != nullptr) ahead_->stop();
  source_.on_epoch_end();
}

}  // namespace rondo::training
