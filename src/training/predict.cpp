#include "training/predict.hpp"

#include <algorithm>
#include <array>
#include <memory_resource>

#include "core/dispatch.hpp"
#include "core/standard_floats.hpp"
#include "training/fit.hpp"
#include "training/progress_bar.hpp"

namespace rondo::training {

namespace {

void require_outputs(const ModelNode& node, const Program& program, Index samples, std::span<Tensor* const> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const Shape expected = program.output(i).sample.prepend(samples);
    if (out[i]->shape() == expected && out[i]->dtype() == node.dtype()) continue;
    throw ShapeError(node.where() + ": predict_into needs an output of shape " + to_string(expected) + " and dtype " +
                     std::string(to_string(node.dtype())) + ", got " + to_string(out[i]->shape()) + " of " +
                     std::string(to_string(out[i]->dtype())));
  }
}

}  // namespace

void require_built(const ModelNode& node) {
  if (node.built()) return;
  throw StateError(
      node.where() +
      " has no weights yet, because its shapes are not known. Give the first layer .input_shape = {timesteps, "
      "features}, or call fit, predict or build first");
}

std::vector<Tensor> prediction_tensors(const ModelNode& node, const Tensors& X) {
  require_built(node);
  std::vector<Tensor> out;
  for (const Shape& sample : node.output_shapes(check_inputs(node, X, ""))) {
    out.emplace_back(sample.prepend(X[0]->shape()[0]), node.dtype());
  }
  return out;
}

void predict_into(const ModelNode& node, std::span<const Tensor* const> X, Index batch_size,
                  std::span<Tensor* const> out, BatchHooks* hooks) {
  require_built(node);
  node.require_inputs(X.size());
  std::array<std::byte, 2048> room;  // so that nothing is allocated for a few inputs and outputs
  std::pmr::monotonic_buffer_resource memory(room.data(), room.size());
  std::pmr::vector<Shape> shapes(&memory);
  for (std::size_t i = 0; i < X.size(); ++i) shapes.push_back(node.adapt_input(i, X[i]->shape()));

  const Index samples = X[0]->shape()[0], capacity = std::clamp<Index>(samples, 1, batch_size);
  const auto program = node.program(Mode::predict, {.capacity = capacity, .samples = shapes});
  require_outputs(node, *program, samples, out);
  std::pmr::vector<std::byte*> elements(&memory);
  for (Tensor* tensor : out) elements.push_back(core::bytes_of(*tensor));

  engine::Workspace workspace = program->plan->lease();
  for (Index first = 0, batch = 0; first < samples; first += capacity, ++batch) {
    if (hooks != nullptr) hooks->begin(batch);
    {
      const StandardFloats floats;  // not for the hooks
      program->predict(workspace, {.X = X, .first = first, .rows = std::min(capacity, samples - first)}, elements);
    }
    if (hooks != nullptr) hooks->end(batch);
  }
}

}  // namespace rondo::training
