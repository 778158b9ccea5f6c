#include "training/epoch_means.hpp"

#include <algorithm>
#include <iterator>

#include "core/standard_floats.hpp"
#include "engine/staging.hpp"

namespace rondo::training {

EpochMeans::EpochMeans(const ModelNode& node, const Compiled& compiled) {
  const std::vector<std::string> outputs = node.output_names();
  const auto prefix = [&](std::size_t i) { return outputs.size() == 1 ? "" : outputs[i] + "_"; };
  for (const HeadOptions& head : compiled.heads) heads_.push_back({{}, std::vector<MetricMean>(head.metrics.size())});
  add_entry("loss", Entry::Kind::total);
  for (std::size_t i = 0; i < heads_.size() && heads_.size() > 1; ++i) {
    add_entry(prefix(i) + "loss", Entry::Kind::loss, i);
  }
  const auto metrics = static_cast<std::ptrdiff_t>(entries_.size());
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    for (std::size_t m = 0; m < heads_[i].metrics.size(); ++m) {
      add_entry(prefix(i) + compiled.heads[i].metrics[m].name(), Entry::Kind::metric, i, m);
    }
  }
  const auto by_name = [](const Entry& a, const Entry& b) { return a.name < b.name; };
  if (heads_.size() > 1) std::sort(entries_.begin() + metrics, entries_.end(), by_name);
  alphabetical_ = entries_;
  std::sort(alphabetical_.begin(), alphabetical_.end(), by_name);
}

// Outputs of one name, and an output called "val", can make two names alike.
void EpochMeans::add_entry(const std::string& name, Entry::Kind kind, std::size_t head, std::size_t metric) {
  const auto taken = [&](const std::string& n) {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.name == n; });
  };
  std::string free = name;
  for (int i = 1; taken(free); ++i) free = name + "_" + std::to_string(i);
  entries_.push_back({free, "val_" + free, kind, head, metric});
}

void EpochMeans::reset() {
  total_ = {};
  for (OfHead& h : heads_) {
    h.loss = {};
    std::fill(h.metrics.begin(), h.metrics.end(), MetricMean{});
  }
}

void EpochMeans::add(const Program& program, const engine::Run& run, double loss) {
  const auto rows = static_cast<double>(run.rows);
  total_.total += rows * loss;
  total_.count += rows;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    if (heads_.size() > 1) {
      heads_[i].loss.total += rows * program.heads[i]->loss(run);
      heads_[i].loss.count += rows;
    }
    program.heads[i]->add_metrics(run, heads_[i].metrics);
  }
}

void EpochMeans::write(Logs& logs, bool validation) const {
  const StandardFloats floats;
  for (const Entry& e : alphabetical_) logs.set(validation ? e.validation_name : e.name, value(e));
}

Evaluation EpochMeans::evaluation() const {
  const StandardFloats floats;
  std::vector<std::pair<std::string, double>> values;
  for (const Entry& e : entries_) values.emplace_back(e.name, value(e));
  return Evaluation(std::move(values));
}

double EpochMeans::value(const Entry& entry) const {
  const OfHead& of = heads_[entry.head];
  switch (entry.kind) {
    case Entry::Kind::total: return engine::standard_nan(total_.mean());
    case Entry::Kind::loss: return engine::standard_nan(of.loss.mean());
    default: return engine::standard_nan(of.metrics[entry.metric].value());
  }
}

}  // namespace rondo::training
