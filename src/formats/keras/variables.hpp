// The variables of a model as Keras 3 lays them out in HDF5: a group "vars" for each layer, whose data sets are the
// layer's weights by number, at a path that follows the structure of the model.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "formats/hdf5/file.hpp"
#include "formats/hdf5/writer.hpp"
#include "graph/layer_node.hpp"

namespace rondo::keras {

struct VariableGroup {
  std::string path;   // "layers/lstm/cell/vars"
  std::string name;   // of what has them: "lstm_cell"
  std::string layer;  // of a model, that they are inside of: "lstm"
  std::vector<engine::Parameter> parameters;
};

// How a model lists its layers: since Keras 3.0 "layers", before it (and in TensorFlow 2.12 to 2.15)
// "_layer_checkpoint_dependencies", where each layer with weights counts twice.
enum class LayerList { layers, checkpoint_dependencies };

// Of all layers of a model that is built, each once. Layers are named by their class, with numbers within their list.
std::vector<VariableGroup> variable_groups(const graph::LayerNode& model, LayerList list = LayerList::layers);

// Puts a model's variables into a file that is in the making, which takes their values when it is written.
void write_variables(const graph::LayerNode& model, hdf5::GroupWriter& root);

// Reads them back: all of them or, after an error, none. FileError, naming layer and path, where a layer's weights are
// not there, are more or fewer, or have another shape; with `skip_mismatch` such a layer keeps its weights, and its
// name is among those that are returned.
std::vector<std::string> read_variables(const hdf5::Group& root, const graph::LayerNode& model, bool skip_mismatch);

// The group at a path of several names; none where there is none.
std::optional<hdf5::Group> find_group(const hdf5::Group& root, const std::string& path);

// All numbers of a data set.
Tensor tensor_of(const hdf5::Dataset& dataset, DType dtype);
// Of several, one beside the other along the last axis.
Tensor tensor_of(const std::vector<hdf5::Dataset>& parts, DType dtype);
// The same for a weight: where they stand in the file, which must stay in memory, or, of another form, read from it.
class WeightValue {
 public:
  WeightValue(const engine::Parameter& parameter, const hdf5::Dataset& dataset);
  WeightValue(const engine::Parameter& parameter, Tensor value) : parameter_(parameter), read_(std::move(value)) {}

  // Makes it the weight's.
  void set() const;

 private:
  engine::Parameter parameter_;
  std::span<const std::byte> in_file_;
  std::optional<Tensor> read_;
};
// Those of a weight, some rows after the other, so that the file takes no memory for them.
hdf5::DatasetWriter::Numbers numbers_of(const engine::Parameter& parameter);
// Those of a tensor, as they stand in memory, and their type.
std::span<const std::byte> bytes_of(const Tensor& tensor);
hdf5::NumberType number_type(DType dtype);

}  // namespace rondo::keras
