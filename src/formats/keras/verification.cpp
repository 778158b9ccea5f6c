#include "formats/keras/verification.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include <rondo/error.hpp>
#include <rondo/random.hpp>
#include <rondo/version.hpp>

#include "core/sizes.hpp"
#include "core/standard_floats.hpp"
#include "engine/builder.hpp"
#include "engine/single_walk.hpp"
#include "formats/keras/variables.hpp"
#include "training/model_node.hpp"

namespace rondo::keras {

namespace {

using training::ModelNode;
using training::node_of;

constexpr Index kSamples = 2, kSteps = 8;
// Of all inputs and outputs together: 256 KB as float32.
constexpr Index kMostNumbers = Index{1} << 16;
constexpr std::uint64_t kSeed = 0x726f6e646fULL;  // "rondo"

bool has_few_numbers(const std::vector<Shape>& inputs, const std::vector<Shape>& outputs) {
  Size numbers = 0;
  for (const std::vector<Shape>* shapes : {&inputs, &outputs}) {
    for (const Shape& shape : *shapes) numbers = numbers + Size::product(shape.dims());
  }
  return numbers.known() && numbers.count("numbers") <= kMostNumbers;
}

std::vector<Shape> with_samples(std::vector<Shape> samples) {
  for (Shape& shape : samples) shape = shape.prepend(kSamples);
  return samples;
}

// ---- which inputs --------------------------------------------------------------------------------------------------

// A sample as it is declared, with so many time steps where their number is open; none where more than that is open.
std::optional<Shape> sample_of(const Shape& declared, bool shortened) {
  if (declared.empty()) return {};
  Shape sample = declared;
  const bool has_time = declared.rank() > 1, is_open = declared[0] == Shape::kUnknown;
  if (has_time && (is_open || (shortened && declared[0] > kSteps))) sample = declared.with(0, kSteps);
  if (!sample.fully_known()) return {};
  return sample;
}

std::optional<std::vector<Shape>> samples_of(const ModelNode& node, bool shortened) {
  std::vector<Shape> samples;
  for (std::size_t i = 0; i < node.network().inputs(); ++i) {
    const std::optional<Shape> sample = sample_of(node.declared(i), shortened);
    if (!sample) return {};
    samples.push_back(*sample);
  }
  return samples;
}

// Few steps where the layers take any number, else as many as are declared. Shapes of the inputs; none where the model
// has no such, or they are too many numbers.
std::vector<Shape> input_shapes(const ModelNode& node) {
  for (const bool shortened : {true, false}) {
    const auto samples = samples_of(node, shortened);
    if (!samples) continue;
    try {
      const std::vector<Shape> inputs = with_samples(*samples), outputs = with_samples(node.output_shapes(*samples));
      if (has_few_numbers(inputs, outputs)) return inputs;
    } catch (const Error&) {  // the layers do not take so few steps
    }
  }
  return {};
}

// From -1 to 1: a function of the place alone.
Tensor drawn(const Shape& shape, DType dtype, std::uint32_t input) {
  const RandomStream random(kSeed, Purpose::user, input);
  std::vector<double> numbers(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = 2 * random.uniform(i) - 1;
  return Tensor(shape, std::move(numbers)).cast(dtype);
}

std::optional<KeptPredictions> predicted(const Model& model) {
  const StandardFloats floats;
  const ModelNode& node = node_of(model);
  KeptPredictions kept{.rondo_version = kVersion};
  for (const Shape& shape : input_shapes(node)) {
    kept.inputs.push_back(drawn(shape, node.dtype(), static_cast<std::uint32_t>(kept.inputs.size())));
  }
  if (kept.inputs.empty()) return {};
  std::optional<std::vector<Tensor>> outputs = predictions(model, kept.inputs);
  if (!outputs) return {};
  kept.outputs = std::move(*outputs);
  return kept;
}

// ---- files ---------------------------------------------------------------------------------------------------------

void write(hdf5::GroupWriter& group, std::vector<Tensor> tensors) {
  const auto kept = std::make_shared<const std::vector<Tensor>>(std::move(tensors));
  for (std::size_t i = 0; i < kept->size(); ++i) {
    const Tensor& tensor = (*kept)[i];
    group.dataset(std::to_string(i), tensor.shape(), number_type(tensor.dtype()),
                  [kept, i](const hdf5::Sink& sink) { sink(bytes_of((*kept)[i])); });
  }
}

[[noreturn]] void refuse(const std::string& why) {
  throw FileError("its group '" + std::string(kVerification) + "' is not as Rondo writes it: " + why);
}

std::vector<hdf5::Dataset> numbered(const hdf5::Group& group, std::size_t count) {
  if (group.names().size() != count) {
    refuse("'" + group.path() + "' has " + std::to_string(group.names().size()) + " data sets; the model has " +
           std::to_string(count));
  }
  std::vector<hdf5::Dataset> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(group.dataset(std::to_string(i)));
  return all;
}

std::vector<Shape> shapes_of(const std::vector<hdf5::Dataset>& datasets) {
  std::vector<Shape> shapes;
  for (const hdf5::Dataset& dataset : datasets) {
    if (dataset.shape().rank() < 2 || dataset.shape()[0] < 1) refuse("a shape is " + to_string(dataset.shape()));
    shapes.push_back(dataset.shape());
  }
  return shapes;
}

std::vector<Tensor> tensors_of(const std::vector<hdf5::Dataset>& datasets, DType dtype) {
  std::vector<Tensor> tensors;
  for (const hdf5::Dataset& dataset : datasets) tensors.push_back(tensor_of(dataset, dtype));
  return tensors;
}

// Shapes are compared before memory is taken.
void require_fits(const ModelNode& node, const std::vector<Shape>& inputs, const std::vector<Shape>& outputs) {
  if (!has_few_numbers(inputs, outputs)) refuse("it has more than " + std::to_string(kMostNumbers) + " numbers");
  std::vector<Shape> samples;
  for (std::size_t i = 0; i < inputs.size(); ++i) samples.push_back(node.adapt_input(i, inputs[i]));
  const std::vector<Shape> expected = node.output_shapes(samples);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i] == expected[i].prepend(inputs[0][0])) continue;
    refuse("output " + std::to_string(i) + " has the shape " + to_string(outputs[i]) + ", the model's is " +
           to_string(expected[i].prepend(inputs[0][0])));
  }
  for (const Shape& input : inputs) {
    if (input[0] != inputs[0][0]) refuse("inputs differ in their number of samples");
  }
}

}  // namespace

std::optional<std::vector<Tensor>> predictions(const Model& model, const std::vector<Tensor>& inputs) {
  const ModelNode& node = node_of(model);
  const Index rows = inputs.front().shape()[0];
  engine::PlanBuilder builder(node.dtype(), rows, engine::Use::inference);
  builder.set_leaves_states();
  std::vector<engine::Value> values;
  std::vector<const Tensor*> tensors;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    values.push_back(builder.input(node.adapt_input(i, inputs[i].shape())));
    tensors.push_back(&inputs[i]);
  }
  for (const engine::Value v : node.plan(builder, values)) builder.output(v);
  std::unique_ptr<const engine::Plan> plan = builder.finish();
  if (plan->may_fail()) return {};
  const engine::SingleWalk walk(std::move(plan), tensors, rows);
  std::vector<Tensor> outputs;
  for (const engine::Value v : walk.plan().outputs()) outputs.push_back(walk.read(v));
  return outputs;
}

void write_verification(const Model& model, hdf5::GroupWriter& root) {
  std::optional<KeptPredictions> kept;
  try {
    kept = predicted(model);
  } catch (const std::exception&) {  // a model that cannot predict is saved without
  }
  if (!kept) return;
  hdf5::GroupWriter& group = root.group(kVerification);
  group.attribute("rondo_version", kept->rondo_version);
  write(group.group("inputs"), std::move(kept->inputs));
  write(group.group("outputs"), std::move(kept->outputs));
}

KeptPredictions read_verification(const hdf5::Group& root, const Model& model) {
  const ModelNode& node = node_of(model);
  const std::optional<hdf5::Group> group = find_group(root, kVerification);
  if (!group) {
    throw FileError(
        "it holds nothing to verify with: it was not saved by Rondo, or the model could not predict when it was (a "
        "layer of yours inside, or samples of more than " +
        std::to_string(kMostNumbers) + " numbers)");
  }
  const std::vector<hdf5::Dataset> inputs = numbered(group->group("inputs"), node.network().inputs());
  const std::vector<hdf5::Dataset> outputs = numbered(group->group("outputs"), node.network().outputs().size());
  require_fits(node, shapes_of(inputs), shapes_of(outputs));
  return {group->attribute("rondo_version").text(), tensors_of(inputs, node.dtype()),
          tensors_of(outputs, node.dtype())};
}

}  // namespace rondo::keras
