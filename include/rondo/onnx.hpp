// Models as ONNX files, for ONNX Runtime and other programs, and back.
//
//   export_onnx(model, "model.onnx");
//   Model again = import_onnx("model.onnx");   // or one that PyTorch or TensorFlow has exported
//
// LSTM and GRU become the operators of these names, every other layer the operators that compute the same. ONNX
// Runtime's numbers are Rondo's but for the last bits. docs/formats.md lists layers and operators.
#pragma once

#include <string>

#include <rondo/model.hpp>

namespace rondo {

struct ExportOnnxOptions {
  // For step by step use: the state in which each recurrent layer begins is an input of the graph, "<layer>.h0" and of
  // an LSTM "<layer>.c0", (batch, units), and its last state an output, "<layer>.hn" and "<layer>.cn". Layers in models
  // inside the model have the model's name in front ("inner/lstm.h0"), the cells of StackedRNNCells a number
  // ("rnn.0.h0"), those of a Bidirectional their own name ("bidirectional/forward_lstm.h0"). A layer whose initial
  // state is given in the graph, or that is inside a TimeDistributed, has none of these.
  bool states = false;
  // For sequences of different lengths, filled up at their end: an input "lengths" more, int32 of shape (batch), of 1
  // to the number of time steps, which goes to every recurrent operator and takes the place of a Masking layer. Of
  // several inputs with a time axis each has one, "<input>.lengths".
  bool sequence_lengths = false;
};

// Writes the model to a file of ONNX: opset 17, IR version 8, which every ONNX Runtime since 1.12 reads. Inputs are
// (batch, sample...) like those of predict, named like the model's Inputs ("input" for a Sequential), outputs like the
// layers that make them. The batch may be of any size, and the time axis of any length where the layers allow it. The
// file is complete or, after an error, as it was before. Equal models make equal files.
//
// A float64 model becomes one of doubles, which is ONNX, but more than ONNX Runtime's LSTM and GRU compute. The policy
// mixed_bfloat16 is not in the file: there, all is float32.
//
// Errors: StateError before the model is built; ConfigError, naming it, for a layer that has no ONNX form (layers and
// cells of your own), an activation that ONNX's LSTM and GRU do not have, activations with parameters of their own, a
// Masking without .sequence_lengths, a stateful layer without .states, options that a model has no use for, and weights
// of 2 GB or more; FileError.
void export_onnx(const Model& model, const std::string& path, const ExportOnnxOptions& options = {});

// A model that computes what the graph of an ONNX file (opset 7 to 28) does, of Rondo's layers, to be predicted with or
// trained further; it is not compiled.
//
// Its tensors have the batch in front and time behind it, whatever the graph's have: an input that goes into an LSTM as
// (time, batch, features) becomes one of (batch, time, features), and axes of directions disappear. Weights are read
// from the file alone: no other is opened. FileError, naming path, operator and node, for what is no such file, and for
// an operator or a form of one that Rondo has no layer for.
Model import_onnx(const std::string& path);

}  // namespace rondo
