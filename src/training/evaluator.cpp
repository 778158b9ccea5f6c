#include "training/evaluator.hpp"

#include <algorithm>

#include "core/standard_floats.hpp"
#include "training/fit.hpp"
#include "training/labels.hpp"

namespace rondo::training {

Evaluator::Evaluator(const ModelNode& node, const Compiled& compiled, const Data& data, Index batch_size,
                     const std::string& what)
    : data_(data),
      batch_size_(std::min(batch_size, data.samples)),
      program_(node.program(Mode::evaluate, data_.shapes(batch_size_))),
      workspace_(program_->plan->lease()),
      means_(node, *program_, compiled) {
  check_labels(node, *program_, data_, what);
}

Index Evaluator::batches() const { return batches_of(data_.samples, batch_size_); }

void Evaluator::run(const Callbacks& callbacks, ProgressBar* bar) {
  means_.reset();
  Logs logs;
  for (const auto& c : callbacks) c->on_test_begin();
  for (Index batch = 0; batch < batches(); ++batch) {
    for (const auto& c : callbacks) c->on_test_batch_begin(batch);
    run_batch(batch);
    if (callbacks.empty() && bar == nullptr) continue;
    means_.write(logs);
    for (const auto& c : callbacks) c->on_test_batch_end(batch, logs);
    if (bar != nullptr) bar->update(batch + 1, logs);
  }
  if (callbacks.empty()) return;
  means_.write(logs);
  for (const auto& c : callbacks) c->on_test_end(logs);
}

void Evaluator::run_batch(Index batch) {
  const StandardFloats floats;
  const Index done = batch * batch_size_, rows = std::min(batch_size_, data_.samples - done);
  program_->evaluate(
      workspace_,
      {.X = data_.X, .y = data_.y, .sample_weights = data_.sample_weights, .first = data_.first + done, .rows = rows});
  const engine::Run run = workspace_.run(rows);
  means_.add(run, program_->loss(run));
}

}  // namespace rondo::training
