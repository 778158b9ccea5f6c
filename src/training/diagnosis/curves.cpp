#include "training/diagnosis/curves.hpp"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace rondo::training {

namespace {

using Curve = std::span<const double>;

// Fewer epochs show no course.
constexpr std::size_t kFewestEpochs = 10;

double median(Curve values) {
  std::vector<double> sorted(values.begin(), values.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

// Medians, which a single bad epoch does not move.
double at_first(Curve curve, std::size_t parts) { return median(curve.first(curve.size() / parts)); }
double at_last(Curve curve, std::size_t parts) { return median(curve.last(curve.size() / parts)); }

// By which part of the first value the curve falls.
double fall(Curve curve) { return 1 - curve.back() / curve.front(); }

// A course that can be read: long enough, of losses above 0, as all are that are distances.
bool is_readable(Curve curve) {
  return curve.size() >= kFewestEpochs &&
         std::all_of(curve.begin(), curve.end(), [](double v) { return std::isfinite(v) && v > 0; });
}

std::size_t count_steps(Curve curve, double at_least) {
  std::size_t count = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) count += curve[i] >= curve[i - 1] * at_least ? 1 : 0;
  return count;
}

Index count_of(Curve curve) { return static_cast<Index>(curve.size()); }

// Over the last half, by less than a twentieth.
bool has_stopped(Curve curve) { return at_last(curve, 5) > 0.95 * at_first(curve.last(curve.size() / 2), 2); }

bool explains(const Course& course, double part) { return course.explained && *course.explained > part; }
bool explains_less(const Course& course, double part) { return course.explained && *course.explained < part; }

Findings first_not_finite(Curve curve, const std::vector<Index>& epochs, std::string_view name,
                          std::string_view advice) {
  const auto found = std::find_if_not(curve.begin(), curve.end(), [](double v) { return std::isfinite(v); });
  if (found == curve.end()) return {};
  const Index epoch = epochs[static_cast<std::size_t>(found - curve.begin())];
  const char* what = std::isnan(*found) ? " is NaN" : " is infinite";
  return finding(FindingKind::not_finite, Sentence() << name << what << " from epoch " << epoch + 1 << " on", advice,
                 {}, epoch);
}

Findings too_large(const Sentence& text, const Course& course) {
  return finding(FindingKind::learning_rate_too_large,
                 Sentence() << text.text() << ", with a learning rate of " << course.learning_rate,
                 Sentence() << "try a smaller learning rate, " << course.learning_rate / 10);
}

}  // namespace

Findings not_finite_loss(const Course& course) {
  Findings found =
      first_not_finite(course.loss, course.epochs, "loss", "try a smaller learning rate, or scale the data");
  if (!found.empty()) return found;
  return first_not_finite(course.val_loss, course.val_epochs, "val_loss",
                          "look for NaN and huge numbers in the validation data");
}

Findings learning_rate_too_large(const Course& course) {
  if (!is_readable(course.loss) || explains(course, 0.9)) return {};
  const double end = at_last(course.loss, 4);
  if (end > 1.5 * course.loss.front()) {
    return too_large(Sentence() << "the loss rose, from " << course.loss.front() << " in the first epoch to " << end
                                << " in the last",
                     course);
  }
  if (explains_less(course, -0.1) && has_stopped(course.loss) && 5 * count_steps(course.loss, 1) > course.loss.size()) {
    return too_large(
        Sentence() << "the loss has stopped at " << end << ", where the mean of y would be the better prediction",
        course);
  }
  const std::size_t jumps = count_steps(course.loss, 1.2);
  if (10 * jumps < 3 * (course.loss.size() - 1) || end < 0.8 * at_first(course.loss, 3)) return {};
  return too_large(Sentence() << "the loss jumps: it rose by a fifth or more in " << static_cast<Index>(jumps) << " of "
                              << count_of(course.loss) << " epochs and ended no lower than it began",
                   course);
}

Findings learning_rate_too_small(const Course& course) {
  if (!is_readable(course.loss) || !explains_less(course, 0.5)) return {};
  const std::size_t steps = course.loss.size() - 1, half = course.loss.size() / 2;
  const double before = fall(course.loss.first(half + 1)), after = fall(course.loss.subspan(half));
  if (10 * count_steps(course.loss, 1) > steps || after < 0.6 * before || fall(course.loss) > 0.1) return {};
  return finding(FindingKind::learning_rate_too_small,
                 Sentence() << "the loss falls evenly, but by no more than " << 100 * fall(course.loss) << " % in "
                            << count_of(course.loss) << " epochs, with a learning rate of " << course.learning_rate,
                 Sentence() << "try a larger learning rate, " << 10 * course.learning_rate);
}

Findings underfitting(const Course& course) {
  if (!is_readable(course.loss) || !explains_less(course, 0.5)) return {};
  const double explained = 100 * std::max(0.0, *course.explained);
  const double falls = fall(course.loss.last(course.loss.size() / 5 + 1));
  if (falls > 0.1) {
    return finding(FindingKind::underfitting,
                   Sentence() << "the loss still falls, by " << 100 * falls
                              << " % in the last fifth of the epochs, and the predictions explain " << explained
                              << " % of y's variance",
                   "try more epochs");
  }
  if (!explains_less(course, 0.1) || !has_stopped(course.loss)) return {};
  if (is_readable(course.val_loss) && !has_stopped(course.val_loss)) return {};
  return finding(FindingKind::underfitting,
                 Sentence() << "the loss has stopped falling at " << at_last(course.loss, 5)
                            << ", where the predictions explain " << explained << " % of y's variance",
                 "try a model with more units, or inputs that say more of y");
}

Findings overfitting(const Course& course) {
  if (course.stopped || !is_readable(course.loss) || !is_readable(course.val_loss)) return {};
  const std::size_t validations = course.val_loss.size();
  const auto lowest = std::min_element(course.val_loss.begin(), course.val_loss.end());
  const auto at = static_cast<std::size_t>(lowest - course.val_loss.begin());
  // The mean of three, since one low value may be chance.
  double low = *lowest;
  if (at > 0 && at + 1 < validations) low = (lowest[-1] + lowest[0] + lowest[1]) / 3;
  const double end = at_last(course.val_loss, 5), rise = end - low;
  const Index epoch = course.val_epochs[at];
  const double then =
      course.loss[static_cast<std::size_t>(std::ranges::lower_bound(course.epochs, epoch) - course.epochs.begin())];
  const double now = at_last(course.loss, 5);
  if (5 * at > 4 * validations || end < 1.25 * low || rise < 0.05 * course.val_loss.front() || now > 0.9 * then)
    return {};
  return finding(FindingKind::overfitting,
                 Sentence() << "val_loss was lowest in epoch " << epoch + 1 << ", " << *lowest << ", and ended at "
                            << end << ", while loss fell on from " << then << " to " << now,
                 "try EarlyStopping({.restore_best_weights = true}), Dropout or fewer units", {}, epoch);
}

}  // namespace rondo::training
