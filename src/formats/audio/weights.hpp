// What the formats of audio plug-ins share: options of layers that they have not, and weights as JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <rondo/layer.hpp>
#include <rondo/model.hpp>

namespace rondo::audio {

using Json = nlohmann::ordered_json;

// ---- writing -------------------------------------------------------------------------------------------------------

// ConfigError, beginning with `who`, unless an option of a layer's configuration is this.
void require_option(const std::string& who, const Layer& layer, const Json& config, const char* option,
                    const Json& value);
// Of an LSTM or GRU: the activations and the direction that the formats have.
void require_usual(const std::string& who, const Layer& layer, const Json& config);

// The weights of a layer, in Keras's order; ConfigError where one is not finite.
std::vector<Tensor> finite_weights(const std::string& who, const Layer& layer);
// The same with a bias of zeros behind them where the layer has none.
std::vector<Tensor> weights_with_bias(const std::string& who, const Layer& layer, const Json& config,
                                      const Shape& bias);

// ---- reading -------------------------------------------------------------------------------------------------------

// A JSON object from a file. FileError where there is none.
Json read_json(const std::string& path);

[[noreturn]] void rethrow_in_file(const std::string& path);
// What f returns; errors become FileErrors that name the file.
template <class F>
auto in_file(const std::string& path, const F& f) {
  try {
    return f();
  } catch (...) {
    rethrow_in_file(path);
  }
}

// A value of the file's, for messages.
std::string shown(const Json& value);

// A size among a file's values: 1 to `most`. FileError, with its name.
inline constexpr Index kMostUnits = 1'000'000, kMostLayers = 1000;
Index size_of(const Json& value, const std::string& name, Index most = kMostUnits);
// The number of a value.
double number_of(const Json& value, const std::string& name);

}  // namespace rondo::audio
