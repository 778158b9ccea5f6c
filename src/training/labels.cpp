#include "training/labels.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "core/dispatch.hpp"
#include "core/names.hpp"

namespace rondo::training {

namespace {

// ---- labels --------------------------------------------------------------------------------------------------------

// The first element of these samples that is not `good`, or -1.
template <class Good>
Index first_that_is_not(const Tensor& y, Range samples, Good good) {
  const Index of_sample = y.size() / y.shape()[0];
  return core::with_elements(y, [&](auto elements) {
    const auto begin = elements.begin() + samples.begin * of_sample, end = elements.begin() + samples.end * of_sample;
    const auto found = std::find_if_not(begin, end, [&](auto v) { return good(double{v}); });
    return found == end ? Index{-1} : static_cast<Index>(found - elements.begin());
  });
}

// The first 0 of a sequence of labels that is not at its end, or -1.
Index first_blank_inside(const Tensor& y, Range samples) {
  const Index size = y.size() / y.shape()[0];
  return core::with_elements(y, [&](auto elements) {
    for (Index i = samples.begin * size; i + 1 < samples.end * size; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if ((i + 1) % size != 0 && elements[at] == 0 && elements[at + 1] != 0) return i;
    }
    return Index{-1};
  });
}

// A few roundings beyond 0 and 1 are forgiven; NaN is for the loss to report.
bool is_probability(double v) { return !(v < -1e-6 || v > 1 + 1e-6); }

// How labels become 0 and 1, or what takes them as they are.
std::string remedy(const Tensor& y, LossFamily family) {
  std::vector<double> values = y.to_vector();
  std::erase_if(values, [](double v) { return std::isnan(v); });
  const std::set<double> different(values.begin(), values.end());
  const double low = *different.begin(), high = *different.rbegin();
  if (different.size() == 2) {
    const std::string shifted = low == 0 ? "y" : low < 0 ? "y + " + number_text(-low) : "y - " + number_text(low);
    const std::string scaled =
        high - low == 1 ? shifted : (low == 0 ? "y" : "(" + shifted + ")") + " / " + number_text(high - low);
    return number_text(low) + " and " + number_text(high) + " become 0 and 1 by " + scaled;
  }
  if (family == LossFamily::categorical) return "each row holds a 1 for its class and 0 for the others";
  const bool whole = std::all_of(different.begin(), different.end(), [](double v) { return v == std::floor(v); });
  if (whole && low >= 0 && high < 10'000) {
    return "class numbers take Dense(" + number_text(high + 1) +
           ", {.activation = \"softmax\"}) and the loss \"sparse_categorical_crossentropy\"";
  }
  return "quantities take a loss such as \"mse\" and no activation";
}

void check_labels_of(const ModelNode& node, const Head& head, const Tensor& y, Range samples, const std::string& name) {
  const BoundLoss::Traits& loss = head.loss_function().traits();
  if (loss.family == LossFamily::regression) return;
  const auto refuse = [&](Index at, const std::string& why) {
    throw ShapeError(node.where() + ": label " + number_text(y.to_vector()[static_cast<std::size_t>(at)]) +
                     " in sample " + std::to_string(at / (y.size() / y.shape()[0])) + " of " + name + " is " + why);
  };
  if (const Labels kind = head.loss_function().labels(); kind == Labels::sparse || kind == Labels::sequence) {
    const auto classes = static_cast<double>(head.classes());
    const auto is_class = [&](double v) {
      return (v >= 0 && v < classes && v == std::floor(v)) ||
             (loss.ignored_class && v == static_cast<double>(*loss.ignored_class));
    };
    const Index at = first_that_is_not(y, samples, is_class);
    if (at >= 0) {
      refuse(at, "no class number; the model has the classes 0 to " + std::to_string(head.classes() - 1));
    }
    if (const Index blank = kind == Labels::sequence ? first_blank_inside(y, samples) : -1; blank >= 0) {
      refuse(blank, "the blank, which " + loss.name + " takes only at the end of a sequence that is shorter");
    }
    return;
  }
  const Index at = first_that_is_not(y, samples, is_probability);
  if (at >= 0) refuse(at, "not between 0 and 1, as " + loss.name + " needs it; " + remedy(y, loss.family));
}

// ---- outputs -------------------------------------------------------------------------------------------------------

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Whether a function's values are what crossentropies of probabilities take: from 0 to 1, or from 0 on where they are
// divided by their sum. An unknown function ("") is trusted.
bool gives_probabilities(const std::string& activation, LossFamily family) {
  if (activation.empty()) return true;
  if (is_one_of(activation, {"sigmoid", "hard_sigmoid", "hard_sigmoid_2", "sparse_sigmoid", "softmax", "sparsemax"}))
    return true;
  return family == LossFamily::categorical &&
         is_one_of(activation, {"relu", "relu6", "softplus", "exponential", "sparse_plus", "squareplus"});
}

void check_head_can_learn(const ModelNode& node, const Head& head, std::size_t output) {
  const std::string activation = node.output_activation(output);
  if (head.classes() == 1 && is_one_of(activation, {"softmax", "log_softmax", "sparsemax"})) {
    throw ConfigError(node.where() + ": it ends in " + activation + " over one unit, which is always " +
                      (activation == "log_softmax" ? "0" : "1") +
                      ", so it cannot learn. Two classes take Dense(1, {.activation = \"sigmoid\"}) and the loss "
                      "\"binary_crossentropy\", more classes one unit each; a quantity takes no activation");
  }
  const BoundLoss::Traits& loss = head.loss_function().traits();
  if (head.classes() == 1 && loss.family == LossFamily::categorical) {
    throw ConfigError(node.where() + ": the loss " + loss.name +
                      " over one unit is the same whatever the unit says, so it cannot learn. Two classes take "
                      "Dense(1, {.activation = \"sigmoid\"}) and the loss \"binary_crossentropy\", more classes one "
                      "unit each");
  }
  if (loss.family == LossFamily::regression || loss.from_logits || gives_probabilities(activation, loss.family)) return;
  throw ConfigError(node.where() + ": it ends in '" + activation + "', but the loss " + loss.name +
                    " takes probabilities and does not learn from other numbers. End it with Dense(" +
                    std::to_string(head.classes()) + ", {.activation = \"" +
                    (loss.family == LossFamily::binary ? "sigmoid" : "softmax") + "\"})" +
                    (activation == "linear"
                         ? std::string(", or give the loss losses::") + loss.class_name + "({.from_logits = true})"
                         : ""));
}

}  // namespace

void check_labels(const ModelNode& node, const Program& program, const Data& data, const std::string& what) {
  for (std::size_t i = 0; i < data.y.size(); ++i) {
    if (!data.sample_weights.empty() && program.heads[i]->one_value_a_sample() &&
        data.sample_weights[i]->size() != data.sample_weights[i]->shape()[0]) {
      throw ShapeError(node.where() + ": the loss '" + program.heads[i]->loss_function().traits().name +
                       "' has one value of a sample, " + what + "sample_weight must have one number for each; got " +
                       to_string(data.sample_weights[i]->shape()));
    }
    check_labels_of(node, *program.heads[i], *data.y[i], {data.first, data.first + data.samples},
                    (what.empty() ? "" : "the " + what) + node.label_name(i));
  }
}

void check_can_learn(const ModelNode& node, const Program& program) {
  for (std::size_t i = 0; i < program.heads.size(); ++i) check_head_can_learn(node, *program.heads[i], i);
}

}  // namespace rondo::training
