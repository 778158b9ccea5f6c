// Models for audio plug-ins: files of RTNeural (https://github.com/jatinchowdhury18/RTNeural) and of the Neural Amp
// Modeler (https://github.com/sdatkinson/neural-amp-modeler), written and read.
//
//   export_rtneural(model, "amp.json");
//   export_nam(model, "amp.nam", {.sample_rate = 48000});
//   const NamModel amp = import_nam("from_somebody.nam");
//   Stream stream = amp.model.stream();                       // sample by sample, as in the plug-in
//   stream.set_state(amp.initial_state);
//
// Both are JSON that names layers and lists weights, without what training needs. What is read is a model with these
// weights, not compiled. Files are not trusted: what is wrong, or not in Rondo, is a FileError that names file and
// layer.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rondo/model.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

// Writes a model as RTNeural's Python script does. Layers: LSTM and GRU (with tanh, sigmoid, and reset_after), Dense,
// TimeDistributed of Dense, Activation (linear, tanh, relu, sigmoid, softmax, elu), BatchNormalization along the
// features, and those that do nothing in inference (Dropout, ActivityRegularization), one behind the other. RTNeural
// works step by step, so where return_sequences is false it puts out what would be the last step, at each. The file is
// complete or, after an error, as it was before.
//
// StateError before the model is built; ConfigError for a layer or an option that RTNeural does not have, naming it,
// for a model that is no chain of layers, and for weights that are not finite; FileError where it cannot be written.
void export_rtneural(const Model& model, const std::string& path);

// A model of the layers of such a file. Layers of RTNeural that Rondo does not have (conv1d, conv2d, prelu,
// batchnorm2d) are refused by name, as is what RTNeural itself would pass over.
Sequential import_rtneural(const std::string& path);

struct NamOptions {
  std::optional<Real> sample_rate = {};  // in Hz, for the plug-in; above 0
  std::vector<Tensor> initial_state =
      {};  // h and c of each LSTM, as Stream::state has them; default: zeros, as predict
};

// Writes a model as a .nam file of the architecture LSTM, version 0.5: one LSTM or several of equally many units, then
// Dense(1), with the usual activations. The plug-in gives it one number a step, so inputs have one feature. Errors as
// export_rtneural.
void export_nam(const Model& model, const std::string& path, const NamOptions& options = {});

struct NamModel {
  Sequential model;                        // (batch, steps, features) to (batch, steps, 1)
  std::optional<double> sample_rate;       // in Hz, where the file says it
  std::vector<Tensor> initial_state = {};  // what the plug-in begins with: h and c of each LSTM, for Stream::set_state
};

// The model of a .nam file of the architecture LSTM, versions 0.5 to 0.7; others (WaveNet, ConvNet, Linear) are refused
// by name. predict begins with zeros, the plug-in with initial_state.
NamModel import_nam(const std::string& path);

}  // namespace rondo
