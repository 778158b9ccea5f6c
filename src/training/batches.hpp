// The batches of an epoch: rows of arrays, or what a user's source gives.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rondo/data_source.hpp>

#include "training/class_weight.hpp"
#include "training/data.hpp"
#include "training/read_ahead.hpp"
#include "training/session.hpp"

namespace rondo {
class RandomStream;
}

namespace rondo::training {

class Batches {
 public:
  virtual ~Batches() = default;
  virtual Index count() const = 0;
  // Checks what is known before the first batch, for the session.
  virtual void begin(Session& session) = 0;
  // Before the first batch of all.
  virtual void begin_pass() {}
  // A new order for this pass.
  virtual void shuffle(const RandomStream& stream) = 0;
  // Batch `number`, for which the session is prepared. It stays until the next one is asked for.
  virtual const Samples& batch(Session& session, Index number) = 0;
  virtual void end_epoch() {}
  // All samples, if they are at hand; null where a source reads them.
  virtual const Data* data() const { return nullptr; }
};

// Which batches an epoch takes: all, or so many of them, going on from epoch to epoch.
class EpochSteps {
 public:
  EpochSteps(Index batches, const std::optional<Dim>& per_epoch)
      : batches_(batches), count_(per_epoch ? Index{*per_epoch} : batches) {}

  Index count() const { return count_; }
  // Whether the next one is the first of all.
  bool begins() const { return next_ == 0; }
  // The number of the next one; none where the data have run out in the middle of an epoch.
  std::optional<Index> take() {
    if (next_ == batches_) return {};
    return next_++;
  }
  void end_epoch() {
    if (next_ == batches_) next_ = 0;
  }

 private:
  Index batches_, count_, next_ = 0;
};

class ArrayBatches final : public Batches {
 public:
  // `what` names the data in messages, as for check_data. The tensors are the caller's.
  ArrayBatches(const Data& data, Index batch_size, std::string what);
  ArrayBatches(const ArrayBatches&) = delete;
  ArrayBatches& operator=(const ArrayBatches&) = delete;

  Index count() const override { return count_; }
  void begin(Session& session) override { session.prepare(data_, batch_size_, what_); }
  const Data* data() const override { return &data_; }
  void shuffle(const RandomStream& stream) override;
  const Samples& batch(Session& session, Index number) override;

 private:
  Data data_;
  Index batch_size_, count_;
  std::string what_;
  std::vector<Index> order_;  // none: as they stand
  Samples samples_;           // of the batch at work
};

class SourceBatches final : public Batches {
 public:
  // ConfigError for a source without batches. The source is the caller's.
  SourceBatches(const ModelNode& node, DataSource& source, std::string what, ClassWeight class_weight = {});

  Index count() const override { return static_cast<Index>(order_.size()); }
  void begin(Session&) override {}
  void begin_pass() override { source_.on_pass_begin(); }
  void shuffle(const RandomStream& stream) override;
  const Samples& batch(Session& session, Index number) override;
  void end_epoch() override;

 private:
  // The batch at a place of the order, into one that was read before.
  void read(Index place, std::optional<Batch>& into);

  DataSource& source_;
  std::string what_;
  ClassWeight class_weight_;
  std::vector<Index> order_;              // of batches
  std::optional<Batch> batch_;            // at work, unless it is read ahead
  std::optional<SampleWeights> weights_;  // of the batch at work
  Data data_;                             // looks into it and into weights_
  Samples samples_;
  std::unique_ptr<ReadAhead> ahead_;  // null: reads when asked; the last member, so that it ends first
};

}  // namespace rondo::training
