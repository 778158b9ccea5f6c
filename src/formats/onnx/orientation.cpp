#include "formats/onnx/orientation.hpp"

#include <algorithm>
#include <array>
#include <numeric>
#include <optional>
#include <set>

#include "formats/onnx/tensors.hpp"
#include "formats/onnx/traced.hpp"

namespace rondo::onnx {

namespace {

constexpr std::array kKeepAxes = {
    "Add",      "BatchNormalization", "Cast",   "Clip", "Dropout", "Elu",  "Exp",  "HardSigmoid", "HardSwish",
    "Identity", "LeakyRelu",          "MatMul", "Mul",  "Neg",     "Relu", "Selu", "Sigmoid",     "Softmax",
    "Softplus", "Softsign",           "Sub",    "Tanh"};

std::optional<std::vector<Index>> list(const NodeProto& node, const char* name) {
  for (const AttributeProto& a : node.attributes) {
    if (a.name == name) return a.ints;
  }
  return std::nullopt;
}

class Search {
 public:
  explicit Search(const Import& import) : import_(import) {}

  // `at`: for each axis of the tensor, which one of the input's it is, or -1. Returns what those of the input are.
  std::optional<std::vector<Index>> behind(const std::string& tensor, const std::vector<Index>& at, std::size_t rank) {
    if (!seen_.insert(tensor).second || seen_.size() > kFarthest) return std::nullopt;
    for (const NodeProto* node : import_.readers(tensor)) {
      std::optional<std::vector<Index>> axes = recurrent(*node, tensor, at, rank);
      if (!axes) {
        const std::optional<std::vector<Index>> next = through(*node, at);
        if (next && !node->outputs.empty()) axes = behind(node->outputs[0], *next, rank);
      }
      if (axes) return axes;
    }
    return std::nullopt;
  }

 private:
  static constexpr std::size_t kFarthest = 100;  // tensors, and as deep

  static std::optional<std::vector<Index>> recurrent(const NodeProto& node, const std::string& tensor,
                                                     const std::vector<Index>& at, std::size_t rank) {
    if ((node.op_type != "LSTM" && node.op_type != "GRU") || at.size() != 3) return std::nullopt;
    bool batch_first = false;
    for (const AttributeProto& a : node.attributes) batch_first = batch_first || (a.name == "layout" && a.i == 1);
    const auto operand = std::find(node.inputs.begin(), node.inputs.end(), tensor) - node.inputs.begin();
    const bool is_state = operand == 5 || operand == 6;
    if (operand != 0 && !is_state) return std::nullopt;
    const Index batch = at[batch_first ? 0 : 1], other = at[batch_first ? 1 : 0];
    if (batch < 0) return std::nullopt;
    std::vector<Index> axes(rank, Index{0});
    Index next = 1;
    for (std::size_t i = 0; i < rank; ++i) {
      const auto axis = static_cast<Index>(i);
      if (axis == batch) continue;
      axes[i] = is_state && axis == other ? kDirections : next++;
    }
    return axes;
  }

  // The axes of a node's output.
  std::optional<std::vector<Index>> through(const NodeProto& node, const std::vector<Index>& at) const {
    if (std::find(kKeepAxes.begin(), kKeepAxes.end(), node.op_type) != kKeepAxes.end()) return at;
    if (node.op_type == "Transpose") {
      const std::vector<Index> perm = list(node, "perm").value_or(std::vector<Index>(at.rbegin(), at.rend()));
      std::vector<Index> turned;
      for (const Index axis : perm) {
        if (axis < 0 || axis >= static_cast<Index>(at.size())) return std::nullopt;
        turned.push_back(at[static_cast<std::size_t>(axis)]);
      }
      return turned;
    }
    if (node.op_type == "Unsqueeze") return unsqueezed(node, at);
    return std::nullopt;
  }

  std::optional<std::vector<Index>> unsqueezed(const NodeProto& node, std::vector<Index> at) const {
    std::vector<Index> axes = list(node, "axes").value_or(std::vector<Index>{});
    const Item* item = node.inputs.size() > 1 ? import_.find(node.inputs[1]) : nullptr;
    const auto* constant = item == nullptr ? nullptr : std::get_if<const TensorProto*>(item);
    if (constant != nullptr && has_integers(**constant)) axes = integers_of(**constant);
    if (axes.size() != 1) return std::nullopt;
    const Index axis = axes[0] < 0 ? axes[0] + static_cast<Index>(at.size()) + 1 : axes[0];
    if (axis < 0 || axis > static_cast<Index>(at.size())) return std::nullopt;
    at.insert(at.begin() + axis, -1);
    return at;
  }

  const Import& import_;
  std::set<std::string> seen_;
};

}  // namespace

std::vector<Index> axes_of_input(const Import& import, const ValueInfoProto& input) {
  const std::size_t rank = input.shape->size();
  std::vector<Index> axes(rank);
  std::iota(axes.begin(), axes.end(), Index{0});
  axes = Search(import).behind(input.name, axes, rank).value_or(axes);
  for (std::size_t i = 0; i < rank; ++i) {
    if (axes[i] == kDirections && (*input.shape)[i].size != 2) axes[i] = kOne;
  }
  return axes;
}

}  // namespace rondo::onnx
