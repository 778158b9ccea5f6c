// Layers in a row: forward, loss, backward, one step of training.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/plain/activations.hpp"
#include "support/plain/array.hpp"
#include "support/plain/gru.hpp"
#include "support/plain/losses.hpp"
#include "support/plain/lstm.hpp"
#include "support/plain/optimizers.hpp"

namespace plain {

// What goes into a layer: (batch, features), or (batch, steps, features).
struct Batch {
  Array values;
  Size batch = 0;
  Size steps = 0;  // 0: no axis of time
  Size features = 0;
  Mask mask = {};  // with steps; goes on to the next layer as long as there is an axis of time
};

struct Layer {
  std::string kind = "Dense";  // or LSTM, GRU, Activation
  Size units = 0;
  Activation activation = "linear";             // of a recurrent layer usually tanh
  Activation recurrent_activation = "sigmoid";  // LSTM, GRU
  bool return_sequences = false;                // LSTM, GRU
  bool go_backwards = false;                    // LSTM, GRU
  bool zero_output_for_mask = false;            // LSTM, GRU
  bool stateful = false;                        // LSTM, GRU: the state at the end of a batch starts the next one
  bool reset_after = true;                      // GRU
  bool use_bias = true;                         // LSTM, GRU, Dense
  bool trainable = true;
  Array x_factors = {}, h_factors = {};  // LSTM, GRU: of dropout in the next call
  std::vector<Array> weights = {};       // kernel, (LSTM, GRU) recurrent_kernel, (if there is one) bias

  bool recurrent() const { return kind == "LSTM" || kind == "GRU"; }
};

// How many arrays of weights the layer has.
Size weight_count(const Layer& layer);

// The gradients of a call: of the weights, in the order of layers and weights (those of frozen layers too), and of x.
struct ModelGradients {
  std::vector<Array> weights;
  Array x;
};

// The last step of each row of (batch, steps, units); and gradients of the last steps among zeros.
Array last_steps(const Array& outputs, Size batch, Size steps, Size units);
Array at_last_steps(const Array& last, Size batch, Size steps, Size units);

class Model {
 public:
  explicit Model(std::vector<Layer> layers) : layers_(std::move(layers)) {}

  // Keeps what backward needs. States of stateful layers go on from call to call.
  Batch forward(const Batch& x);
  // Of the last forward: from the gradient of its output.
  ModelGradients backward(const Array& d_output) const;
  // Forward, backward and the optimizer's move of layers that are not frozen; the loss before it. truth: as for losses.
  double train(const Batch& x, const Array& truth, const Loss& loss, Optimizer& optimizer);

  void reset_states();
  // Of all layers, one after the other. std::out_of_range where too few are set.
  std::vector<Array> weights() const;
  void set_weights(const std::vector<Array>& weights);

 private:
  // One layer's call: its input, and what it keeps for backward.
  struct Call {
    Batch input;
    Array before_activation;  // Dense
    LstmCall lstm;
    LstmForward lstm_forward;
    GruCall gru;
    GruForward gru_forward;
  };
  struct State {
    Array h, c;
  };
  Batch forward(const Layer& layer, Call& call, State& state) const;
  Array recurrent_outputs(const Layer& layer, Call& call, State& state) const;
  Array backward(const Layer& layer, const Call& call, const Array& dy, std::vector<Array>& weights) const;

  std::vector<Layer> layers_;
  std::vector<State> states_;
  std::vector<Call> calls_;
};

}  // namespace plain
