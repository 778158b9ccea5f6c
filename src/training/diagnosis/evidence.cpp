#include "training/diagnosis/evidence.hpp"

#include <algorithm>

#include "core/dispatch.hpp"

namespace rondo::training {

namespace {

// Of what is copied: samples, and numbers of X and y in all.
constexpr Index kMostSamples = 256, kFewestSamples = 8, kMostNumbers = 8192;

Index numbers_in_sample(const Data& data) {
  Index numbers = 0;
  for (const Tensor* X : data.X) numbers += X->size() / X->shape()[0];
  for (const Tensor* y : data.y) numbers += y->size() / y->shape()[0];
  return numbers;
}

// One sample of each of so many equal parts; not always at the same place of them, where a period could hide.
void append_samples(const Tensor& from, const Data& data, Index samples, std::vector<double>& to) {
  const Index size = from.size() / from.shape()[0];
  core::with_elements(from, [&](auto elements) {
    for (Index i = 0; i < samples; ++i) {
      const Index begin = i * data.samples / samples, end = (i + 1) * data.samples / samples;
      const auto scattered = static_cast<Index>((static_cast<std::uint64_t>(i) * 0x9E3779B97F4A7C15U) >> 40);
      const auto first = elements.begin() + (data.first + begin + scattered % (end - begin)) * size;
      to.insert(to.end(), first, first + size);
    }
  });
}

}  // namespace

void Observer::begin_epoch(const TrainingSession& session) {
  if (steps_in_epoch_ * epochs_ < kFewestSteps || !weights_.empty() || !session.is_prepared()) return;
  weights_ = WeightWatch(*session.program().plan);
}

std::shared_ptr<const Evidence> Observer::conclude(const std::shared_ptr<graph::LayerNode>& model,
                                                   const Compiled& compiled, const TrainingSession& session,
                                                   const Data* data, Index epochs) const {
  const Index steps = steps_in_epoch_ * epochs;
  if (fault_.empty() && steps < kFewestSteps) return nullptr;
  const auto& node = static_cast<const ModelNode&>(*model);
  auto evidence = std::make_shared<Evidence>();
  evidence->learning_rate = compiled.optimizer.learning_rate();
  evidence->stopped = epochs < epochs_;
  evidence->fault = fault_;
  if (!fault_.empty()) return evidence;
  if (compiled.optimizer.rule().accumulated_steps <= steps) {
    evidence->not_moved = weights_.layers_not_moved(node, *session.program().plan, session.workspace().run(1), steps);
  }
  if (data == nullptr || node.stateful()) return evidence;
  const Index in_sample = numbers_in_sample(*data);
  const Index samples = std::min({data->samples, kMostSamples, kMostNumbers / std::max<Index>(1, in_sample)});
  if (samples < kFewestSamples) return evidence;
  evidence->is_weighted = !data->sample_weights.empty();
  evidence->samples = samples;
  evidence->numbers.reserve(static_cast<std::size_t>(samples * in_sample));
  evidence->shapes.reserve(data->X.size() + data->y.size());
  for (const Tensors* tensors : {&data->X, &data->y}) {
    for (const Tensor* tensor : *tensors) {
      append_samples(*tensor, *data, samples, evidence->numbers);
      evidence->shapes.push_back(tensor->shape().from(1));
    }
  }
  evidence->model = model;
  evidence->weights_version = node.weights_version();
  evidence->structure = node.structure();
  evidence->compilations = node.compilations();
  return evidence;
}

}  // namespace rondo::training
