// Models in files: what Rondo saves Keras 3 loads, and what any Keras since 1 has saved Rondo loads.
//
//   model.save("model.keras");                       // layers, weights, loss and metrics, the optimizer's state
//   Model again = load_model("model.keras");         // predicts the same, and its training goes on where it was
//   Model old = load_model("from_2017.h5");
//
// A file is read in the meaning of the version that wrote it (keras_compat.hpp). What changes numbers and Rondo does
// not have is a FileError that names layer and option; so is whatever is wrong with a file, and nothing in it is ever
// run or fetched. docs/formats.md tells the formats.
//
// Declared in model.hpp: Model::save, save_weights, load_weights, to_json.
#pragma once

#include <string>

#include <rondo/model.hpp>

namespace rondo {

struct LoadOptions {
  // With the loss, metrics and optimizer of the file, where it has them; false: as a model that was not compiled.
  bool compile = true;
};

// A model from a .keras or whole-model .h5 file, whatever its name ends in. FileError naming the path and what is
// wrong.
Model load_model(const std::string& path, const LoadOptions& options = {});

// A model of the same layers, with first weights, from what to_json wrote (or Keras: to_json, or the config.json of a
// .keras file). ConfigError for what cannot be read, ShapeError where layers do not fit each other, or have weights of
// more than 1 GB together (a text may say anything; larger models are made in code, or loaded with their weights).
Model model_from_json(const std::string& json);

// A model of the same layers with first weights of its own; not compiled.
Model clone_model(const Model& model);

}  // namespace rondo
