#include "formats/onnx/composites.hpp"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include <rondo/activations.hpp>

#include "formats/onnx/layers.hpp"
#include "formats/onnx/tensors.hpp"
#include "layers/parts/activations.hpp"

namespace rondo::onnx {

namespace {

const char* const kX = "x";

// Which node makes a tensor, and which numbers are in the file.
struct Makers {
  explicit Makers(const GraphProto& graph) {
    for (const NodeProto& node : graph.nodes) {
      for (std::size_t i = 0; i < node.outputs.size(); ++i) {
        if (!node.outputs[i].empty()) nodes[node.outputs[i]] = {&node, i};
      }
      if (node.op_type != "Constant" || node.outputs.size() != 1) continue;
      for (const AttributeProto& a : node.attributes) {
        if (a.name == "value" && a.t) numbers[node.outputs[0]] = &*a.t;
      }
    }
    for (const TensorProto& tensor : graph.initializers) numbers[tensor.name] = &tensor;
  }

  std::map<std::string, std::pair<const NodeProto*, std::size_t>> nodes;
  std::map<std::string, const TensorProto*> numbers;
};

// A graph's tensors against those of a pattern. Patterns are a few nodes deep.
class Match {
 public:
  Match(const Makers& pattern, const Makers& graph) : pattern_(pattern), graph_(graph) {}

  bool tensors(const std::string& expected, const std::string& given) {
    if (expected == kX) return is_x(given);
    if (const auto numbers = pattern_.numbers.find(expected); numbers != pattern_.numbers.end()) {
      const auto there = graph_.numbers.find(given);
      return there != graph_.numbers.end() && are_equal(*numbers->second, *there->second);
    }
    const auto [node, output] = pattern_.nodes.at(expected);
    const auto made = graph_.nodes.find(given);
    return made != graph_.nodes.end() && made->second.second == output && nodes(*node, *made->second.first);
  }

  const std::string& x() const { return *x_; }
  const std::vector<const NodeProto*>& parts() const { return parts_; }

 private:
  bool is_x(const std::string& given) {
    if (!x_) x_ = given;
    return *x_ == given;
  }

  bool nodes(const NodeProto& expected, const NodeProto& given) {
    if (expected.op_type != given.op_type || !given.domain.empty() || expected.inputs.size() != given.inputs.size() ||
        expected.attributes.size() != given.attributes.size()) {
      return false;
    }
    for (const AttributeProto& a : expected.attributes) {
      const auto same = [&](const AttributeProto& b) {
        return a.name == b.name && a.type == b.type && a.f == b.f && a.i == b.i;
      };
      if (std::none_of(given.attributes.begin(), given.attributes.end(), same)) return false;
    }
    parts_.push_back(&given);
    const auto match_in_order = [&](std::size_t first, std::size_t second) {
      const std::optional<std::string> x = x_;
      const std::size_t parts = parts_.size();
      if (tensors(expected.inputs[0], given.inputs[first]) &&
          (expected.inputs.size() < 2 || tensors(expected.inputs[1], given.inputs[second]))) {
        return true;
      }
      x_ = x;
      parts_.resize(parts);
      return false;
    };
    const bool may_turn = expected.op_type == "Add" || expected.op_type == "Mul";
    if (!match_in_order(0, 1) && !(may_turn && match_in_order(1, 0))) return false;
    for (std::size_t i = 2; i < expected.inputs.size(); ++i) {
      if (!tensors(expected.inputs[i], given.inputs[i])) return false;
    }
    return true;
  }

  static bool are_equal(const TensorProto& a, const TensorProto& b) {
    if (checked_count(a) != checked_count(b) || has_integers(a) != has_integers(b)) return false;
    if (has_integers(a)) return integers_of(a) == integers_of(b);
    const std::vector<double> expected = numbers_of(a), given = numbers_of(b);
    return std::equal(expected.begin(), expected.end(), given.begin(), given.end(),
                      [](double x, double y) { return static_cast<float>(x) == static_cast<float>(y); });
  }

  const Makers& pattern_;
  const Makers& graph_;
  std::optional<std::string> x_;
  std::vector<const NodeProto*> parts_;
};

// Of the activations by name that take several operators. (That of sparsemax depends on the number of features.)
std::vector<std::pair<std::string, GraphProto>> patterns(std::deque<GraphWriter>& writers) {
  std::vector<std::pair<std::string, GraphProto>> all;
  for (const std::string& name : activation_names()) {
    if (name == "sparsemax" || name == "linear") continue;
    GraphWriter& writer = writers.emplace_back(DType::float32);
    const std::string y = add_activation(writer, layers::kernel_of(ActivationFn(name)), kX, 0);
    writer.add_output({"y", ElementType::float32, std::vector<Dimension>{}}, y);
    GraphProto& graph = writer.finish(name);
    if (graph.nodes.size() > 1) all.emplace_back(name, graph);
  }
  return all;
}

}  // namespace

Composites::Composites(const GraphProto& graph) {
  std::deque<GraphWriter> writers;
  const Makers makers(graph);
  std::map<std::string, std::vector<const NodeProto*>> readers;
  for (const NodeProto& node : graph.nodes) {
    for (const std::string& input : node.inputs) readers[input].push_back(&node);
  }
  for (const ValueInfoProto& output : graph.outputs) readers[output.name].push_back(nullptr);

  for (const auto& [name, pattern] : patterns(writers)) {
    const Makers expected(pattern);
    for (const NodeProto& node : graph.nodes) {
      if (node.op_type != pattern.nodes.back().op_type || node.outputs.empty() || found_.contains(&node)) continue;
      Match match(expected, makers);
      if (!match.tensors("y", node.outputs[0])) continue;
      const std::vector<const NodeProto*>& parts = match.parts();
      const auto is_part = [&](const NodeProto* n) { return std::find(parts.begin(), parts.end(), n) != parts.end(); };
      const bool is_closed = std::all_of(parts.begin(), parts.end(), [&](const NodeProto* part) {
        return part == &node || std::all_of(part->outputs.begin(), part->outputs.end(), [&](const std::string& output) {
                 return std::all_of(readers[output].begin(), readers[output].end(), is_part);
               });
      });
      if (!is_closed) continue;
      found_[&node] = {name, match.x()};
      for (const NodeProto* part : parts) {
        if (part != &node) inside_.insert(part);
      }
    }
  }
}

const Composites::Found* Composites::found(const NodeProto& last) const {
  const auto found = found_.find(&last);
  return found == found_.end() ? nullptr : &found->second;
}

}  // namespace rondo::onnx
