// export_onnx: what goes in and out of a graph, and the file.
#include <algorithm>
#include <set>

#include <rondo/onnx.hpp>
#include <rondo/version.hpp>

#include "core/atomic_file.hpp"
#include "core/keras_compat.hpp"
#include "formats/onnx/layers.hpp"

namespace rondo {

namespace onnx {

namespace {

constexpr Index kOpset = 17, kIrVersion = 8;
constexpr std::size_t kLargest = (std::size_t{1} << 31) - 1;  // of a message of Protocol Buffers

// Samples of the inputs, with a time axis of any length where the layers allow that.
std::vector<Shape> open_samples(const training::ModelNode& model) {
  std::vector<Shape> samples;
  for (std::size_t i = 0; i < model.network().inputs(); ++i) samples.push_back(model.declared(i));
  for (Shape& sample : samples) {
    if (sample.rank() < 2) continue;
    const Shape given = sample;
    sample = given.with(0, Shape::kUnknown);
    try {
      (void)model.output_shapes(samples);
    } catch (const ShapeError&) {
      sample = given;
    }
  }
  return samples;
}

Dimension batch() { return {-1, "batch"}; }

// A tensor (batch, sample...) that goes in or out.
ValueInfoProto port(const Export& to, const Value& value) {
  std::vector<Dimension> shape{batch()};
  for (const Index size : value.sample) shape.push_back({size});
  if (value.sample.rank() > 1) shape[1].name = value.steps.size;
  return {value.name, to.graph.type(), std::move(shape)};
}

// Names that are different from each other.
class UniqueNames {
 public:
  std::string operator()(const std::string& name) {
    std::string free = name;
    for (int number = 2; !taken_.insert(free).second; ++number) free = name + "_" + std::to_string(number);
    return free;
  }

 private:
  std::set<std::string> taken_;
};

bool has_time(const Shape& sample) { return sample.rank() > 1; }

Values add_inputs(Export& to, const training::ModelNode& model, UniqueNames& unique) {
  const std::vector<Shape> samples = open_samples(model);
  const bool one_time = std::count_if(samples.begin(), samples.end(), has_time) == 1;
  Values inputs;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const auto& layers = model.network().input_layers();
    Value input{unique(layers.empty() ? "input" : layers[i]->name()), samples[i]};
    const std::string prefix = one_time ? "" : input.name + ".";
    if (has_time(input.sample) && input.sample[0] == Shape::kUnknown) input.steps.size = prefix + "time";
    if (has_time(input.sample) && to.options.sequence_lengths) input.steps.lengths = unique(prefix + "lengths");
    to.graph.add_input(port(to, input));
    inputs.push_back(std::move(input));
  }
  for (const Value& input : inputs) {
    if (input.steps.lengths.empty()) continue;
    to.graph.add_input({input.steps.lengths, ElementType::int32, std::vector{batch()}});
  }
  return inputs;
}

void add_states(Export& to, UniqueNames& unique) {
  for (const StateNames& state : to.states) {
    const auto state_port = [&](const std::string& name) {
      return ValueInfoProto{name, to.graph.type(), std::vector<Dimension>{batch(), {state.units}}};
    };
    to.graph.add_input(state_port(state.in));
    to.graph.add_output(state_port(unique(state.out)), state.made);
  }
}

// ConfigError for options that change nothing.
void require_use(const Export& to, const training::ModelNode& model, const Values& inputs) {
  const auto fail = [&](const std::string& why) { throw ConfigError("export_onnx: " + model.where() + " " + why); };
  const bool any_time = std::any_of(inputs.begin(), inputs.end(), [](const Value& v) { return has_time(v.sample); });
  if (to.options.sequence_lengths && !any_time)
    fail("has no input with a time axis, so .sequence_lengths is of no use");
  if (to.options.states && to.states.empty())
    fail("has no recurrent layer that begins with zeros, so .states is of no use");
}

}  // namespace

std::vector<std::byte> bytes_of(const Model& model, const ExportOnnxOptions& options) {
  const training::ModelNode& node = training::node_of(model);
  if (!model.built()) {
    throw StateError("export_onnx: " + node.where() +
                     " has no weights yet: give the first layer .input_shape, or fit or predict first");
  }
  const core::WithKerasDefaults defaults(core::keras_defaults_of("3"));  // names of activations mean what they say
  Export to{.graph = GraphWriter(node.dtype()), .options = options};
  UniqueNames unique;
  const Values inputs = add_inputs(to, node, unique);
  const Values outputs = add_network(to, node, inputs);
  const std::vector<std::string> names = node.output_names();
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    ValueInfoProto output = port(to, outputs[i]);
    output.name = unique(names[i]);
    to.graph.add_output(output, outputs[i].name);
  }
  add_states(to, unique);
  require_use(to, node, inputs);

  ModelProto proto;
  proto.ir_version = kIrVersion;
  proto.opset = kOpset;
  proto.producer_name = "Rondo";
  proto.producer_version = kVersion;
  proto.metadata = {{"rondo_version", kVersion}, {"keras_dtype", std::string(to_string(node.dtype()))}};
  proto.graph = std::move(to.graph.finish(node.name()));
  return serialize(proto);
}

}  // namespace onnx

void export_onnx(const Model& model, const std::string& path, const ExportOnnxOptions& options) {
  const std::vector<std::byte> bytes = onnx::bytes_of(model, options);
  if (bytes.size() > onnx::kLargest) {
    throw ConfigError("export_onnx: '" + path + "' would have " + std::to_string(bytes.size()) +
                      " bytes; a file of ONNX has less than 2 GB");
  }
  core::write_file(path, {bytes});
}

}  // namespace rondo
