#include "training/predict.hpp"

#include <algorithm>

#include "core/standard_floats.hpp"
#include "training/fit.hpp"
#include "training/progress_bar.hpp"

namespace rondo::training {

namespace {

void require_built(const ModelNode& node) {
  if (node.built()) return;
  throw StateError(
      node.where() +
      " has no weights yet, because its shapes are not known. Give the first layer .input_shape = {timesteps, "
      "features}, or call fit, predict or build first");
}

std::byte* elements_of(Tensor& t) {
  if (t.dtype() == DType::float32) return reinterpret_cast<std::byte*>(t.data<float>().data());
  return reinterpret_cast<std::byte*>(t.data<double>().data());
}

}  // namespace

Shape prediction_shape(const ModelNode& node, const Shape& X) {
  require_built(node);
  return node.sample_output(node.adapt_input(X)).prepend(X[0]);
}

void predict_into(const ModelNode& node, const Tensor& X, Index batch_size, Tensor& out, BatchHooks* hooks) {
  require_built(node);
  const Shape sample = node.adapt_input(X.shape());
  const Index samples = X.shape()[0], capacity = std::clamp<Index>(samples, 1, batch_size);
  const auto program = node.program(Mode::predict, capacity, sample, {});
  const Shape expected = program->output().sample.prepend(samples);
  if (out.shape() != expected || out.dtype() != node.dtype()) {
    throw ShapeError(node.where() + ": predict_into needs an output of shape " + to_string(expected) + " and dtype " +
                     std::string(to_string(node.dtype())) + ", got " + to_string(out.shape()) + " of " +
                     std::string(to_string(out.dtype())));
  }
  engine::Workspace workspace = program->plan->lease();
  std::byte* elements = elements_of(out);
  for (Index first = 0, batch = 0; first < samples; first += capacity, ++batch) {
    if (hooks != nullptr) hooks->begin(batch);
    {
      const StandardFloats floats;  // not for the hooks
      const Index rows = std::min(capacity, samples - first);
      program->predict(workspace, {.X = &X, .first = first, .rows = rows}, elements);
    }
    if (hooks != nullptr) hooks->end(batch);
  }
}

}  // namespace rondo::training
