// Looking into model files, and comparing what a model computes here with what it computed where it was saved. The
// command line's `rondo inspect` and `rondo verify` are this.
//
//   const ModelFileInfo info = inspect_file("model.keras");      // Keras 3.15.1, profile "3", 48 KB
//   std::cout << weights_hash(load_model("model.keras"));        // "sha256:1f0c...": the same on every machine
//   if (!verify_file("model.keras").passed()) { ... }            // this machine gives other numbers
//
// All functions may be called from several threads at once. Files are taken for hostile, as by load_model: what is
// wrong with one is a FileError that names it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <rondo/model.hpp>
#include <rondo/tensor.hpp>

namespace rondo {

// ---- what a file is ------------------------------------------------------------------------------------------------

enum class ModelFileKind {
  keras,          // a .keras archive
  h5,             // a whole model in HDF5 (.h5), as Keras 2 saves it
  weights,        // weights alone, as Keras 3 keeps them (.weights.h5)
  legacy_weights  // weights alone, as Keras 2 keeps them (.h5)
};

// "keras", "h5", "weights.h5", "weights of Keras 2 in .h5".
std::string to_string(ModelFileKind kind);

struct ModelFileInfo {
  ModelFileKind kind = ModelFileKind::keras;  // by the file's bytes, whatever its name ends in
  std::string keras_version =
      {};  // that wrote it, or whose form it was written in; "" where it does not say (weights alone)
  std::string keras_compat = {};  // the profile that it is read with: a version of set_keras_compat (keras_compat.hpp)
  std::uint64_t bytes = 0;        // of the file
  bool has_verification = false;  // whether verify_file has something to compare with
};

// Reads what a file says of itself, neither layers nor weights.
ModelFileInfo inspect_file(const std::string& path);

// ---- weights -------------------------------------------------------------------------------------------------------

struct NamedWeight {
  std::string name;
  Tensor value;
};

// The weights of a file that holds weights alone, without a model for them, in alphabetical order of their names. Those
// are the file's own: "layers/lstm/cell/vars/0", or of Keras 2 "lstm_1/lstm_1/kernel:0". What an optimizer remembers
// and the states of random generators are no weights.
std::vector<NamedWeight> read_weights(const std::string& path);

// A hash of weights: "sha256:" and 64 hexadecimal digits, a function of names, dtypes, shapes and numbers. Equal hashes
// are equal weights, to the bit (but a NaN may have other bits than another). The names of a model's weights are the
// paths in Keras 3's files ("layers/lstm/cell/vars/0"), which follow from its structure: names that layers were given,
// and whether a model came from .keras or .h5, change nothing, and a .weights.h5 has the hash of its model.
// docs/formats.md says what is hashed, in a few lines of Python. StateError before the model is built.
std::string weights_hash(const Model& model);
std::string weights_hash(const std::vector<NamedWeight>& weights);

// ---- the same numbers here? ----------------------------------------------------------------------------------------

// Model::save keeps a few inputs and the model's predictions for them in the file (docs/formats.md, "Verification").
struct VerifiedOutput {
  std::string name;               // of the layer that makes it
  Shape shape;                    // (samples, ...)
  bool identical = false;         // equal to the bit; NaN equals NaN
  double largest_difference = 0;  // of a number here and there; infinite where only one of them is finite
  bool passed = false;            // whether no difference is beyond the tolerance
};

struct Verification {
  std::string rondo_version;  // that wrote the file
  // How far numbers may be apart, as a part of the larger of 1 and the number: 0, or 0.01 for a model with a layer of
  // the policy mixed_bfloat16, whose bits depend on the processor (dtype_policy.hpp).
  double tolerance = 0;
  std::vector<VerifiedOutput> outputs;

  bool passed() const;
};

// Loads the model of a .keras or whole-model .h5 file, predicts the inputs that the file brings along and compares.
// FileError where it brings none (files of Keras, weights alone), as for whatever load_model does not read.
Verification verify_file(const std::string& path);

}  // namespace rondo
