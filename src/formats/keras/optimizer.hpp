// What an optimizer remembers, in files.
#pragma once

#include <rondo/keras_compat.hpp>
#include <rondo/model.hpp>

#include "formats/hdf5/file.hpp"
#include "formats/hdf5/writer.hpp"

namespace rondo::keras {

// Of a model that is compiled; nothing for another. In Keras 3's layout ("optimizer/vars/0", ...), and in that of whole
// models in .h5 ("optimizer_weights", by names).
void write_optimizer(const Model& model, hdf5::GroupWriter& root);
void write_legacy_optimizer(const Model& model, hdf5::GroupWriter& root);

// The same back, where the file has it. An optimizer whose variables are others than Rondo's (Keras 2 remembered other
// things for some) starts anew: false.
bool read_optimizer(const hdf5::Group& root, const Model& model);
bool read_legacy_optimizer(const hdf5::Group& root, const Model& model, const detail::KerasDefaults& version);

}  // namespace rondo::keras
