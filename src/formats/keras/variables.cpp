#include "formats/keras/variables.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include <rondo/error.hpp>
#include <rondo/tensor_ops.hpp>

#include "core/dispatch.hpp"
#include "core/element_size.hpp"
#include "core/names.hpp"

namespace rondo::keras {

namespace {

using engine::Parameter;
using graph::LayerNode;

std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

class Collector {
 public:
  explicit Collector(LayerList list) : list_(list) {}

  void collect(const LayerNode& node, const std::string& path) {
    if (!known_.insert(&node).second) return;
    const std::string part = node.weights_attribute();
    if (!part.empty()) {
      groups_.push_back({joined(joined(path, part), "vars"), part_name(node), layer_, node.own_parameters()});
    }
    groups_.push_back({joined(path, "vars"), node.name(), layer_, part.empty() ? node.own_parameters() : Parameters{}});
    if (node.has_list_of_children()) return collect_list(node, path);
    for (std::size_t i = 0; i < node.children().size(); ++i) {
      collect(*node.children()[i], joined(path, node.child_attribute(i)));
    }
  }
  std::vector<VariableGroup> take() { return std::move(groups_); }

 private:
  using Parameters = std::vector<Parameter>;

  void collect_list(const LayerNode& node, const std::string& path) {
    const bool is_old = list_ == LayerList::checkpoint_dependencies && node.is_model();
    const std::string list = joined(path, is_old ? "_layer_checkpoint_dependencies" : node.child_attribute(0));
    std::map<std::string, int> numbers;
    for (const auto& child : node.children()) {
      const std::string name = snake_case(child->class_name());
      int& number = numbers[name];
      if (node.is_model()) layer_ = child->name();
      collect(*child, joined(list, number == 0 ? name : name + "_" + std::to_string(number)));
      number += is_old && !child->parameters().empty() ? 2 : 1;
    }
  }

  // "lstm_cell" of "lstm/lstm_cell/kernel".
  static std::string part_name(const LayerNode& node) {
    if (node.own_parameters().empty()) return node.weights_attribute();
    const std::string& path = node.own_parameters().front().path;
    const std::size_t begin = path.find('/') + 1;
    return path.substr(begin, path.find('/', begin) - begin);
  }

  LayerList list_;
  std::string layer_;
  std::set<const LayerNode*> known_;
  std::vector<VariableGroup> groups_;
};

// Finds groups by their paths. Those that lead to the last one stay open: layers stand side by side in one group, which
// may have many.
class GroupFinder {
 public:
  explicit GroupFinder(const hdf5::Group& root) : root_(root) {}

  // Null where there is none.
  const hdf5::Group* find(std::string_view path) {
    std::size_t depth = 0;
    for (std::size_t begin = 0; begin <= path.size(); ++depth) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      if (!enter(depth, path.substr(begin, end - begin))) return nullptr;
      begin = end + 1;
    }
    while (open_.size() > depth) open_.pop_back();
    return &open_.back().group;
  }

 private:
  struct Open {
    std::string name;
    hdf5::Group group;
  };

  bool enter(std::size_t depth, std::string_view name) {
    if (depth < open_.size() && open_[depth].name == name) return true;
    while (open_.size() > depth) open_.pop_back();
    const hdf5::Group& parent = depth == 0 ? root_ : open_.back().group;
    if (!parent.contains(name) || !parent.is_group(name)) return false;
    hdf5::Group group = parent.group(name);
    open_.push_back({std::string(name), std::move(group)});
    return true;
  }

  const hdf5::Group& root_;
  std::vector<Open> open_;
};

// Why a group of a file (null: none) cannot be these variables; empty where it can.
std::string mismatch(const hdf5::Group* group, const VariableGroup& wanted) {
  const std::size_t count = wanted.parameters.size();
  if (group == nullptr) return "there is no group '" + wanted.path + "'";
  const std::size_t given = group->names().size();
  if (given != count) {
    return "the group '" + wanted.path + "' has " + std::to_string(given) + " variables; expected are " +
           std::to_string(count);
  }
  for (std::size_t i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    if (!group->contains(number)) return "the group '" + wanted.path + "' has no variable '" + number + "'";
    const Shape shape = group->dataset(number).shape();
    if (shape == wanted.parameters[i].shape) continue;
    return "variable '" + wanted.path + "/" + number + "' has the shape " + to_string(shape) + "; expected is " +
           to_string(wanted.parameters[i].shape) + ", that of " + wanted.parameters[i].path;
  }
  return "";
}

}  // namespace

std::vector<VariableGroup> variable_groups(const LayerNode& model, LayerList list) {
  Collector collector(list);
  collector.collect(model, "");
  return collector.take();
}

void write_variables(const LayerNode& model, hdf5::GroupWriter& root) {
  for (const VariableGroup& variables : variable_groups(model)) {
    hdf5::GroupWriter& group = root.group(variables.path);
    group.attribute("name", variables.name);
    for (std::size_t i = 0; i < variables.parameters.size(); ++i) {
      const Parameter& parameter = variables.parameters[i];
      group.dataset(std::to_string(i), parameter.shape, number_type(parameter.block->dtype()), numbers_of(parameter));
    }
  }
}

std::vector<std::string> read_variables(const hdf5::Group& root, const LayerNode& model, bool skip_mismatch) {
  const bool is_old = root.contains("_layer_checkpoint_dependencies");
  std::vector<WeightValue> values;
  std::vector<std::string> skipped;
  GroupFinder finder(root);
  for (const VariableGroup& variables :
       variable_groups(model, is_old ? LayerList::checkpoint_dependencies : LayerList::layers)) {
    if (variables.parameters.empty()) continue;
    const hdf5::Group* group = finder.find(variables.path);
    const std::string why = mismatch(group, variables);
    if (!why.empty() && !skip_mismatch) {
      throw FileError("the weights of layer '" + variables.layer + "', '" + variables.parameters.front().path +
                      "' and its like: " + why);
    }
    if (!why.empty()) {
      if (skipped.empty() || skipped.back() != variables.layer) skipped.push_back(variables.layer);
      continue;
    }
    for (std::size_t i = 0; i < variables.parameters.size(); ++i) {
      values.emplace_back(variables.parameters[i], group->dataset(std::to_string(i)));
    }
  }
  for (const WeightValue& value : values) value.set();
  return skipped;
}

std::optional<hdf5::Group> find_group(const hdf5::Group& root, const std::string& path) {
  GroupFinder finder(root);
  const hdf5::Group* group = finder.find(path);
  return group == nullptr ? std::nullopt : std::optional(*group);
}

Tensor tensor_of(const hdf5::Dataset& dataset, DType dtype) {
  Tensor tensor = Tensor::zeros(dataset.shape(), dtype);
  core::with_elements(tensor, [&](auto elements) { dataset.read_into(elements); });
  return tensor;
}

Tensor tensor_of(const std::vector<hdf5::Dataset>& parts, DType dtype) {
  std::vector<Tensor> tensors;
  for (const hdf5::Dataset& part : parts) tensors.push_back(tensor_of(part, dtype));
  return tensors.size() == 1 ? tensors[0] : concatenate(tensors, -1);
}

WeightValue::WeightValue(const Parameter& parameter, const hdf5::Dataset& dataset) : parameter_(parameter) {
  const DType dtype = parameter.block->dtype();
  in_file_ = dataset.in_place(element_size(dtype));
  if (in_file_.empty()) read_ = tensor_of(dataset, dtype);
}

void WeightValue::set() const {
  if (read_) {
    parameter_.set(*read_);
  } else {
    parameter_.set(in_file_);
  }
}

hdf5::NumberType number_type(DType dtype) {
  return dtype == DType::float32 ? hdf5::NumberType::float32 : hdf5::NumberType::float64;
}

hdf5::DatasetWriter::Numbers numbers_of(const Parameter& parameter) {
  return [parameter](const hdf5::Sink& sink) {
    constexpr std::size_t kPiece = std::size_t{1} << 18;  // stays in the cache until it is written
    const Index rows = parameter.map.rows();
    const auto row = static_cast<std::size_t>(parameter.map.columns()) * element_size(parameter.block->dtype());
    const Index at_once = std::clamp(static_cast<Index>(kPiece / std::max(row, std::size_t{1})), Index{1}, rows);
    std::vector<std::byte> piece(static_cast<std::size_t>(at_once) * row);
    for (Range some{0, 0}; some.end < rows;) {
      some = {some.end, std::min(rows, some.end + at_once)};
      parameter.get(some, piece.data());
      sink(std::span(piece).first(static_cast<std::size_t>(some.size()) * row));
    }
  };
}

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return core::with_elements(tensor, [](auto elements) { return std::span<const std::byte>(std::as_bytes(elements)); });
}

}  // namespace rondo::keras
