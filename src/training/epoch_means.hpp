// Loss and metrics of an epoch so far, as Keras averages and names them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <rondo/history.hpp>

#include "training/model_node.hpp"
#include "training/program.hpp"

namespace rondo::training {

// Losses are averaged by samples, metrics by rows. Of several outputs, "loss" is the weighted sum of their losses; the
// other names begin with those of the outputs.
class EpochMeans {
 public:
  EpochMeans(const ModelNode& node, const Compiled& compiled);

  void reset();
  // A batch whose walk has come to its end, with its loss (Program::loss).
  void add(const Program& program, const engine::Run& run, double loss);

  // In alphabetical order, as Keras logs; as validation with "val_" in front.
  void write(Logs& logs, bool validation = false) const;
  // In the order of Keras's evaluate: the loss; of several outputs their losses and then their metrics in alphabetical
  // order; of one output its metrics in the order of compile.
  Evaluation evaluation() const;

 private:
  struct OfHead {
    RunningMean loss;
    std::vector<MetricMean> metrics;
  };
  struct Entry {
    enum class Kind { total, loss, metric };
    std::string name, validation_name;
    Kind kind;
    std::size_t head, metric;
  };

  void add_entry(const std::string& name, Entry::Kind kind, std::size_t head = 0, std::size_t metric = 0);
  double value(const Entry& entry) const;

  RunningMean total_;
  std::vector<OfHead> heads_;
  std::vector<Entry> entries_, alphabetical_;
};

}  // namespace rondo::training
