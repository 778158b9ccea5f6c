// .nam files of the architecture LSTM: JSON with all weights in one list, in PyTorch's layout.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <rondo/audio.hpp>
#include <rondo/error.hpp>
#include <rondo/layers.hpp>

#include "core/atomic_file.hpp"
#include "core/names.hpp"
#include "core/options.hpp"
#include "core/sizes.hpp"
#include "formats/audio/weights.hpp"
#include "formats/chain.hpp"

namespace rondo {

namespace {

using audio::Json;
using formats::Link;

constexpr const char* kExportNam = "export_nam";
constexpr const char* kVersion = "0.5.2";
constexpr int kOldest = 5, kNewest = 7;  // of 0.x
constexpr Index kGates = 4;              // in the order of Keras: input, forget, candidate, output

// ---- writing -------------------------------------------------------------------------------------------------------

[[noreturn]] void fail_no_lstm(const std::string& why) {
  throw ConfigError(std::string(kExportNam) + ": " + why +
                    "; a .nam file has one LSTM or several of equal units, then Dense(1)");
}

void append(Json& list, const Tensor& tensor) {
  for (const double number : tensor.to_vector()) list.push_back(number);
}

// [kernel; recurrent kernel] turned around: a row for each gate of each unit.
void append_cell(Json& list, const Tensor& kernel, const Tensor& recurrent) {
  for (Index row = 0; row < kernel.shape()[1]; ++row) {
    for (const Tensor* part : {&kernel, &recurrent}) {
      for (Index i = 0; i < part->shape()[0]; ++i) list.push_back((*part)(i, row));
    }
  }
}

// h and c of a layer, zeros unless they are given.
void append_state(Json& list, const std::vector<Tensor>& states, std::size_t layer, Index units) {
  for (const std::size_t place : {2 * layer, 2 * layer + 1}) {
    append(list, states.empty() ? Tensor::zeros({units}, DType::float32) : states[place]);
  }
}

void check_states(const std::vector<Tensor>& states, std::size_t layers, Index units) {
  if (states.empty()) return;
  const auto is_state = [&](const Tensor& tensor) {
    const std::vector<double> numbers = tensor.to_vector();
    return tensor.shape() == Shape{units} &&
           std::all_of(numbers.begin(), numbers.end(), [](double number) { return std::isfinite(number); });
  };
  const bool fit = states.size() == 2 * layers && std::all_of(states.begin(), states.end(), is_state);
  if (!fit) {
    throw ShapeError(std::string(kExportNam) + ": .initial_state must be h and c of each LSTM, " +
                     std::to_string(2 * layers) + " tensors of finite numbers and of shape " + to_string(Shape{units}) +
                     ", as Stream::state has them");
  }
}

void check_head(const Link& link, const Json& config) {
  if (link.layer.class_name() != "Dense" || link.output.back() != 1) {
    fail_no_lstm("the last layer, " + link.layer.class_name() + " '" + link.layer.name() + "', is no Dense(1)");
  }
  audio::require_option(kExportNam, link.layer, config, "activation", "linear");
}

// ---- reading -------------------------------------------------------------------------------------------------------

void check_version(const Json& json) {
  const auto version = json.get<std::string>();
  int minor = -1;
  if (version.starts_with("0.")) std::from_chars(version.data() + 2, version.data() + version.size(), minor);
  if (minor >= kOldest && minor <= kNewest) return;
  throw FileError("its version is " + audio::shown(json) + "; known are 0.5 to 0.7");
}

struct Sizes {
  Index inputs, units, layers;
};

Sizes sizes_of(const Json& config) {
  for (const auto& [key, value] : config.items()) {
    const bool is_known = key == "input_size" || key == "hidden_size" || key == "num_layers";
    const bool is_one = (key == "in_channels" || key == "out_channels") && value == 1;
    if (!is_known && !is_one) throw FileError("its config has " + audio::shown(key) + ", which Rondo does not know");
  }
  const auto size = [&](const char* key, Index most) {
    return audio::size_of(config.at(key), std::string("its ") + key, most);
  };
  return {size("input_size", audio::kMostUnits), size("hidden_size", audio::kMostUnits),
          size("num_layers", audio::kMostLayers)};
}

Index weights_in(const Sizes& sizes) {
  const Size units = sizes.units, states = units * 2, bias = units * kGates;
  const Size first = units * kGates * (Size(sizes.inputs) + units) + bias + states,
             other = units * kGates * (units + units) + bias + states;
  return (first + other * (sizes.layers - 1) + units + 1).count("the weights");
}

// The list, one number after the other.
class Numbers {
 public:
  explicit Numbers(const Json& list) : list_(list) {}

  double next() { return audio::number_of(list_[at_++], "its list of weights"); }
  Tensor vector(Index size) {
    std::vector<double> numbers(static_cast<std::size_t>(size));
    for (double& number : numbers) number = next();
    return Tensor(numbers);
  }
  // Kernel and recurrent kernel as Keras has them.
  std::array<Tensor, 2> cell(Index inputs, Index units) {
    const Index columns = kGates * units;
    std::array parts{Tensor::zeros({inputs, columns}, DType::float64), Tensor::zeros({units, columns}, DType::float64)};
    for (Index row = 0; row < columns; ++row) {
      for (Tensor& part : parts) {
        const Index count = part.shape()[0];
        for (Index i = 0; i < count; ++i) part.data<double>()[static_cast<std::size_t>(i * columns + row)] = next();
      }
    }
    return parts;
  }

 private:
  const Json& list_;
  std::size_t at_ = 0;
};

NamModel nam_of(const Json& json) {
  check_version(json.at("version"));
  const auto architecture = json.at("architecture").get<std::string>();
  if (architecture != "LSTM") {
    throw FileError("its architecture is " + audio::shown(architecture) + "; Rondo has LSTM alone");
  }
  const Sizes sizes = sizes_of(json.at("config"));
  const Json& list = json.at("weights");
  const Index expected = weights_in(sizes);
  if (!list.is_array() || list.size() != static_cast<std::size_t>(expected)) {
    throw FileError("it has " + std::to_string(list.size()) + " weights; its config makes " + std::to_string(expected));
  }
  Numbers numbers(list);
  NamModel nam{Sequential(), std::nullopt, {}};
  nam.model.add(Input({Shape::kUnknown, sizes.inputs}));
  for (Index i = 0; i < sizes.layers; ++i) {
    const LSTM lstm(sizes.units, {.activation = "tanh", .recurrent_activation = "sigmoid", .return_sequences = true});
    nam.model.add(lstm);
    const auto [kernel, recurrent] = numbers.cell(i == 0 ? sizes.inputs : sizes.units, sizes.units);
    lstm.set_weights({kernel, recurrent, numbers.vector(kGates * sizes.units)});
    for (int state = 0; state < 2; ++state) nam.initial_state.push_back(numbers.vector(sizes.units).cast(lstm.dtype()));
  }
  const Dense head(1);
  nam.model.add(head);
  const Tensor weight = numbers.vector(sizes.units).reshape({sizes.units, 1});
  head.set_weights({weight, numbers.vector(1)});
  const Json rate = json.value("sample_rate", Json());
  if (!rate.is_null()) nam.sample_rate = audio::number_of(rate, "its sample_rate");
  return nam;
}

}  // namespace

void export_nam(const Model& model, const std::string& path, const NamOptions& options) {
  const std::vector<Link> chain = formats::chain_of(model, kExportNam);
  if (chain.size() < 2) fail_no_lstm("the model has " + std::to_string(chain.size()) + " layers");
  const std::size_t layers = chain.size() - 1;
  const auto config_of = [](const Link& link) { return Json::parse(link.layer.get_config()); };
  Json weights = Json::array();
  Index units = 0;
  for (std::size_t i = 0; i < layers; ++i) {
    const Layer& layer = chain[i].layer;
    const std::string name = layer.class_name() + " '" + layer.name() + "'";
    if (layer.class_name() != "LSTM") fail_no_lstm(name + " is no LSTM");
    if (i == 0) {
      units = chain[i].output.back();
      check_states(options.initial_state, layers, units);
    }
    if (chain[i].output.back() != units) {
      fail_no_lstm(name + " has " + std::to_string(chain[i].output.back()) + " units, the first LSTM " +
                   std::to_string(units));
    }
    const Json config = config_of(chain[i]);
    audio::require_usual(kExportNam, layer, config);
    const std::vector<Tensor> parts = audio::weights_with_bias(kExportNam, layer, config, Shape{kGates * units});
    append_cell(weights, parts[0], parts[1]);
    append(weights, parts[2]);
    append_state(weights, options.initial_state, i, units);
  }
  const Json head = config_of(chain.back());
  check_head(chain.back(), head);
  for (const Tensor& part : audio::weights_with_bias(kExportNam, chain.back().layer, head, Shape{1})) {
    append(weights, part);
  }
  const Index inputs = chain[0].input.back();
  if (inputs != 1) fail_no_lstm("the model reads " + std::to_string(inputs) + " numbers a step, the plug-in gives one");
  Json file{{"version", kVersion},
            {"metadata", Json::object()},
            {"architecture", "LSTM"},
            {"config", {{"input_size", inputs}, {"hidden_size", units}, {"num_layers", layers}}},
            {"weights", std::move(weights)}};
  if (options.sample_rate) {
    file["sample_rate"] = checked_option(kExportNam, "sample_rate", *options.sample_rate, Allowed::above_0);
  }
  core::write_file(path, file.dump());
}

NamModel import_nam(const std::string& path) {
  const Json json = audio::read_json(path);
  return audio::in_file(path, [&] { return nam_of(json); });
}

}  // namespace rondo
