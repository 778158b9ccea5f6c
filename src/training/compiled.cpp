#include "training/compiled.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/names.hpp"

namespace rondo::training {

namespace {

class KnownOutputs {
 public:
  KnownOutputs(const std::string& where, const std::vector<std::string>& names) : where_(where), names_(names) {}

  std::size_t size() const { return names_.size(); }

  std::size_t number(const std::string& name, const char* option) const {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end()) {
      throw ConfigError(where_ + " has no output '" + name + "', for which ." + option + " was given." +
                        did_you_mean(name, names_) + " It has " + quoted_list(names_));
    }
    if (std::count(names_.begin(), names_.end(), name) > 1) {
      throw ConfigError(where_ + " has several outputs of the name '" + name + "', so ." + option +
                        " must be given in their order, not by name");
    }
    return static_cast<std::size_t>(found - names_.begin());
  }

  void require_count(std::size_t given, const char* option, const char* hint) const {
    if (given == size()) return;
    throw ConfigError(where_ + " has " + std::to_string(size()) + (size() == 1 ? " output" : " outputs") + ", but ." +
                      option + " was given for " + std::to_string(given) + hint);
  }

  const std::string& where() const { return where_; }
  const std::string& name(std::size_t i) const { return names_[i]; }

 private:
  const std::string& where_;
  const std::vector<std::string>& names_;
};

void require_each_once(const KnownOutputs& outputs, const std::vector<std::string>& names, const char* option) {
  for (const std::string& name : names) {
    if (std::count(names.begin(), names.end(), name) == 1) continue;
    throw ConfigError(outputs.where() + ": ." + option + " was given twice for the output '" + name + "'");
  }
}

void require_one_number(const KnownOutputs& outputs, const Loss& loss) {
  if (loss.impl().reduction() != Reduction::none) return;
  throw ConfigError(outputs.where() + ": the loss '" + loss.name() +
                    "' has the reduction 'none', but training needs one number of a batch: 'sum_over_batch_size', "
                    "'sum' or 'mean_with_sample_weight'");
}

void set_losses(const KnownOutputs& outputs, const Losses& losses, std::vector<HeadOptions>& heads) {
  for (const Loss& loss : losses.losses()) require_one_number(outputs, loss);
  if (!losses.names().empty()) {
    for (HeadOptions& head : heads) head.loss.reset();
    require_each_once(outputs, losses.names(), "loss");
    for (std::size_t i = 0; i < losses.losses().size(); ++i) {
      heads[outputs.number(losses.names()[i], "loss")].loss = losses.losses()[i];
    }
    for (std::size_t i = 0; i < heads.size(); ++i) {
      if (heads[i].loss) continue;
      throw ConfigError(outputs.where() + ": .loss names no loss for the output '" + outputs.name(i) +
                        "'; give one for each, or make a model of the outputs that learn, with the same layers");
    }
    return;
  }
  const bool one_for_all = losses.losses().size() == 1;
  if (!one_for_all) outputs.require_count(losses.losses().size(), "loss", ": give one for all, or one each");
  for (std::size_t i = 0; i < heads.size(); ++i) heads[i].loss = losses.losses()[one_for_all ? 0 : i];
}

void set_loss_weights(const KnownOutputs& outputs, const LossWeights& weights, std::vector<HeadOptions>& heads) {
  require_each_once(outputs, weights.names(), "loss_weights");
  if (weights.names().empty()) outputs.require_count(weights.weights().size(), "loss_weights", ": give one each");
  for (std::size_t i = 0; i < weights.weights().size(); ++i) {
    const double weight = weights.weights()[i];
    if (!std::isfinite(weight)) {
      throw ConfigError(outputs.where() + ": .loss_weights has " + number_text(weight) + "; it must be finite");
    }
    heads[weights.names().empty() ? i : outputs.number(weights.names()[i], "loss_weights")].loss_weight = weight;
  }
}

// Metrics by outputs.
std::vector<std::vector<Metric>> sorted(const KnownOutputs& outputs, const Metrics& metrics, const char* option) {
  std::vector<std::vector<Metric>> result(outputs.size());
  if (!metrics.outputs().empty()) {
    const bool in_order = metrics.outputs().front().first.empty();
    if (in_order) outputs.require_count(metrics.outputs().size(), option, ": give some for each");
    auto next = metrics.begin();
    std::size_t number = 0;
    for (const auto& [name, count] : metrics.outputs()) {
      auto& of_output = result[in_order ? number++ : outputs.number(name, option)];
      for (std::size_t i = 0; i < count; ++i) of_output.push_back(*next++);
    }
  } else if (outputs.size() == 1) {
    result[0] = metrics;
  } else if (!metrics.empty()) {
    outputs.require_count(metrics.size(), option, ": give one each, or any number by the outputs' names");
    for (std::size_t i = 0; i < result.size(); ++i) result[i].push_back(metrics[i]);
  }
  return result;
}

// Of labels and predictions.
void require_comparing(const KnownOutputs& outputs, const std::vector<Metric>& metrics) {
  for (const Metric& metric : metrics) {
    if (!metric.impl().of_values()) continue;
    throw ConfigError(outputs.where() + ": the metric '" + metric.name() +
                      "' is of values, not of labels and predictions; show them to a MetricState of it");
  }
}

// Names that occur once: "mae", "mae_1", for one that heeds weights "weighted_mae".
void name_metrics(HeadOptions& head) {
  std::set<std::string> names{"loss"};
  for (std::size_t i = 0; i < head.metrics.size(); ++i) {
    const std::string given = head.metrics[i].name();
    const bool repeats_unweighted = i >= head.unweighted_metrics && names.contains(given) && given != "loss";
    const std::string begin = repeats_unweighted ? "weighted_" + given : given;
    std::string name = begin;
    for (int n = 1; !names.insert(name).second; ++n) name = begin + "_" + std::to_string(n);
    head.metrics[i] = head.metrics[i].renamed(name);
  }
}

}  // namespace

std::vector<HeadOptions> head_options(const std::string& where, const std::vector<std::string>& outputs,
                                      const CompileOptions& options, const std::vector<HeadOptions>* before) {
  const KnownOutputs known(where, outputs);
  std::vector<HeadOptions> heads(outputs.size());
  const bool has_before = before != nullptr && before->size() == heads.size();
  const bool keeps_metrics = has_before && options.metrics.empty() && options.weighted_metrics.empty();
  if (has_before && !options.loss) {
    for (std::size_t i = 0; i < heads.size(); ++i) {
      heads[i].loss = (*before)[i].loss;
      heads[i].loss_weight = (*before)[i].loss_weight;
    }
  }
  if (options.loss) set_losses(known, options.loss, heads);
  if (!options.loss_weights.weights().empty()) set_loss_weights(known, options.loss_weights, heads);
  const auto metrics = sorted(known, options.metrics, "metrics");
  const auto weighted = sorted(known, options.weighted_metrics, "weighted_metrics");
  for (std::size_t i = 0; i < heads.size(); ++i) {
    heads[i].divides_by_weighted_rows = detail::keras_defaults().divides_by_weighted_rows;
    if (keeps_metrics) {
      heads[i].metrics = (*before)[i].metrics;
      heads[i].unweighted_metrics = (*before)[i].unweighted_metrics;
      continue;
    }
    require_comparing(known, metrics[i]);
    require_comparing(known, weighted[i]);
    heads[i].metrics = metrics[i];
    heads[i].unweighted_metrics = metrics[i].size();
    heads[i].metrics.insert(heads[i].metrics.end(), weighted[i].begin(), weighted[i].end());
    name_metrics(heads[i]);
  }
  return heads;
}

}  // namespace rondo::training
