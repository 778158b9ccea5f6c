#include "training/evaluator.hpp"

namespace rondo::training {

Evaluator::Evaluator(ModelNode& node, const Compiled& compiled, Batches& batches)
    : batches_(batches), session_(node), means_(node, compiled) {
  batches_.begin(session_);
}

void Evaluator::run(const Callbacks& callbacks, ProgressBar* bar) {
  means_.reset();
  Logs logs;
  for (const auto& c : callbacks) c->on_test_begin();
  for (Index batch = 0; batch < batches_.count(); ++batch) {
    for (const auto& c : callbacks) c->on_test_batch_begin(batch);
    run_batch(batch);
    if (callbacks.empty() && bar == nullptr) continue;
    means_.write(logs);
    for (const auto& c : callbacks) c->on_test_batch_end(batch, logs);
    if (bar != nullptr) bar->update(batch + 1, logs);
  }
  batches_.end_epoch();
  if (callbacks.empty()) return;
  means_.write(logs);
  for (const auto& c : callbacks) c->on_test_end(logs);
}

void Evaluator::run_batch(Index batch) {
  Samples samples = batches_.batch(session_, batch);
  samples.staged = false;  // a callback may have changed them
  session_.evaluate(samples, means_);
}

}  // namespace rondo::training
