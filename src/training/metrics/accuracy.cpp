#include "core/names.hpp"
#include "core/options.hpp"
#include "training/metrics/class_numbers.hpp"
#include "training/metrics/families.hpp"

namespace rondo {

namespace metrics {

template <class Visitor>
void fields(Visitor& v, BinaryAccuracyOptions& o) {
  v("name", o.name);
  v("threshold", o.threshold);
}

template <class Visitor>
void fields(Visitor& v, TopKCategoricalAccuracyOptions& o) {
  v("name", o.name);
  v("k", o.k);
}

template <class Visitor>
void fields(Visitor& v, SparseTopKCategoricalAccuracyOptions& o) {
  v("name", o.name);
  v("k", o.k);
  v("from_sorted_ids", o.from_sorted_ids);
}

}  // namespace metrics

namespace training {

namespace {

// rule(truth, prediction, features) of each row, written once for both dtypes.
template <class Rule>
class AccuracyRows final : public RowFunction {
 public:
  AccuracyRows(Labels labels, Rule rule) : RowFunction(labels), rule_(std::move(rule)) {}
  void rows(const kernels::Ops<float>&, kernels::LossArgs<float> args) const override { run(args); }
  void rows(const kernels::Ops<double>&, kernels::LossArgs<double> args) const override { run(args); }

 private:
  template <class T>
  void run(const kernels::LossArgs<T>& a) const {
    for (Index r = 0; r < a.rows; ++r) {
      a.value[r] = rule_(a.truth + r * a.truth_stride, a.prediction + r * a.prediction_stride, a.features);
    }
  }

  Rule rule_;
};

// hit(label, prediction), as a share of the row.
template <class T, class Hit>
T share_of_hits(const T* truth, const T* prediction, Index n, const Hit& hit) {
  Index hits = 0;
  for (Index i = 0; i < n; ++i) hits += hit(truth[i], prediction[i]) ? 1 : 0;
  return static_cast<T>(hits) / static_cast<T>(n);
}

// Whether this prediction is a number and fewer than k are larger; NaN counts as larger.
template <class T>
bool is_in_top(const T* prediction, Index n, std::optional<Index> place, Index k) {
  if (!place || std::isnan(prediction[*place])) return false;
  Index ahead = 0;
  for (Index i = 0; i < n; ++i) ahead += prediction[i] <= prediction[*place] ? 0 : 1;
  return ahead < k;
}

// The mean of a rule of rows.
template <class Options, class Rule>
Metric accuracy(const char* class_name, const char* standard, const Options& o, Labels labels, Rule rule) {
  return named(o.name, standard,
               rows_metric(class_name, std::make_shared<AccuracyRows<Rule>>(labels, std::move(rule)),
                           core::config_of(o), Direction::up));
}

Index checked_k(const char* class_name, Index k) {
  if (k >= 1) return k;
  throw ConfigError(std::string(class_name) + ": k is " + std::to_string(k) + "; it must be 1 or more");
}

}  // namespace

Family accuracies() {
  using namespace metrics;
  return {known<BinaryAccuracy, BinaryAccuracyOptions>({"binary_accuracy"}),
          known<CategoricalAccuracy>({"categorical_accuracy"}),
          known<SparseCategoricalAccuracy>({"sparse_categorical_accuracy"}),
          known<TopKCategoricalAccuracy, TopKCategoricalAccuracyOptions>({"top_k_categorical_accuracy"}),
          known<SparseTopKCategoricalAccuracy, SparseTopKCategoricalAccuracyOptions>(
              {"sparse_top_k_categorical_accuracy"})};
}

Metric rounded_accuracy() {
  return accuracy("BinaryAccuracy", "binary_accuracy", metrics::NameOptions{}, Labels::same,
                  []<class T>(const T* t, const T* p, Index n) {
                    return share_of_hits(t, p, n,
                                         [](T label, T prediction) { return std::nearbyint(prediction) == label; });
                  });
}

}  // namespace training

namespace metrics {

using training::accuracy;
using training::Labels;

Accuracy::Accuracy(const NameOptions& o)
    : Metric(accuracy("Accuracy", "accuracy", o, Labels::same, []<class T>(const T* t, const T* p, Index n) {
        return training::share_of_hits(t, p, n, [](T label, T prediction) { return label == prediction; });
      })) {}

BinaryAccuracy::BinaryAccuracy(const BinaryAccuracyOptions& o)
    : Metric(accuracy("BinaryAccuracy", "binary_accuracy", o, Labels::same,
                      [threshold = checked_option("BinaryAccuracy", "threshold", o.threshold,
                                                  Allowed::finite)]<class T>(const T* t, const T* p, Index n) {
                        const T above = static_cast<T>(threshold);
                        return training::share_of_hits(t, p, n, [above](T label, T prediction) {
                          return (prediction > above ? T{1} : T{0}) == label;
                        });
                      })) {}

CategoricalAccuracy::CategoricalAccuracy(const NameOptions& o)
    : Metric(accuracy("CategoricalAccuracy", "categorical_accuracy", o, Labels::same,
                      []<class T>(const T* t, const T* p, Index n) {
                        return training::largest(t, n) == training::largest(p, n) ? T{1} : T{0};
                      })) {}

SparseCategoricalAccuracy::SparseCategoricalAccuracy(const NameOptions& o)
    : Metric(accuracy("SparseCategoricalAccuracy", "sparse_categorical_accuracy", o, Labels::sparse,
                      []<class T>(const T* t, const T* p, Index n) {
                        return t[0] == static_cast<T>(training::largest(p, n)) ? T{1} : T{0};
                      })) {}

TopKCategoricalAccuracy::TopKCategoricalAccuracy(const TopKCategoricalAccuracyOptions& o)
    : Metric(
          accuracy("TopKCategoricalAccuracy", "top_k_categorical_accuracy", o, Labels::same,
                   [k = training::checked_k("TopKCategoricalAccuracy", o.k)]<class T>(const T* t, const T* p, Index n) {
                     return training::is_in_top(p, n, training::largest(t, n), k) ? T{1} : T{0};
                   })) {}

SparseTopKCategoricalAccuracy::SparseTopKCategoricalAccuracy(const SparseTopKCategoricalAccuracyOptions& o)
    : Metric(accuracy("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy", o, Labels::sparse,
                      [k = training::checked_k("SparseTopKCategoricalAccuracy", o.k),
                       sorted = o.from_sorted_ids]<class T>(const T* t, const T* p, Index n) {
                        if (sorted) return std::find(p, p + std::min(k, n), t[0]) != p + std::min(k, n) ? T{1} : T{0};
                        return training::is_in_top(p, n, training::class_number(t[0], n), k) ? T{1} : T{0};
                      })) {}

}  // namespace metrics
}  // namespace rondo
