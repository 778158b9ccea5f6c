// Data that come batch by batch: what does not fit into memory, sequences of many lengths, samples made on the way.
//
//   // Sequences of any length: each batch has those of one.
//   struct ByLength : DataSource {
//     std::vector<Batch> all;
//     Index batches() const override { return static_cast<Index>(all.size()); }
//     Batch batch(Index number) override { return all[static_cast<std::size_t>(number)]; }
//   };
//   ByLength source = ...;
//   model.fit(source, {.epochs = 20});
#pragma once

#include <optional>
#include <utility>

#include <rondo/inputs.hpp>
#include <rondo/shape.hpp>

namespace rondo {

// Samples, labels and perhaps weights, as fit takes them (FitOptions::sample_weight). Batches of one source may differ
// in their numbers of samples and of time steps.
struct Batch {
  Inputs X;
  Outputs y;
  std::optional<Outputs> sample_weight = {};
};

// Gives the batches of each epoch (Keras: a PyDataset). fit and evaluate ask for one at a time, on the thread that
// called them, and are done with it before they ask for the next. What a source throws ends the call and leaves it; the
// model then has the weights of the batch before.
class DataSource {
 public:
  virtual ~DataSource() = default;
  // In an epoch, 1 or more. Asked once at the beginning of fit or evaluate.
  virtual Index batches() const = 0;
  // Batch `number`, from 0. fit asks for all of them in each epoch, in a new order unless .shuffle = false; evaluate in
  // their order.
  virtual Batch batch(Index number) = 0;
  // The same into a batch that was read before, whose memory may serve again.
  virtual void read(Index number, Batch& into) { into = batch(number); }
  // Whether read may be called from another thread than fit's, ahead of the batch at work: small batches up to 16 of
  // them, within a megabyte, larger ones one. Then it is called by one thread at a time, and never while the other
  // functions are.
  virtual bool reads_ahead() const { return false; }
  // Before the first batch of all: of each epoch, unless steps_per_epoch makes epochs shorter, and of each evaluation.
  virtual void on_pass_begin() {}
  // After each epoch of fit, and each evaluation.
  virtual void on_epoch_end() {}
};

}  // namespace rondo
