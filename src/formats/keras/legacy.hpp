// Whole models and weights as Keras 1 and 2 keep them in HDF5 (Keras 3 reads and writes them, too): configurations as
// attributes, and for each layer by its name a group of data sets, named by weights.
#pragma once

#include <string>
#include <vector>

#include "formats/hdf5/file.hpp"
#include "formats/hdf5/writer.hpp"
#include "formats/keras/keras_1.hpp"
#include "graph/layer_node.hpp"

namespace rondo::keras {

struct LegacyOptions {
  bool by_name = false;        // layers find their weights by their names, not in their order
  bool skip_mismatch = false;  // a layer whose weights do not fit keeps its own
};

// Reads the weights of a group that has "layer_names": all of them or, after an error, none. Returns the names of
// layers that keep theirs. FileError, naming the layer, where numbers or shapes do not fit.
std::vector<std::string> read_legacy_weights(const hdf5::Group& group, const graph::LayerNode& model,
                                             const LegacyOptions& options);

// Of the weights that are learned, in the model's order: the data sets that each is kept as, numbered through all
// layers without those that are not learned. An optimizer's memory is kept in the same. Empty where the group does not
// fit.
Parts parts_of_learned_weights(const hdf5::Group& group, const graph::LayerNode& model);

// Puts a model's weights into a file in the making.
void write_legacy_weights(const graph::LayerNode& model, hdf5::GroupWriter& group);

// Whether there are weights by layers' names in a group.
bool has_layer_names(const hdf5::Group& group);

// An attribute of texts, which Keras cuts into name0, name1, ... where it is long.
std::vector<std::string> texts_of(const hdf5::Group& group, const std::string& name);
void write_texts(hdf5::ObjectWriter& object, const std::string& name, const std::vector<std::string>& texts);

}  // namespace rondo::keras
