// LSTM with forget gate (Hochreiter and Schmidhuber 1997; Gers et al. 2000) as Keras has it, through whole sequences,
// and its gradients by backpropagation through time.
//
//   z = x K + h R + b, four columns of gates i, f, c, o of `units` each
//   i = r(z_i)   f = r(z_f)   g = a(z_c)   o = r(z_o)
//   c = f c + i g            h = o a(c)
#pragma once

#include "support/plain/activations.hpp"
#include "support/plain/array.hpp"

namespace plain {

struct LstmWeights {
  Size inputs = 0, units = 0;
  Array kernel;            // K (inputs, 4 units)
  Array recurrent_kernel;  // R (units, 4 units)
  Array bias;              // b (4 units), or empty
};

struct LstmOptions {
  Activation activation = "tanh";               // a
  Activation recurrent_activation = "sigmoid";  // r
  bool go_backwards = false;                    // the last step is processed first
  bool zero_output_for_mask = false;            // a skipped step puts out zeros, not the output before it
};

// One sequence layer's call. Steps of what follows are in the order of processing.
struct LstmCall {
  LstmWeights weights;
  LstmOptions options;
  Array x;  // (batch, steps, inputs), in the order of time
  Size batch = 0, steps = 0;
  Array initial_h, initial_c;  // (batch, units) each, or empty: zeros
  Mask mask = {};              // (batch, steps), in the order of time
  // Dropout: what each gate's product multiplies x and h with first, in all steps. (batch, inputs or units, 4), or
  // empty: 1.
  Array x_factors = {}, h_factors = {};
};

// What a row does at a step: z before the activations, the gates, and the states after it. Kept for backward.
struct LstmForward {
  Array outputs;           // (batch, steps, units)
  Array final_h, final_c;  // (batch, units)
  Array z;                 // (batch, steps, 4 units)
  Array h, c;              // (batch, steps, units): states after the step
};

// A row that skips a step keeps its h and c. Its output is the one of the step before, or zeros: before the first step
// that counts (whatever the initial state), and at every skipped step with zero_output_for_mask.
LstmForward lstm_forward(const LstmCall& call);

struct LstmGradients {
  Array x, kernel, recurrent_kernel, bias;  // bias is empty where there is none
  Array initial_h, initial_c;               // (batch, units), also where the initial state was zero
};

// From the gradients of all outputs (batch, steps, units), of final_h and of final_c; each may be empty: zeros.
LstmGradients lstm_backward(const LstmCall& call, const LstmForward& forward, const Array& d_outputs,
                            const Array& d_final_h = {}, const Array& d_final_c = {});

}  // namespace plain
