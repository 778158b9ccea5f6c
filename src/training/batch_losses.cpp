#include "training/batch_losses.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "core/thread_buffers.hpp"

namespace rondo::training {

void BatchLoss::rows(const kernels::Ops<float>&, kernels::LossArgs<float>) const {
  throw std::logic_error(traits().name + " is not a loss of rows");
}
void BatchLoss::rows(const kernels::Ops<double>&, kernels::LossArgs<double>) const {
  throw std::logic_error(traits().name + " is not a loss of rows");
}

namespace {

std::span<double> part(std::span<double> all, Index number, Index size) {
  return all.subspan(static_cast<std::size_t>(number * size), static_cast<std::size_t>(size));
}

// ---- hinge ----------------------------------------------------------------------------------------------------------

// Labels are -1 and 1. Where all labels of a batch are 0 or 1, as in Keras, 0 is taken for -1.
class HingeLoss final : public BatchLoss {
 public:
  HingeLoss(Traits traits, LossFunction row)
      : BatchLoss(Labels::same, std::move(traits), Per::row), row_(std::move(row)) {}

  void values(const LossBatch& batch, std::span<double> values) const override {
    core::ThreadBuffers<Buffers> buffers;
    const LossBatch signs = with_signs(batch, (*buffers).signs);
    for (Index r = 0; r < batch.rows(); ++r) {
      values[static_cast<std::size_t>(r)] = row_(signs.labels_of(r), batch.row(r), {});
    }
  }

  void add_gradient(const LossBatch& batch, std::span<const double> weights,
                    std::span<double> gradient) const override {
    core::ThreadBuffers<Buffers> buffers;
    const LossBatch signs = with_signs(batch, (*buffers).signs);
    std::vector<double>& slopes = (*buffers).slopes;
    for (Index r = 0; r < batch.rows(); ++r) {
      slopes.assign(static_cast<std::size_t>(batch.features), 0);
      (void)row_(signs.labels_of(r), batch.row(r), slopes);
      const std::span<double> to = part(gradient, r, batch.features);
      for (std::size_t i = 0; i < slopes.size(); ++i) to[i] += weights[static_cast<std::size_t>(r)] * slopes[i];
    }
  }

 private:
  struct Buffers {
    std::vector<double> signs, slopes;
  };

  static LossBatch with_signs(LossBatch batch, std::vector<double>& signs) {
    if (!std::all_of(batch.truth.begin(), batch.truth.end(), [](double t) { return t == 0 || t == 1; })) return batch;
    signs.assign(batch.truth.begin(), batch.truth.end());
    for (double& t : signs) t = 2 * t - 1;
    batch.truth = signs;
    return batch;
  }

  LossFunction row_;
};

// ---- overlap --------------------------------------------------------------------------------------------------------

// 1 - n / d, where n and d are made of the sums of t p, t and p over all rows of a sample or of the batch.
class OverlapLoss : public BatchLoss {
 public:
  OverlapLoss(Traits traits, Per per) : BatchLoss(Labels::same, std::move(traits), per) {}

  void values(const LossBatch& batch, std::span<double> values) const override {
    for (std::size_t i = 0; i < values.size(); ++i) {
      const Ratio r = ratio(sums(batch, i, values.size()));
      values[i] = 1 - r.n / r.d;
    }
  }

  void add_gradient(const LossBatch& batch, std::span<const double> weights,
                    std::span<double> gradient) const override {
    const std::size_t size = batch.prediction.size() / weights.size();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const Ratio r = ratio(sums(batch, i, weights.size()));
      for (std::size_t k = i * size; k < (i + 1) * size; ++k) {
        const double dn = r.n_by_product * batch.truth[k];
        const double dd = r.d_by_product * batch.truth[k] + r.d_by_prediction;
        gradient[k] -= weights[i] * (dn * r.d - r.n * dd) / (r.d * r.d);
      }
    }
  }

 protected:
  static constexpr double kEpsilon = 1e-7;  // Keras's
  struct Sums {
    double product = 0, truth = 0, prediction = 0;
  };
  // And the derivatives by two of the sums.
  struct Ratio {
    double n, d, n_by_product, d_by_product, d_by_prediction;
  };
  virtual Ratio ratio(const Sums& sums) const = 0;

 private:
  static Sums sums(const LossBatch& batch, std::size_t number, std::size_t count) {
    const std::size_t size = batch.prediction.size() / count;
    Sums s;
    for (std::size_t k = number * size; k < (number + 1) * size; ++k) {
      s.product += batch.truth[k] * batch.prediction[k];
      s.truth += batch.truth[k];
      s.prediction += batch.prediction[k];
    }
    return s;
  }
};

class DiceLoss final : public OverlapLoss {
 public:
  using OverlapLoss::OverlapLoss;

 protected:
  Ratio ratio(const Sums& s) const override { return {2 * s.product, s.truth + s.prediction + kEpsilon, 2, 0, 1}; }
};

// The label's part that was not predicted counts alpha, the prediction's beyond the label beta, as Keras computes it.
class TverskyLoss final : public OverlapLoss {
 public:
  TverskyLoss(Traits traits, Per per, double alpha, double beta)
      : OverlapLoss(std::move(traits), per), alpha_(alpha), beta_(beta) {}

 protected:
  Ratio ratio(const Sums& s) const override {
    const double rest = 1 - alpha_ - beta_;
    return {s.product, rest * s.product + alpha_ * s.truth + beta_ * s.prediction + kEpsilon, 1, rest, beta_};
  }

 private:
  double alpha_, beta_;
};

// ---- circle ---------------------------------------------------------------------------------------------------------

// softplus(log-sum-exp over rows of the same class + log-sum-exp over the others), of weighted distances.
class CircleLoss final : public BatchLoss {
 public:
  CircleLoss(Traits traits, const CircleRule& rule)
      : BatchLoss(Labels::one, std::move(traits), Per::row), rule_(rule) {}
  bool leaves_zeros_out() const override { return true; }

  void values(const LossBatch& batch, std::span<double> values) const override {
    for (Index r = 0; r < batch.rows(); ++r) {
      const Sums s = sums(batch, r);
      values[static_cast<std::size_t>(r)] = softplus(s.same.log() + s.other.log());
    }
  }

  void add_gradient(const LossBatch& batch, std::span<const double> weights,
                    std::span<double> gradient) const override {
    for (Index r = 0; r < batch.rows(); ++r) {
      const Sums s = sums(batch, r);
      if (s.same.sum == 0 || s.other.sum == 0) continue;  // a value of 0, whatever the predictions
      const double slope = weights[static_cast<std::size_t>(r)] / (1 + std::exp(-(s.same.log() + s.other.log())));
      for (Index k = 0; k < batch.rows(); ++k) add_pair(batch, r, k, slope, s, gradient);
    }
  }

 private:
  // A sum of exponentials, relative to the largest.
  struct LogSum {
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    void add(double x) {
      if (x > largest) sum *= std::exp(largest - x);
      largest = std::max(largest, x);
      sum += std::exp(x - largest);
    }
    double log() const { return sum == 0 ? -std::numeric_limits<double>::infinity() : largest + std::log(sum); }
    double share(double x) const { return std::exp(x - largest) / sum; }
  };
  struct Sums {
    LogSum same, other;
  };
  // What a pair of rows adds, with its derivative by their distance.
  struct Term {
    double value, slope;
  };

  static double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
  static double product(Row a, Row b) { return std::inner_product(a.begin(), a.end(), b.begin(), 0.0); }
  static double distance(const LossBatch& batch, Index a, Index b) {
    return std::max(1 - product(batch.row(a), batch.row(b)), 0.0);
  }
  static bool same_class(const LossBatch& batch, Index a, Index b) {
    return static_cast<long long>(batch.truth[static_cast<std::size_t>(a)]) ==
           static_cast<long long>(batch.truth[static_cast<std::size_t>(b)]);
  }
  bool counts(Index a, Index b) const { return !(rule_.remove_diagonal && a == b); }

  // -gamma (margin + d)(margin - d) of the same class, gamma (1 + margin - d)(1 - margin - d) of others; the weight in
  // front is at least 0.
  Term term(bool same, double d) const {
    const double m = rule_.margin, g = rule_.gamma;
    if (same) return {-g * (m + d) * (m - d), 2 * g * d};
    if (1 + m - d <= 0) return {0, 0};
    return {g * (1 + m - d) * (1 - m - d), -g * (2 - 2 * d)};
  }

  Sums sums(const LossBatch& batch, Index r) const {
    Sums s;
    for (Index k = 0; k < batch.rows(); ++k) {
      if (!counts(r, k)) continue;
      const bool same = same_class(batch, r, k);
      (same ? s.same : s.other).add(term(same, distance(batch, r, k)).value);
    }
    return s;
  }

  void add_pair(const LossBatch& batch, Index r, Index k, double slope, const Sums& s,
                std::span<double> gradient) const {
    const double d = distance(batch, r, k);
    if (!counts(r, k) || d <= 0) return;
    const bool same = same_class(batch, r, k);
    const Term t = term(same, d);
    const double by_product = -slope * (same ? s.same : s.other).share(t.value) * t.slope;
    const std::span<double> to_r = part(gradient, r, batch.features), to_k = part(gradient, k, batch.features);
    const Row row_r = batch.row(r), row_k = batch.row(k);
    for (std::size_t i = 0; i < to_r.size(); ++i) {
      to_r[i] += by_product * row_k[i];
      to_k[i] += by_product * row_r[i];
    }
  }

  CircleRule rule_;
};

}  // namespace

std::shared_ptr<const BoundLoss> hinge_loss(BoundLoss::Traits traits, LossFunction row) {
  return std::make_shared<HingeLoss>(std::move(traits), std::move(row));
}
std::shared_ptr<const BoundLoss> dice_loss(BoundLoss::Traits traits, Per per) {
  return std::make_shared<DiceLoss>(std::move(traits), per);
}
std::shared_ptr<const BoundLoss> tversky_loss(BoundLoss::Traits traits, Per per, double alpha, double beta) {
  return std::make_shared<TverskyLoss>(std::move(traits), per, alpha, beta);
}
std::shared_ptr<const BoundLoss> circle_loss(BoundLoss::Traits traits, const CircleRule& rule) {
  return std::make_shared<CircleLoss>(std::move(traits), rule);
}

}  // namespace rondo::training
