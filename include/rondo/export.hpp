// A trained model as a file for programs without Rondo.
//
//   const ExportReport report = export_header(model, "airline.h", {.name = "airline"});
//
// The header is plain C99 and C++11 in one file, with the weights inside: for microcontrollers, audio plug-ins, and any
// program that shall not depend on a library. It includes <stdint.h>, and <math.h> where it computes with floats; it
// takes no memory from the heap, calls nothing recursively, and keeps its state where the caller says:
//
//   static airline_state state;                  // one for each sequence that is under way
//   airline_init(&state);                        // again: airline_reset
//   float input[airline_INPUTS], output[airline_OUTPUTS];
//   airline_step(&state, input, output);         // one time step, as Stream::step
//   if (airline_self_test() != 0) { ... }        // the steps inside do not come out on this machine
//
// All that it declares begins with the model's name, so that headers of several models stand in one program.
// docs/c-header.md has more, and measured sizes, errors and times.
#pragma once

#include <cstddef>
#include <string>

#include <rondo/error.hpp>
#include <rondo/model.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

struct ExportHeaderOptions {
  // What all names in the header begin with: a C identifier that neither begins nor ends with '_' and has no "__".
  // Default: the model's name.
  std::string name = {};
  // "float32": the numbers of Stream, but for the last bits. "int16x8": weights in 8 bits, one scale for each unit
  // and gate; inputs, outputs and states in 16 bits; integers alone between conversion of the input and of the output.
  // "int8": the same with what goes into products in 8 bits too; states that add up (c of an LSTM, h of a GRU) stay in
  // 16.
  std::string precision = "float32";
  // Inputs as predict takes them, from which "int16x8" and "int8" learn how large numbers become, and on which their
  // error is measured: some hundred steps like those that will come. Numbers beyond what is seen here are cut off.
  // Also the first steps of the self-test; without it (float32 only) those are random numbers from -1 to 1.
  Tensor calibration = {};
};

// What came of it; the header says the same in its first lines.
struct ExportReport {
  std::string name, precision;
  // Of all outputs at all steps of the calibration, against the float model: the largest and the mean distance, and for
  // comparison the largest output. "float32": not measured, 0; self_test_bound says how far it may be.
  double max_error = 0, mean_error = 0, largest_output = 0;
  double self_test_bound = 0;      // how far the outputs of the self-test may be from Rondo's; 0 for integers
  std::size_t state_bytes = 0;     // of <name>_state
  std::size_t stack_bytes = 0;     // of arrays in step, beside the compiler's own
  std::size_t constant_bytes = 0;  // weights and tables, without code and self-test
};

// Writes the header; the file is complete or, after an error, as it was before. Layers: LSTM, GRU, Dense,
// TimeDistributed of Dense, Activation, BatchNormalization (folded into the weights of a neighbour where there is one),
// and those that do nothing in inference (Dropout, ActivityRegularization), one behind the other. Integers: not the
// activations log_softmax and sparsemax.
//
// Errors: StateError before the model is built; ConfigError where the model cannot be streamed, for a layer that has no
// C form, naming it, for activations with parameters of their own, weights that are not finite, a name or precision
// that is none, and integers without calibration; ShapeError for a calibration of another shape; FileError.
ExportReport export_header(const Model& model, const std::string& path, const ExportHeaderOptions& options = {});

}  // namespace rondo
