// Diagnosis: what a training says of itself when it is over.
//
//   History history = model.fit(X, y, {.epochs = 100, .verbose = 0});
//   std::cout << history.diagnosis();
//
//   note: the predictions hardly differ: their standard deviation over 200 samples is 0.0012, that of y 0.31; try to
//   scale X and y (MinMaxScaler, StandardScaler)
//
// With verbose 1 or more, fit prints the same lines after the last epoch. There is nothing to say of most trainings:
// evidence that is weak says nothing. docs/diagnosis.md: what is looked for, from when on, what to try.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <rondo/shape.hpp>

namespace rondo {

enum class FindingKind {
  not_finite,               // a loss is infinite or NaN (of fit's own: where a callback as TerminateOnNaN ends it)
  weights_not_moved,        // a layer that may learn has the weights it began with
  targets_out_of_range,     // y where the output's activation does not reach
  dead_units,               // rectified units that are 0 whatever comes in
  learning_rate_too_large,  // the loss rises, or jumps
  learning_rate_too_small,  // the loss falls evenly, and hardly
  constant_predictions,     // the same whatever comes in
  copied_input,             // the last time step again
  underfitting,             // little of y is explained, and the loss has stopped, or has not stopped falling
  overfitting,              // val_loss rises while loss falls
};

// "dead_units".
std::string_view to_string(FindingKind kind);

struct Finding {
  FindingKind kind;
  std::string text;        // a sentence with what was measured
  std::string advice;      // one thing to try: "try to scale X and y"
  std::string layer = {};  // whose name the finding has, if it is one layer's
  Index epoch = -1;        // where it shows, counted from 0, if that is one epoch
};

// Findings, causes before consequences. A value.
class Diagnosis {
 public:
  Diagnosis() = default;
  explicit Diagnosis(std::vector<Finding> findings) : findings_(std::move(findings)) {}

  bool empty() const { return findings_.empty(); }
  std::size_t size() const { return findings_.size(); }
  const Finding& operator[](std::size_t i) const { return findings_[i]; }
  bool contains(FindingKind kind) const;
  auto begin() const { return findings_.begin(); }
  auto end() const { return findings_.end(); }

  // A line "note: text; advice" for each finding; empty where there is none.
  std::string to_string() const;

 private:
  std::vector<Finding> findings_;
};

std::ostream& operator<<(std::ostream& out, const Diagnosis& diagnosis);

}  // namespace rondo
