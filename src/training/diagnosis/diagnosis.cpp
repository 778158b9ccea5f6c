// From the evidence to findings.
#include <algorithm>
#include <exception>
#include <ostream>

#include <rondo/diagnosis.hpp>

#include "training/diagnosis/curves.hpp"
#include "training/diagnosis/evidence.hpp"
#include "training/diagnosis/look.hpp"
#include "training/diagnosis/outputs.hpp"

namespace rondo {

std::string_view to_string(FindingKind kind) {
  static constexpr std::string_view kNames[] = {"not_finite",
                                                "weights_not_moved",
                                                "targets_out_of_range",
                                                "dead_units",
                                                "learning_rate_too_large",
                                                "learning_rate_too_small",
                                                "constant_predictions",
                                                "copied_input",
                                                "underfitting",
                                                "overfitting"};
  return kNames[static_cast<std::size_t>(kind)];
}

bool Diagnosis::contains(FindingKind kind) const {
  return std::any_of(begin(), end(), [&](const Finding& f) { return f.kind == kind; });
}

std::string Diagnosis::to_string() const {
  std::string text;
  for (const Finding& f : findings_) {
    for (const std::string_view part : {std::string_view("note: "), std::string_view(f.text), std::string_view("; "),
                                        std::string_view(f.advice), std::string_view("\n")}) {
      text += part;
    }
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const Diagnosis& diagnosis) { return out << diagnosis.to_string(); }

namespace training {

namespace {

bool is_one_of(const std::string& name, std::initializer_list<const char*> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// An output beside its labels, and what its loss makes of the distance between them.
struct Judged {
  Compared compared;
  bool is_quantity;   // which the loss compares with y itself
  bool has_variance;  // that a perfect training explains: the loss is least at y's mean
  std::string activation, layer;
};

// Class numbers as rows with a 1.
std::vector<double> as_rows(const std::vector<double>& classes, std::size_t columns) {
  std::vector<double> rows(classes.size() * columns);
  for (std::size_t i = 0; i < classes.size(); ++i) rows[i * columns + static_cast<std::size_t>(classes[i])] = 1;
  return rows;
}

// Nothing where the loss does not bring predictions near to the labels.
std::optional<Judged> judge(const ModelNode& node, std::size_t output, const Tensor& y, const Tensor& predicted) {
  const Loss& loss = *node.compiled_if_any()->heads[output].loss;
  const auto rule = loss.impl().bind(predicted.shape().from(1), y.shape().from(1));
  const BoundLoss::Traits& traits = rule->traits();
  const bool is_mean = is_one_of(traits.name, {"mean_squared_error", "huber", "log_cosh"});
  const bool is_other = is_one_of(
      traits.name, {"mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_logarithmic_error"});
  const bool is_class =
      is_one_of(traits.name, {"binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"});
  if ((!is_mean && !is_other && !is_class) || traits.from_logits || traits.ignored_class) return {};

  Judged judged{.compared = {.what = node.label_name(output),
                             .truth = y.to_vector(),
                             .predicted = predicted.to_vector(),
                             .columns = static_cast<std::size_t>(predicted.shape().back()),
                             .samples = y.shape()[0]},
                .is_quantity = !is_class,
                .has_variance = !is_other,
                .activation = node.output_activation(output),
                .layer = node.output_names()[output]};
  Compared& compared = judged.compared;
  if (rule->labels() == Labels::sparse) compared.truth = as_rows(compared.truth, compared.columns);
  if (compared.truth.size() != compared.predicted.size()) return {};
  return judged;
}

// The model behind the evidence, if it is as it was.
std::shared_ptr<const graph::LayerNode> model_of(const Evidence& evidence) {
  auto model = evidence.model.lock();
  if (model == nullptr) return nullptr;
  const auto& node = static_cast<const ModelNode&>(*model);
  const bool is_same = node.compilations() == evidence.compilations && node.structure() == evidence.structure &&
                       node.weights_version() == evidence.weights_version;
  return is_same ? model : nullptr;
}

// Collects findings.
class Doctor {
 public:
  Doctor(const Evidence& evidence, const Course& course) : evidence_(evidence), course_(course) {
    course_.learning_rate = evidence.learning_rate;
    course_.stopped = evidence.stopped;
  }

  Findings examine() {
    // A training that succeeded is not lost because a user's layer fails in this one prediction.
    try {
      look();
    } catch (const std::exception&) {
      look_ = {};
      judged_.clear();
    }
    causes();
    if (findings_.empty()) consequences();
    if (findings_.empty()) add(underfitting(course_));
    add(overfitting(course_));
    return std::move(findings_);
  }

 private:
  void look() {
    const auto model = model_of(evidence_);
    if (model == nullptr) return;
    const auto& node = static_cast<const ModelNode&>(*model);
    unpack(node.network().inputs());
    Tensors X;
    for (const Tensor& x : X_) X.push_back(&x);
    look_ = look_into(node, {.X = X, .rows = evidence_.samples});
    for (std::size_t i = 0; i < look_.outputs.size(); ++i) {
      const auto& [predicted, has_mask] = look_.outputs[i];
      if (has_mask) continue;
      if (auto judged = judge(node, i, y_[i], predicted)) judged_.push_back(std::move(*judged));
    }
    if (look_.outputs.size() != 1 || judged_.size() != 1 || evidence_.is_weighted || !judged_[0].has_variance) return;
    const Squares squares(judged_[0].compared);
    if (squares.truth > 0) course_.explained = squares.explained();
  }

  void unpack(std::size_t inputs) {
    const double* at = evidence_.numbers.data();
    for (const Shape& sample : evidence_.shapes) {
      Tensor tensor(at, sample.prepend(evidence_.samples));
      at += tensor.size();
      (X_.size() < inputs ? X_ : y_).push_back(std::move(tensor));
    }
  }

  void causes() {
    for (const Judged& j : judged_) {
      if (j.is_quantity) add(targets_out_of_range(j.compared, j.activation, j.layer));
    }
    const std::size_t before = findings_.size();
    for (const Look::Layer& layer : look_.layers) {
      if (layer.node->output_activation(0) != "relu") continue;
      add(dead_units(layer.node->name(), layer.units, layer.silent, evidence_.samples));
    }
    if (findings_.size() == before) add(evidence_.not_moved);
    if (findings_.empty()) add(learning_rate_too_large(course_));
  }

  void consequences() {
    for (const Judged& j : judged_) add(constant_predictions(j.compared));
    if (findings_.empty() && look_.outputs.size() == 1 && judged_.size() == 1 && judged_[0].is_quantity &&
        X_.size() == 1) {
      add(copied_input(judged_[0].compared, X_[0]));
    }
    if (findings_.empty()) add(learning_rate_too_small(course_));
  }

  void add(const Findings& findings) { findings_.insert(findings_.end(), findings.begin(), findings.end()); }

  const Evidence& evidence_;
  Course course_;
  Look look_;
  std::vector<Tensor> X_, y_;
  std::vector<Judged> judged_;
  Findings findings_;
};

}  // namespace

Diagnosis diagnose(const History& history, const Evidence* evidence) {
  if (evidence != nullptr && !evidence->fault.empty()) return Diagnosis(evidence->fault);
  Course course;
  if (history.contains("loss")) {
    course.loss = history["loss"];
    course.epochs = history.epochs("loss");
  }
  if (history.contains("val_loss")) {
    course.val_loss = history["val_loss"];
    course.val_epochs = history.epochs("val_loss");
  }
  if (Findings found = not_finite_loss(course); !found.empty()) return Diagnosis(std::move(found));
  return Diagnosis(evidence != nullptr ? Doctor(*evidence, course).examine() : overfitting(course));
}

}  // namespace training
}  // namespace rondo
