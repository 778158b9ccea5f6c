// Activation functions that a graph writes as a formula of several operators.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "formats/onnx/messages.hpp"

namespace rondo::onnx {

// Found by what export_onnx writes for each of them: the same operators on the same numbers, whatever their names.
class Composites {
 public:
  explicit Composites(const GraphProto& graph);

  struct Found {
    std::string activation;  // its name in Rondo
    std::string x;           // the tensor it is applied to
  };
  // The formula whose last node this is, or null.
  const Found* found(const NodeProto& last) const;
  // Whether a node is a part of a formula, and its output goes nowhere else.
  bool is_inside(const NodeProto& node) const { return inside_.contains(&node); }

 private:
  std::map<const NodeProto*, Found> found_;
  std::set<const NodeProto*> inside_;
};

}  // namespace rondo::onnx
