// Connectionist temporal classification: minus the logarithm of the probability of all ways to read a sequence of
// labels from the steps, with blanks (class 0) in between (Graves et al. 2006).
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/thread_buffers.hpp"
#include "training/batch_losses.hpp"

namespace rondo::training {

namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == kNever ? a : a + std::log1p(std::exp(b - a));
}

// The work on a sample. Places: a blank, the first label, a blank, the second, ..., a blank. Ways go on to the same
// place, to the next, or over a blank between two labels that differ.
struct CtcSample {
  std::vector<Index> classes;         // of the places
  std::vector<double> log_p;          // [step][class]
  std::vector<double> ahead, behind;  // [step][place]: of all ways up to there, of all from there on

  Index places() const { return static_cast<Index>(classes.size()); }
  double p(Index step, Index place, Index features) const {
    return log_p[static_cast<std::size_t>(step * features + classes[static_cast<std::size_t>(place)])];
  }
  bool may_skip_to(Index place) const {
    return place >= 2 && classes[static_cast<std::size_t>(place)] != classes[static_cast<std::size_t>(place - 2)];
  }

  // Labels end with as many as are not 0.
  void read(const LossBatch& batch, Index sample) {
    const Row labels = batch.labels_of(sample);
    const auto count =
        static_cast<std::size_t>(std::count_if(labels.begin(), labels.end(), [](double label) { return label != 0; }));
    classes.assign(2 * count + 1, 0);
    for (std::size_t i = 0; i < count; ++i) classes[2 * i + 1] = static_cast<Index>(labels[i]);
    log_p.resize(static_cast<std::size_t>(batch.steps * batch.features));
    for (Index t = 0; t < batch.steps; ++t) {
      const Row row = batch.row(sample * batch.steps + t);
      const double largest = *std::max_element(row.begin(), row.end());
      double sum = 0;
      for (const double z : row) sum += std::exp(z - largest);
      const double log_sum = largest + std::log(sum);
      for (std::size_t k = 0; k < row.size(); ++k) {
        log_p[static_cast<std::size_t>(t * batch.features) + k] = row[k] - log_sum;
      }
    }
  }

  double& at(std::vector<double>& all, Index step, Index place) const {
    return all[static_cast<std::size_t>(step * places() + place)];
  }

  // The logarithm of the whole probability.
  double walk_ahead(Index steps, Index features) {
    ahead.assign(static_cast<std::size_t>(steps * places()), kNever);
    for (Index s = 0; s < std::min<Index>(2, places()); ++s) at(ahead, 0, s) = p(0, s, features);
    for (Index t = 1; t < steps; ++t) {
      for (Index s = 0; s < places(); ++s) {
        double ways = at(ahead, t - 1, s);
        if (s > 0) ways = log_add(ways, at(ahead, t - 1, s - 1));
        if (may_skip_to(s)) ways = log_add(ways, at(ahead, t - 1, s - 2));
        at(ahead, t, s) = ways + p(t, s, features);
      }
    }
    const double last = at(ahead, steps - 1, places() - 1);
    return places() == 1 ? last : log_add(last, at(ahead, steps - 1, places() - 2));
  }

  // Without the step's own probability.
  void walk_back(Index steps, Index features) {
    behind.assign(static_cast<std::size_t>(steps * places()), kNever);
    for (Index s = std::max<Index>(0, places() - 2); s < places(); ++s) at(behind, steps - 1, s) = 0;
    for (Index t = steps - 2; t >= 0; --t) {
      for (Index s = 0; s < places(); ++s) {
        const auto onto = [&](Index to) { return at(behind, t + 1, to) + p(t + 1, to, features); };
        double ways = onto(s);
        if (s + 1 < places()) ways = log_add(ways, onto(s + 1));
        if (s + 2 < places() && may_skip_to(s + 2)) ways = log_add(ways, onto(s + 2));
        at(behind, t, s) = ways;
      }
    }
  }
};

class CtcLoss final : public BatchLoss {
 public:
  explicit CtcLoss(Traits traits) : BatchLoss(Labels::sequence, std::move(traits), Per::sample) {}

  void values(const LossBatch& batch, std::span<double> values) const override {
    core::ThreadBuffers<CtcSample> work;
    for (Index b = 0; b < batch.samples; ++b) {
      (*work).read(batch, b);
      values[static_cast<std::size_t>(b)] = -(*work).walk_ahead(batch.steps, batch.features);
    }
  }

  // By the logit of class k at a step: the probability of k there less that of all ways through k.
  void add_gradient(const LossBatch& batch, std::span<const double> weights,
                    std::span<double> gradient) const override {
    core::ThreadBuffers<CtcSample> work;
    CtcSample& w = *work;
    for (Index b = 0; b < batch.samples; ++b) {
      w.read(batch, b);
      const double all = w.walk_ahead(batch.steps, batch.features), weight = weights[static_cast<std::size_t>(b)];
      w.walk_back(batch.steps, batch.features);
      double* to = gradient.data() + b * batch.steps * batch.features;
      for (Index t = 0; t < batch.steps; ++t, to += batch.features) {
        for (Index k = 0; k < batch.features; ++k) {
          to[k] += weight * std::exp(w.log_p[static_cast<std::size_t>(t * batch.features + k)]);
        }
        for (Index s = 0; s < w.places(); ++s) {
          const double ways = w.at(w.ahead, t, s) + w.at(w.behind, t, s) - all;
          to[w.classes[static_cast<std::size_t>(s)]] -= weight * std::exp(ways);
        }
      }
    }
  }
};

}  // namespace

std::shared_ptr<const BoundLoss> ctc_loss(BoundLoss::Traits traits) {
  return std::make_shared<CtcLoss>(std::move(traits));
}

}  // namespace rondo::training
