#include "training/evaluator.hpp"

namespace rondo::training {

Evaluator::Evaluator(ModelNode& node, const Compiled& compiled, Batches& batches, const std::optional<Dim>& steps)
    : batches_(batches), steps_(batches.count(), steps), session_(node), means_(node, compiled) {
  batches_.begin(session_);
}

void Evaluator::run(const Callbacks& callbacks, ProgressBar* bar) {
  means_.reset();
  Logs logs;
  for (const auto& c : callbacks) c->on_test_begin();
  for (Index batch = 0; batch < steps_.count(); ++batch) {
    if (steps_.begins()) batches_.begin_pass();
    const std::optional<Index> number = steps_.take();
    if (!number) break;
    for (const auto& c : callbacks) c->on_test_batch_begin(batch);
    run_batch(*number);
    if (callbacks.empty() && bar == nullptr) continue;
    means_.write(logs);
    for (const auto& c : callbacks) c->on_test_batch_end(batch, logs);
    if (bar != nullptr) bar->update(batch + 1, logs);
  }
  batches_.end_epoch();
  steps_.end_epoch();
  if (callbacks.empty()) return;
  means_.write(logs);
  for (const auto& c : callbacks) c->on_test_end(logs);
}

void Evaluator::run_batch(Index number) {
  Samples samples = batches_.batch(session_, number);
  samples.staged = false;  // a callback may have changed them
  session_.evaluate(samples, means_);
}

}  // namespace rondo::training
