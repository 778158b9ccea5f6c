// GRU (Cho et al. 2014) as Keras has it, through whole sequences, and its gradients by backpropagation through time.
//
//   s = x K + b (three columns of gates z, r, h of `units` each), p = h R + c
//   z = r(s_z + p_z)   r = r(s_r + p_r)
//   g = a(s_h + r p_h), or with reset_after = false, where there is no c:  g = a(s_h + (r h) R_h)
//   h = z h + (1 - z) g
#pragma once

#include "support/plain/activations.hpp"
#include "support/plain/array.hpp"

namespace plain {

struct GruWeights {
  Size inputs = 0, units = 0;
  Array kernel;            // K (inputs, 3 units)
  Array recurrent_kernel;  // R (units, 3 units)
  Array bias;              // b above c (2, 3 units), b alone (3 units) with reset_after = false, or empty
};

struct GruOptions {
  Activation activation = "tanh";               // a
  Activation recurrent_activation = "sigmoid";  // r
  bool go_backwards = false;                    // the last step is processed first
  bool zero_output_for_mask = false;            // a skipped step puts out zeros, not the output before it
  bool reset_after = true;
};

// One sequence layer's call. Steps of what follows are in the order of processing.
struct GruCall {
  GruWeights weights;
  GruOptions options;
  Array x;  // (batch, steps, inputs), in the order of time
  Size batch = 0, steps = 0;
  Array initial_h;  // (batch, units), or empty: zeros
  Mask mask = {};   // (batch, steps), in the order of time
  // Dropout: what each gate's product multiplies x and h (or r h) with first. (batch, inputs or units, 3), or empty: 1.
  Array x_factors = {}, h_factors = {};
};

struct GruForward {
  Array outputs;  // (batch, steps, units)
  Array final_h;  // (batch, units)
  Array h;        // (batch, steps, units): the state after the step
};

// Masks as in lstm.hpp.
GruForward gru_forward(const GruCall& call);

struct GruGradients {
  Array x, kernel, recurrent_kernel, bias;  // bias is empty where there is none
  Array initial_h;                          // (batch, units), also where the initial state was zero
};

// From the gradients of all outputs (batch, steps, units) and of final_h; each may be empty: zeros.
GruGradients gru_backward(const GruCall& call, const GruForward& forward, const Array& d_outputs,
                          const Array& d_final_h = {});

}  // namespace plain
