#include "core/registry.hpp"

#include <nlohmann/json.hpp>

#include "core/fork_safe.hpp"
#include "layers/nodes.hpp"

namespace rondo::layers {

namespace {

using Factory = std::shared_ptr<graph::LayerNode> (*)(const graph::Json&);

using KnownLayers = core::Registry<NameKind::layer, Factory>;

// To add a layer: its class in <rondo/layers/room.hpp>, its source and test beside these, and a line here.
const KnownLayers& known_layers() {
  static constinit Lazy<KnownLayers> known;
  return known.get([] {
    return KnownLayers{
        {{"Activation"}, activation_layer_from_config},
        {{"ActivityRegularization"}, activity_regularization_from_config},
        {{"Add"}, add_from_config},
        {{"BatchNormalization"}, batch_normalization_from_config},
        {{"Bidirectional"}, bidirectional_from_config},
        {{"Concatenate"}, concatenate_from_config},
        {{"Dense"}, dense_from_config},
        {{"Dropout"}, dropout_from_config},
        {{"Flatten"}, flatten_from_config},
        {{"Functional"}, functional_from_config},
        {{"GRU"}, gru_from_config},
        {{"GRUCell"}, gru_cell_from_config},
        {{"InputLayer"}, input_from_config},
        {{"LSTM"}, lstm_from_config},
        {{"LSTMCell"}, lstm_cell_from_config},
        {{"Masking"}, masking_from_config},
        {{"Permute"}, permute_from_config},
        {{"RNN"}, rnn_from_config},
        {{"RepeatVector"}, repeat_vector_from_config},
        {{"Reshape"}, reshape_from_config},
        {{"Sequential"}, sequential_from_config},
        {{"StackedRNNCells"}, stacked_cells_from_config},
        {{"TimeDistributed"}, time_distributed_from_config},
    };
  });
}

}  // namespace

std::shared_ptr<graph::LayerNode> layer_from_config(const std::string& class_name, const graph::Json& config) {
  const Factory make = known_layers().at(class_name);
  try {
    return make(config);
  } catch (const graph::Json::exception& error) {
    throw ConfigError(class_name + ": its configuration cannot be read: " + error.what());
  }
}

std::shared_ptr<graph::LayerNode> layer_from_config(const graph::Json& serialized) {
  return layer_from_config(serialized.at("class_name").get<std::string>(), serialized.at("config"));
}

}  // namespace rondo::layers

void rondo::graph::from_config(const Json& config, std::shared_ptr<LayerNode>& layer) {
  layer = layers::layer_from_config(config);
}
