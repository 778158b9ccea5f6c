#include "training/epoch_means.hpp"

#include <algorithm>
#include <iterator>

#include <rondo/error.hpp>

#include "core/standard_floats.hpp"
#include "engine/staging.hpp"

namespace rondo::training {

EpochMeans::EpochMeans(const ModelNode& node, const Compiled& compiled) {
  const std::vector<std::string> outputs = node.output_names();
  for (std::size_t i = 0; i < compiled.heads.size(); ++i) {
    OfHead& head = heads_.emplace_back(OfHead{outputs.size() == 1 ? "" : outputs[i] + "_"});
    for (const Metric& metric : compiled.heads[i].metrics) head.metrics.push_back({metric.name()});
  }
}

// ---- names ----------------------------------------------------------------------------------------------------------

void EpochMeans::begin(const Program& program) {
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    for (std::size_t m = 0; m < heads_[i].metrics.size(); ++m) {
      OfMetric& of = heads_[i].metrics[m];
      of.metric = program.heads[i]->metric(m);
      of.state.assign(static_cast<std::size_t>(of.metric->state_size()), 0);
      of.numbers.assign(static_cast<std::size_t>(of.metric->result_shape().elements()), 0);
    }
  }
  add_entries();
}

void EpochMeans::add_entries() {
  add_entry("loss", Entry::Kind::total);
  for (std::size_t i = 0; i < heads_.size() && heads_.size() > 1; ++i) {
    add_entry(heads_[i].prefix + "loss", Entry::Kind::loss, i);
  }
  const auto metrics = static_cast<std::ptrdiff_t>(entries_.size());
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    for (std::size_t m = 0; m < heads_[i].metrics.size(); ++m) {
      const OfMetric& of = heads_[i].metrics[m];
      const std::string name = heads_[i].prefix + of.name;
      for (std::size_t n = 0; n < of.numbers.size(); ++n) {
        add_entry(of.numbers.size() == 1 ? name : name + "_" + std::to_string(n), Entry::Kind::metric, i, m, n);
      }
    }
  }
  const auto by_name = [](const Entry& a, const Entry& b) { return a.name < b.name; };
  if (heads_.size() > 1) std::sort(entries_.begin() + metrics, entries_.end(), by_name);
  alphabetical_ = entries_;
  std::sort(alphabetical_.begin(), alphabetical_.end(), by_name);
}

// Outputs of one name, and an output called "val", can make two names alike.
void EpochMeans::add_entry(const std::string& name, Entry::Kind kind, std::size_t head, std::size_t metric,
                           std::size_t number) {
  const auto taken = [&](const std::string& n) {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == n; });
  };
  std::string free = name;
  for (int i = 1; taken(free); ++i) free = name + "_" + std::to_string(i);
  entries_.push_back({free, "val_" + free, kind, head, metric, number});
}

// ---- numbers --------------------------------------------------------------------------------------------------------

void EpochMeans::reset() {
  total_ = {};
  for (OfHead& h : heads_) {
    h.loss = {};
    for (OfMetric& m : h.metrics) std::fill(m.state.begin(), m.state.end(), 0.0);
  }
}

void EpochMeans::add(const Program& program, const engine::Run& run, double loss) {
  if (entries_.empty()) begin(program);
  const auto rows = static_cast<double>(run.rows);
  total_.total += rows * loss;
  total_.count += rows;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const Head& head = *program.heads[i];
    if (heads_.size() > 1) {
      heads_[i].loss.total += rows * head.loss(run);
      heads_[i].loss.count += rows;
    }
    for (std::size_t m = 0; m < heads_[i].metrics.size(); ++m) {
      OfMetric& of = heads_[i].metrics[m];
      if (head.metric(m)->state_size() != static_cast<Index>(of.state.size())) {
        throw ShapeError("metric '" + of.name +
                         "' goes by the last axis of the predictions, which is not the same in all batches");
      }
      head.add_metric(run, m, of.state);
    }
  }
}

void EpochMeans::write(Logs& logs, bool validation) {
  const StandardFloats floats;
  take_results();
  for (const Entry& e : alphabetical_) logs.set(validation ? e.validation_name : e.name, value(e));
}

Evaluation EpochMeans::evaluation() {
  const StandardFloats floats;
  take_results();
  std::vector<std::pair<std::string, double>> values;
  for (const Entry& e : entries_) values.emplace_back(e.name, value(e));
  return Evaluation(std::move(values));
}

void EpochMeans::take_results() {
  if (entries_.empty()) return;
  for (OfHead& h : heads_) {
    for (OfMetric& m : h.metrics) m.metric->result(m.state, m.numbers);
  }
}

double EpochMeans::value(const Entry& entry) const {
  const OfHead& of = heads_[entry.head];
  switch (entry.kind) {
    case Entry::Kind::total: return engine::standard_nan(total_.mean());
    case Entry::Kind::loss: return engine::standard_nan(of.loss.mean());
    default: return engine::standard_nan(of.metrics[entry.metric].numbers[entry.number]);
  }
}

}  // namespace rondo::training
