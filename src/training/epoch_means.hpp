// Loss and metrics of an epoch so far, as Keras averages and names them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <rondo/history.hpp>

#include "training/model_node.hpp"
#include "training/program.hpp"

namespace rondo::training {

// Losses are averaged by samples; a metric keeps what it needs. Of several outputs, "loss" is the weighted sum of their
// losses; the other names begin with those of the outputs. A metric of several numbers has a name for each:
// "precision_0", "precision_1".
class EpochMeans {
 public:
  EpochMeans(const ModelNode& node, const Compiled& compiled);

  void reset();
  // A batch whose walk has come to its end, with its loss (Program::loss). The first one says how many numbers each
  // metric has. ShapeError where that of another batch differs.
  void add(const Program& program, const engine::Run& run, double loss);

  // In alphabetical order, as Keras logs; as validation with "val_" in front. Nothing before the first batch.
  void write(Logs& logs, bool validation = false);
  // In the order of Keras's evaluate: the loss; of several outputs their losses and then their metrics in alphabetical
  // order; of one output its metrics in the order of compile.
  Evaluation evaluation();

 private:
  struct OfMetric {
    std::string name;
    std::shared_ptr<const BoundMetric> metric = {};  // from the first batch on
    std::vector<double> state = {}, numbers = {};
  };
  struct OfHead {
    std::string prefix;
    RunningMean loss = {};
    std::vector<OfMetric> metrics = {};
  };
  struct Entry {
    enum class Kind { total, loss, metric };
    std::string name, validation_name;
    Kind kind;
    std::size_t head, metric, number;
  };

  void begin(const Program& program);
  void add_entries();
  void add_entry(const std::string& name, Entry::Kind kind, std::size_t head = 0, std::size_t metric = 0,
                 std::size_t number = 0);
  void take_results();
  double value(const Entry& entry) const;

  RunningMean total_;
  std::vector<OfHead> heads_;
  std::vector<Entry> entries_, alphabetical_;
};

}  // namespace rondo::training
