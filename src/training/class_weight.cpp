#include "training/class_weight.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "core/options.hpp"

namespace rondo::training {

namespace {

double weight_of(const ClassWeight& weights, double label) {
  const auto found = std::isfinite(label) && std::abs(label) < 0x1p53
                         ? weights.find(static_cast<Index>(std::llround(label)))
                         : weights.end();
  return found == weights.end() ? 1.0 : double{found->second};
}

// Whether labels are rows of classes, of which the largest counts; else each number is one.
bool are_one_hot(const Shape& labels, const Shape& output) {
  return labels.rank() >= output.rank() && !labels.empty() && labels.back() > 1;
}

}  // namespace

SampleWeights::SampleWeights(const ModelNode& node, const detail::Given& X, const detail::Given& y,
                             const std::optional<Outputs>& sample_weight, const ClassWeight& class_weight)
    : given_(sample_weight) {
  if (class_weight.empty()) return;
  if (sample_weight) {
    throw ConfigError(node.where() + ": class_weight and sample_weight were both given; multiply them into one " +
                      "sample_weight");
  }
  for (const auto& [number, weight] : class_weight) {
    checked_option(node.where(), "class_weight[" + std::to_string(number) + "]", weight, Allowed::finite);
  }
  const Tensors labels = in_order_of_outputs(node, y, "labels");
  if (labels.size() > 1) {
    throw ConfigError(node.where() + " has " + std::to_string(labels.size()) +
                      " outputs; class_weight is for models of one, give sample_weight");
  }
  const Shape& shape = labels[0]->shape();
  if (shape.rank() < 1) return;  // check_data refuses a scalar
  const Shape output = node.output_shapes(check_inputs(node, in_order(node, X), ""))[0];
  const std::vector<double> values = labels[0]->to_vector();
  const bool one_hot = are_one_hot(shape.from(1), output);
  const bool drops = one_hot || (shape.rank() > 1 && shape.back() == 1);
  const auto classes = static_cast<std::ptrdiff_t>(one_hot ? shape.back() : 1);
  std::vector<double> weights;
  for (auto row = values.begin(); row != values.end(); row += classes) {
    const double label = one_hot ? static_cast<double>(std::max_element(row, row + classes) - row) : *row;
    weights.push_back(weight_of(class_weight, label));
  }
  of_classes_.emplace(Tensor(drops ? shape.without_last() : shape, std::move(weights)));
}

}  // namespace rondo::training
