#include "support/plain/walks/walks.hpp"

namespace plain {

Walked walk_layer(GraphLayer& layer, const std::vector<Tensor>& inputs, Pass& pass) {
  const std::string& kind = layer.kind;
  const Tensor& x = inputs.at(0);
  if (kind == "Dense") return walk_dense(layer, x);
  if (kind == "Activation") return walk_activation(layer, x);
  if (kind == "Masking") return walk_masking(layer, x);
  if (kind == "Dropout") return walk_dropout(layer, x, pass);
  if (kind == "LSTM" || kind == "GRU" || kind == "RNN") return walk_recurrent(layer, inputs, pass);
  if (kind == "Bidirectional") return walk_bidirectional(layer, inputs, pass);
  if (kind == "TimeDistributed") return walk_time_distributed(layer, x, pass);
  if (kind == "Flatten") return walk_flatten(x);
  if (kind == "Reshape") return walk_reshape(layer, x);
  if (kind == "Permute") return walk_permute(layer, x);
  if (kind == "RepeatVector") return walk_repeat_vector(layer, x);
  if (kind == "Add") return walk_add(inputs);
  if (kind == "Concatenate") return walk_concatenate(layer, inputs);
  if (kind == "BatchNormalization") return walk_batch_normalization(layer, x, pass);
  if (kind == "Model") return walk(*layer.model, inputs, pass);
  throw std::invalid_argument("plain: no layer is called " + kind);
}

void add_gradients(GraphLayer& layer, const std::vector<Array>& gradients) {
  layer.gradients.resize(layer.weights.size());
  for (Size i = 0; i < layer.weights.size(); ++i) {
    layer.gradients[i].resize(layer.weights[i].size());
    for (Size k = 0; k < layer.weights[i].size(); ++k) layer.gradients[i][k] += gradients.at(i).at(k);
  }
}

}  // namespace plain
