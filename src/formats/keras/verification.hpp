// A few inputs and what a model predicts for them, kept in its file, so that another machine can compare.
#pragma once

#include <optional>
#include <vector>

#include <rondo/model.hpp>

#include "formats/hdf5/file.hpp"
#include "formats/hdf5/writer.hpp"

namespace rondo::keras {

inline constexpr const char* kVerification = "rondo_verification";

// What a model predicts for inputs of its own dtype, with room for them in a plan of its own: nothing of the model
// changes, stateful layers begin in zeros. None for a model with code of a user's inside, which is not run.
std::optional<std::vector<Tensor>> predictions(const Model& model, const std::vector<Tensor>& inputs);

// Puts both into a file in the making; nothing where the model cannot predict, or only numbers too many to keep. Never
// throws because of the model.
void write_verification(const Model& model, hdf5::GroupWriter& root);

struct KeptPredictions {
  std::string rondo_version = {};
  std::vector<Tensor> inputs = {}, outputs = {};
};

// FileError where there are none, or they are not as `model` has them.
KeptPredictions read_verification(const hdf5::Group& root, const Model& model);

}  // namespace rondo::keras
