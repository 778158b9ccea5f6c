#include "support/random_graph.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "support/any_time.hpp"
#include "support/plain/walks/walks.hpp"

namespace rondo::test {

namespace {

using plain::Array;
using plain::Call;
using plain::Graph;
using plain::GraphLayer;
using plain::Size;
using plain::Sizes;
using Names = std::vector<std::string>;
using LayerPtr = std::shared_ptr<GraphLayer>;

constexpr Size kMostElements = 40;        // of a sample between layers
constexpr double kLargest = 8;            // of what comes out of a layer
constexpr int kDeepest = 6;               // calls one behind the other
constexpr double kFillers[] = {0, -0.5};  // steps that are to be masked consist of one of these

Size size(Dice& dice, Index least, Index most) { return static_cast<Size>(dice.between(least, most)); }

bool is_recurrent(const GraphLayer& layer) {
  return layer.kind == "LSTM" || layer.kind == "GRU" || layer.kind == "RNN" || layer.kind == "Bidirectional";
}

// Has the weights and the options of LSTM or GRU.
bool is_cell(const GraphLayer& layer) {
  return (is_recurrent(layer) && layer.kind != "RNN") || layer.kind == "LSTMCell" || layer.kind == "GRUCell";
}

double largest(const Array& numbers) {
  double most = 0;
  for (const double v : numbers) most = std::max(most, std::abs(v));
  return most;
}

// ---- layers --------------------------------------------------------------------------------------------------------

// Functions without kinks, which a rounding error could cross.
std::string smooth_activation(Dice& dice, Size features) {
  if (features > 1 && dice.percent(15)) return "softmax";
  return dice.of(Names{"linear", "linear", "tanh", "tanh", "sigmoid", "softplus", "silu"});
}

Array random_weight(Dice& dice, Size count, double scale, double middle = 0) {
  Array w(count);
  // float32 has these numbers too.
  for (double& v : w) v = static_cast<double>(static_cast<float>(middle + scale * dice.signed_unit()));
  return w;
}

Array random_kernel(Dice& dice, Size inputs, Size columns) {
  return random_weight(dice, inputs * columns, std::sqrt(2.0 / static_cast<double>(inputs)));
}

// What draws a layer for an input of this shape. Weights are those for it.
LayerPtr random_dense(Dice& dice, const Sizes& sample) {
  auto layer = std::make_shared<GraphLayer>();
  layer->kind = "Dense";
  layer->units = size(dice, 1, 6);
  layer->activation = smooth_activation(dice, layer->units);
  layer->use_bias = dice.percent(80);
  layer->weights = {random_kernel(dice, sample.back(), layer->units)};
  if (layer->use_bias) layer->weights.push_back(random_weight(dice, layer->units, 0.5));
  return layer;
}

void random_dropout(Dice& dice, GraphLayer& layer) {
  const std::vector<double> rates = {0.125, 0.25, 0.5};
  if (dice.percent(15)) layer.dropout = dice.of(rates);
  if (dice.percent(15)) layer.recurrent_dropout = dice.of(rates);
  layer.seed = static_cast<std::uint64_t>(dice.below(1000));
}

// LSTM, GRU, or a cell of them, what concerns sequences left out.
LayerPtr random_cell(Dice& dice, const std::string& kind, Size inputs, Size units) {
  auto layer = std::make_shared<GraphLayer>();
  layer->kind = kind;
  layer->units = units;
  layer->activation = dice.of(Names{"tanh", "tanh", "tanh", "softsign"});
  layer->recurrent_activation = dice.of(Names{"sigmoid", "sigmoid", "sigmoid", "tanh"});
  layer->use_bias = dice.percent(85);
  const bool gru = kind == "GRU" || kind == "GRUCell";
  layer->reset_after = !gru || dice.percent(60);
  random_dropout(dice, *layer);
  const Size columns = (gru ? 3 : 4) * units;
  layer->weights = {random_kernel(dice, inputs, columns), random_kernel(dice, units, columns)};
  const Size bias = gru && layer->reset_after ? 2 * columns : columns;
  if (layer->use_bias) layer->weights.push_back(random_weight(dice, bias, 0.5));
  layer->trainable = dice.percent(92);
  return layer;
}

// LSTM, GRU or RNN. The units are those that are given, else drawn for each cell.
LayerPtr random_recurrent(Dice& dice, const std::string& kind, const Sizes& sample, std::optional<Size> units = {}) {
  const auto drawn = [&] { return units ? *units : size(dice, 1, 6); };
  LayerPtr layer;
  if (kind == "RNN") {
    layer = std::make_shared<GraphLayer>();
    layer->kind = kind;
    Size inputs = sample[1];
    for (Index cells = dice.percent(60) ? 1 : dice.between(2, 3); cells > 0; --cells) {
      const std::string cell = dice.of(Names{"LSTMCell", "GRUCell"});
      layer->cells.push_back(random_cell(dice, cell, inputs, drawn()));
      inputs = layer->cells.back()->units;
    }
  } else {
    layer = random_cell(dice, kind, sample[1], drawn());
    layer->recompute = dice.percent(25);
  }
  layer->return_sequences = dice.percent(60);
  layer->return_state = dice.percent(30);
  layer->go_backwards = dice.percent(20);
  layer->zero_output_for_mask = dice.percent(15);
  return layer;
}

LayerPtr random_batch_normalization(Dice& dice, const Sizes& sample, double least_epsilon) {
  auto layer = std::make_shared<GraphLayer>();
  layer->kind = "BatchNormalization";
  const auto rank = static_cast<Index>(sample.size());
  const Index axis = dice.percent(70) ? rank : dice.between(1, rank);
  layer->axis = static_cast<int>(axis == rank && dice.percent(70) ? -1 : axis);
  layer->momentum = dice.of(std::vector<double>{0.99, 0.75, 0.5});
  layer->epsilon = std::max(least_epsilon, dice.of(std::vector<double>{1e-3, 0.125}));
  layer->center = dice.percent(85);
  layer->scale = dice.percent(85);
  const Size channels = sample[static_cast<Size>(axis) - 1];
  if (layer->scale) layer->weights.push_back(random_weight(dice, channels, 0.5, 1));
  if (layer->center) layer->weights.push_back(random_weight(dice, channels, 0.5));
  layer->weights.push_back(random_weight(dice, channels, 0.5));
  layer->weights.push_back(random_weight(dice, channels, 0.5, 1));
  return layer;
}

// ---- growing -------------------------------------------------------------------------------------------------------

class Grower {
 public:
  struct Rule {
    int inside = 0;              // how many models this one stands in
    bool masks_results = false;  // Masking also of what layers compute; where float32 ends in zeros, float64 does not
    double least_epsilon =
        0;  // of BatchNormalization: equal numbers are spread by 1 / sqrt(epsilon), with their errors
  };
  Grower(Dice& dice, int& names, const Rule& rule) : dice_(dice), names_(names), rule_(rule) {}

  void add_input(const plain::Tensor& x, bool normalized = false) {
    graph_.inputs.push_back(x.sample);
    places_.push_back({x, 0, 0, normalized});
  }

  // Where steps consist of a number that is to be masked.
  void mask(Size input, double value) {
    const LayerPtr layer = made("Masking");
    layer->mask_value = value;
    (void)call(layer, {input});
  }

  void grow(Index calls) {
    for (Index tries = 0, made = 0; made < calls && tries < 12 * calls; ++tries) made += step() ? 1 : 0;
  }

  // Chooses outputs, with those that nothing reads first, and leaves out the calls that lead to none.
  void end(Index outputs) {
    while (graph_.calls.empty()) (void)dense();
    for (int tries = 0; tries < 8 && loose_ends().size() > static_cast<Size>(outputs); ++tries) join();
    std::vector<Size> candidates;
    for (Size n = places_.size(); n-- > graph_.inputs.size();) candidates.push_back(n);
    const auto rank = [&](Size n) { return std::pair(places_[n].readers > 0, -places_[n].depth); };
    std::stable_sort(candidates.begin(), candidates.end(), [&](Size a, Size b) { return rank(a) < rank(b); });
    if (dice_.percent(15) && candidates.size() > 2) std::swap(candidates[1], candidates.back());  // it may be read too
    candidates.resize(std::min(candidates.size(), static_cast<Size>(outputs)));
    graph_.outputs = candidates;
    if (rule_.inside == 0 && dice_.percent(3)) graph_.outputs.push_back(graph_.outputs[0]);
    if (dice_.percent(3)) graph_.outputs.push_back(0);  // what went in
    leave_out_what_leads_nowhere(graph_);
    if (!learns()) learn();
  }

  Graph take() { return std::move(graph_); }
  const plain::Tensor& tensor(Size number) const { return places_[number].tensor; }
  // The layer that makes a tensor, null for an input.
  LayerPtr maker(Size number) const {
    for (const Call& call : graph_.calls) {
      if (number >= call.first_output && number < call.first_output + call.outputs.size()) return call.layer;
    }
    return nullptr;
  }

 private:
  struct Place {
    plain::Tensor tensor;
    int depth;
    int readers;
    // By a batch's moments, here or before. Whether equal numbers become exact zeros is a matter of rounding there, so
    // no mask may ask for it.
    bool normalized;
  };
  using Fits = std::function<bool(const plain::Tensor&)>;

  bool step() {
    struct Way {
      Index weight;
      bool (Grower::*go)();
    };
    static const Way ways[] = {{16, &Grower::dense},        {32, &Grower::recurrent},
                               {5, &Grower::activation},    {9, &Grower::normalization},
                               {8, &Grower::masking},       {4, &Grower::flatten},
                               {4, &Grower::reshape},       {5, &Grower::permute},
                               {6, &Grower::repeat_vector}, {12, &Grower::add},
                               {9, &Grower::concatenate},   {5, &Grower::dropout},
                               {14, &Grower::again},        {9, &Grower::model},
                               {9, &Grower::bidirectional}, {9, &Grower::time_distributed}};
    Index all = 0;
    for (const Way& way : ways) all += way.weight;
    Index drawn = dice_.below(all);
    for (const Way& way : ways) {
      if (drawn < way.weight) return (this->*way.go)();
      drawn -= way.weight;
    }
    return false;
  }

  // A tensor that fits, rather one that nobody reads yet, and rather not one of those that are `taken`.
  std::optional<Size> pick(const Fits& fits, const std::vector<Size>& taken = {}) {
    std::vector<Size> fresh, all;
    const bool others = !dice_.percent(15);
    for (Size n = line_ ? places_.size() - 1 : 0; n < places_.size(); ++n) {
      if (places_[n].depth >= kDeepest || !fits(places_[n].tensor)) continue;
      if (others && std::find(taken.begin(), taken.end(), n) != taken.end()) continue;
      all.push_back(n);
      if (places_[n].readers == 0) fresh.push_back(n);
    }
    if (all.empty()) return std::nullopt;
    return dice_.of(!fresh.empty() && dice_.percent(65) ? fresh : all);
  }
  static bool any(const plain::Tensor&) { return true; }
  static bool is_sequence(const plain::Tensor& x) { return x.sample.size() == 2; }
  static bool is_row(const plain::Tensor& x) { return x.sample.size() == 1; }

  // Whether what comes out is small enough, in numbers and in their size, and nothing is refused: masks that do not
  // fit.
  bool call(const LayerPtr& layer, const std::vector<Size>& inputs) {
    std::vector<plain::Tensor> from;
    int depth = 0;
    bool normalized = false;
    for (const Size n : inputs) {
      from.push_back(places_[n].tensor);
      normalized = normalized || places_[n].normalized;
      depth = std::max(depth, places_[n].depth);
    }
    if (normalized && has(*layer, "Masking")) return false;
    normalized = normalized || has(*layer, "BatchNormalization");
    plain::Walked walked;
    plain::Pass prediction;
    try {
      walked = plain::walk_layer(*layer, from, prediction);
    } catch (const plain::Refused&) {
      return false;
    }
    for (const plain::Tensor& y : walked.outputs) {
      if (plain::elements(y.sample) > kMostElements || !(largest(y.values) < kLargest)) return false;
    }
    if (layer->name.empty()) name(*layer);
    for (const LayerPtr& cell : layer->cells) {
      if (cell->name.empty()) name(*cell);
    }
    Call made{layer, inputs, places_.size(), {}, /*as_in_training=*/line_ || !dice_.percent(15)};
    for (const Size n : inputs) ++places_[n].readers;
    for (const plain::Tensor& y : walked.outputs) {
      made.outputs.push_back(y.sample);
      places_.push_back({y, depth + 1, 0, normalized});
    }
    graph_.calls.push_back(std::move(made));
    return true;
  }

  // Whether it is a layer of this kind, or has one inside.
  static bool has(const GraphLayer& layer, const std::string& kind) {
    if (layer.inside != nullptr) return has(*layer.inside, kind);
    if (layer.model == nullptr) return layer.kind == kind;
    const std::vector<Call>& calls = layer.model->calls;
    return std::any_of(calls.begin(), calls.end(), [&](const Call& call) { return has(*call.layer, kind); });
  }

  void name(GraphLayer& layer) {
    layer.name = layer.kind;
    std::transform(layer.name.begin(), layer.name.end(), layer.name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    layer.name += "_" + std::to_string(++names_);
  }

  LayerPtr made(const std::string& kind) {
    auto layer = std::make_shared<GraphLayer>();
    layer->kind = kind;
    return layer;
  }

  // ---- one way each: false where nothing fits

  bool dense() {
    const auto x = pick(any);
    if (!x) return false;
    const LayerPtr layer = random_dense(dice_, tensor(*x).sample);
    layer->trainable = dice_.percent(92);
    return call(layer, {*x});
  }

  // A row for each of so many states, all of one size: that of the rows, where there are any.
  std::vector<Size> pick_states(Size count, Size units) {
    std::vector<Size> states;
    const auto fits = [&](const plain::Tensor& t) { return is_row(t) && t.sample[0] == units; };
    while (states.size() < count) states.push_back(pick(fits).value());
    return states;
  }
  static Size state_count(const GraphLayer& layer) {
    Size count = 0;
    for (const LayerPtr& cell : layer.cells) count += cell->kind == "LSTMCell" ? 2 : 1;
    return !layer.cells.empty() ? count : layer.kind == "LSTM" ? 2 : 1;
  }
  std::optional<Size> pick_row(Size largest) {
    return pick([&](const plain::Tensor& t) { return is_row(t) && t.sample[0] <= largest; });
  }

  bool recurrent() {
    const auto x = pick(is_sequence);
    if (!x) return false;
    std::optional<Size> given;
    if (!line_ && dice_.percent(30)) given = pick_row(8);
    const std::string kind = dice_.of(Names{"LSTM", "LSTM", "LSTM", "GRU", "GRU", "RNN", "RNN"});
    std::optional<Size> units;
    if (given) units = tensor(*given).sample[0];
    const LayerPtr layer = random_recurrent(dice_, kind, tensor(*x).sample, units);
    layer->return_state = layer->return_state && !line_;
    std::vector<Size> inputs = {*x};
    if (given) {
      const std::vector<Size> states = pick_states(state_count(*layer), *units);
      inputs.insert(inputs.end(), states.begin(), states.end());
    }
    return call(layer, inputs);
  }

  bool bidirectional() {
    const auto x = pick(is_sequence);
    if (!x) return false;
    std::optional<Size> given;
    if (!line_ && dice_.percent(25)) given = pick_row(6);
    const std::string kind = dice_.of(Names{"LSTM", "LSTM", "GRU"});
    const Size units = given ? tensor(*given).sample[0] : size(dice_, 1, 4);
    const LayerPtr layer = random_recurrent(dice_, kind, tensor(*x).sample, units);
    std::vector<Size> inputs = {*x};
    if (given) {
      const std::vector<Size> states = pick_states(2 * state_count(*layer), units);
      inputs.insert(inputs.end(), states.begin(), states.end());
    }
    layer->kind = "Bidirectional";
    layer->direction = kind;
    layer->merge_mode = dice_.of(Names{"concat", "concat", "sum", "mul", "ave", line_ ? "ave" : "none"});
    layer->return_state = layer->return_state && !line_;
    layer->zero_output_for_mask = false;  // as return_sequences says
    const Size inputs_of_step = tensor(*x).sample[1], columns = layer->weights[0].size() / inputs_of_step;
    layer->weights.push_back(random_kernel(dice_, inputs_of_step, columns));
    layer->weights.push_back(random_kernel(dice_, units, columns));
    if (layer->use_bias) layer->weights.push_back(random_weight(dice_, layer->weights[2].size(), 0.5));
    return call(layer, inputs);
  }

  bool time_distributed() {
    const auto x = pick([](const plain::Tensor& t) { return t.sample.size() > 1; });
    if (!x || rule_.inside >= 2) return false;
    plain::Tensor step = tensor(*x);
    step.sample.erase(step.sample.begin());
    step.values.resize(step.batch * plain::elements(step.sample));
    step.mask.clear();
    Grower inner(dice_, names_, {rule_.inside + 1, rule_.masks_results, rule_.least_epsilon});
    inner.add_input(step, places_[*x].normalized);
    inner.line_ = dice_.percent(50);
    if (!inner.line_ && dice_.percent(30) && !graph_.calls.empty()) inner.borrow(dice_.of(graph_.calls));
    if (is_sequence(step) && dice_.percent(60)) {
      (void)inner.recurrent();
    } else if (dice_.percent(25)) {
      (void)inner.normalization();
    } else {
      inner.grow(dice_.between(1, 3));
    }
    inner.end(1);
    Graph graph = inner.take();
    const LayerPtr layer = made("TimeDistributed");
    const Call& only = graph.calls[0];
    if (graph.calls.size() == 1 && only.inputs.size() == 1 && only.outputs.size() == 1 && graph.outputs.size() == 1) {
      layer->inside = only.layer;
    } else {
      layer->inside = made("Model");
      name(*layer->inside);
      graph.line = is_line(graph);
      graph.outputs.resize(1);
      layer->inside->model = std::make_shared<Graph>(std::move(graph));
    }
    return call(layer, {*x});
  }

  bool activation() {
    const auto x = pick(any);
    if (!x) return false;
    const LayerPtr layer = made("Activation");
    layer->activation = smooth_activation(dice_, tensor(*x).sample.back());
    return call(layer, {*x});
  }

  bool normalization() {
    const auto x = pick(any);
    if (!x) return false;
    const LayerPtr layer = random_batch_normalization(dice_, tensor(*x).sample, rule_.least_epsilon);
    layer->trainable = dice_.percent(85);
    return call(layer, {*x});
  }

  bool masking() {
    const auto x = pick([&](const plain::Tensor& t) { return is_sequence(t) || (is_row(t) && dice_.percent(20)); });
    if (!x || (!rule_.masks_results && (rule_.inside > 0 || *x >= graph_.inputs.size()))) return false;
    const LayerPtr layer = made("Masking");
    layer->mask_value = kFillers[dice_.below(2)];
    return call(layer, {*x});
  }

  bool dropout() {
    const auto x = pick(any);
    if (!x) return false;
    const LayerPtr layer = made("Dropout");
    layer->dropout = dice_.of(std::vector<double>{0, 0.125, 0.25, 0.5});
    layer->seed = static_cast<std::uint64_t>(dice_.below(1000));
    return call(layer, {*x});
  }

  bool flatten() {
    const auto x = pick([&](const plain::Tensor& t) { return !is_row(t) || dice_.percent(10); });
    return x && call(made("Flatten"), {*x});
  }

  bool reshape() {
    const auto x = pick(any);
    if (!x) return false;
    const LayerPtr layer = made("Reshape");
    Size rest = plain::elements(tensor(*x).sample);
    for (Index axes = dice_.below(3); axes > 0; --axes) {
      std::vector<Size> divisors;
      for (Size d = 1; d <= rest; ++d) {
        if (rest % d == 0) divisors.push_back(d);
      }
      layer->sizes.push_back(dice_.of(divisors));
      rest /= layer->sizes.back();
    }
    layer->sizes.push_back(rest);
    return call(layer, {*x});
  }

  bool permute() {
    const auto x = pick([](const plain::Tensor& t) { return !is_row(t); });
    if (!x) return false;
    const LayerPtr layer = made("Permute");
    for (Size axis = 1; axis <= tensor(*x).sample.size(); ++axis) {
      const Index at = dice_.between(0, static_cast<Index>(layer->sizes.size()));
      layer->sizes.insert(layer->sizes.begin() + at, axis);
    }
    return call(layer, {*x});
  }

  bool repeat_vector() {
    const auto x = pick(is_row);
    if (!x) return false;
    const LayerPtr layer = made("RepeatVector");
    layer->n = size(dice_, 1, 4);
    return call(layer, {*x});
  }

  // Whether axes are equal or 1, from the last one on.
  static bool stretch(const Sizes& a, const Sizes& b) {
    for (Size i = 1; i <= std::min(a.size(), b.size()); ++i) {
      const Size p = a[a.size() - i], q = b[b.size() - i];
      if (p != q && p != 1 && q != 1) return false;
    }
    return true;
  }

  bool add() {
    if (line_) return false;
    const auto x = pick(any);
    if (!x) return false;
    const bool stretches = dice_.percent(35);
    std::vector<Size> inputs = {*x};
    for (Index more = dice_.percent(75) ? 1 : 2; more > 0; --more) {
      const auto next = pick(
          [&](const plain::Tensor& t) {
            return std::all_of(inputs.begin(), inputs.end(), [&](Size n) {
              return stretches ? stretch(t.sample, tensor(n).sample) : t.sample == tensor(n).sample;
            });
          },
          inputs);
      inputs.push_back(next.value_or(*x));  // it fits itself
    }
    return call(made("Add"), inputs);
  }

  bool concatenate() {
    if (line_) return false;
    const auto x = pick(any);
    if (!x) return false;
    const Sizes first = tensor(*x).sample;
    const Index drawn = dice_.below(static_cast<Index>(first.size()));
    const Size axis = dice_.percent(50) ? first.size() - 1 : static_cast<Size>(drawn);
    const auto rest = [&](Sizes sample) {
      sample[axis] = 0;
      return sample;
    };
    std::vector<Size> inputs = {*x};
    for (Index more = dice_.percent(80) ? 1 : 2; more > 0; --more) {
      const auto next =
          pick([&](const plain::Tensor& t) { return t.sample.size() == first.size() && rest(t.sample) == rest(first); },
               inputs);
      inputs.push_back(next.value_or(*x));
    }
    const LayerPtr layer = made("Concatenate");
    const int behind = static_cast<int>(axis) - static_cast<int>(first.size());
    layer->axis = dice_.percent(50) ? behind : static_cast<int>(axis) + 1;
    return call(layer, inputs);
  }

  // A layer that is there already, on other tensors or on the same.
  bool again() {
    if (line_ || graph_.calls.empty()) return false;
    const Call first = graph_.calls[static_cast<Size>(dice_.below(static_cast<Index>(graph_.calls.size())))];
    const bool holds = first.layer->model != nullptr || first.layer->inside != nullptr || !first.layer->cells.empty();
    const bool draws = first.layer->dropout > 0;
    if (first.layer->weights.empty() && !holds && !draws && !dice_.percent(20)) return false;
    std::vector<Size> inputs;
    for (const Size before : first.inputs) {
      const Sizes& sample = tensor(before).sample;
      const bool any_steps = is_recurrent(*first.layer) && inputs.empty();
      const auto x = pick([&](const plain::Tensor& t) {
        return t.sample == sample || (any_steps && t.sample.size() == 2 && t.sample[1] == sample[1]);
      });
      if (!x) return false;
      inputs.push_back(*x);
    }
    return call(first.layer, inputs);
  }

  bool model() {
    if (line_ || rule_.inside >= 2) return false;
    const auto x = pick(any);
    if (!x) return false;
    std::vector<Size> inputs = {*x};
    if (dice_.percent(40)) inputs.push_back(*pick(any));
    Grower inner(dice_, names_, {rule_.inside + 1, rule_.masks_results, rule_.least_epsilon});
    for (const Size n : inputs) inner.add_input(tensor(n), places_[n].normalized);
    inner.line_ = inputs.size() == 1 && dice_.percent(40);
    // Now and then a layer of this graph stands in the inner one too.
    if (dice_.percent(15) && !graph_.calls.empty()) inner.borrow(dice_.of(graph_.calls));
    inner.grow(dice_.between(1, 4));
    inner.end(inner.line_ || dice_.percent(60) ? 1 : 2);
    const LayerPtr layer = made("Model");
    layer->model = std::make_shared<Graph>(inner.take());
    layer->model->line = is_line(*layer->model);
    return call(layer, inputs);
  }

  // ---- loose ends

  // Tensors that nobody reads.
  std::vector<Size> loose_ends() const {
    std::vector<Size> ends;
    for (Size n = graph_.inputs.size(); n < places_.size(); ++n) {
      if (places_[n].readers == 0) ends.push_back(n);
    }
    return ends;
  }

  // Two of them become one: sequences by an LSTM or GRU each, others flat.
  void join() {
    const std::vector<Size> ends = loose_ends();
    if (line_ || ends.size() < 2) return;
    std::vector<Size> two = {dice_.of(ends), dice_.of(ends)};
    if (two[0] == two[1]) return;
    const bool equal = tensor(two[0]).sample == tensor(two[1]).sample;
    if (equal && dice_.percent(60)) return void(call(made("Add"), two));
    for (Size& n : two) {
      if (is_row(tensor(n))) continue;
      LayerPtr layer = made("Flatten");
      if (is_sequence(tensor(n)) && dice_.percent(60)) {
        const std::string kind = dice_.of(Names{"LSTM", "GRU"});
        layer = random_recurrent(dice_, kind, tensor(n).sample, size(dice_, 1, 4));
        layer->return_sequences = layer->return_state = false;
      }
      if (!call(layer, {n})) return;
      n = places_.size() - 1;
    }
    (void)call(made("Concatenate"), two);
  }

  // ---- models inside

  void borrow(const Call& from) {
    const GraphLayer& layer = *from.layer;
    if (layer.kind != "Dense" && layer.kind != "Dropout") return;
    for (Size n = 0; n < places_.size(); ++n) {
      const Size features = places_[n].tensor.sample.back();
      if (layer.kind == "Dense" && features * layer.units != layer.weights[0].size()) continue;
      (void)call(from.layer, {n});
      return;
    }
  }

  // One call behind the other, of one tensor and a layer of its own each.
  static bool is_line(const Graph& graph) {
    Size number = 0;
    std::set<LayerPtr> met;
    for (const Call& call : graph.calls) {
      const bool one_after_the_other = call.inputs == std::vector<Size>{number} && call.outputs.size() == 1;
      if (!met.insert(call.layer).second || !one_after_the_other || !call.as_in_training) return false;
      number = call.first_output;
    }
    return graph.inputs.size() == 1 && graph.outputs == std::vector<Size>{number};
  }

  // ---- the end

  bool learns() const {
    for (const GraphLayer* layer : plain::layers_of(graph_)) {
      const Size fixed = layer->kind == "BatchNormalization" ? 2 : 0;
      if (layer->trainable && layer->weights.size() > fixed) return true;
    }
    return false;
  }

  // A Dense layer on the first output, which is one then.
  void learn() {
    if (rule_.inside > 0) return;
    const Size x = graph_.outputs[0];
    while (!call(random_dense(dice_, tensor(x).sample), {x})) {
    }
    graph_.outputs[0] = graph_.calls.back().first_output;
  }

  Dice& dice_;
  int& names_;
  Rule rule_;
  bool line_ = false;
  Graph graph_;
  std::vector<Place> places_;
};

// ---- data ----------------------------------------------------------------------------------------------------------

// Numbers of which whole steps are `filler`: at the beginning, at the end, here and there, or all of a row.
plain::Tensor random_input(Dice& dice, const Sizes& sample, Size samples, std::optional<double> filler) {
  plain::Tensor x{random_weight(dice, samples * plain::elements(sample), 1), samples, sample};
  if (!filler) return x;
  const Size steps = plain::mask_steps(sample), features = sample.back();
  for (Size b = 0; b < samples; ++b) {
    const Index way = dice.below(8);
    const Index border = dice.between(0, static_cast<Index>(steps));
    for (Size t = 0; t < steps; ++t) {
      const bool late = static_cast<Index>(t) >= border;
      const bool fill =
          way == 0 || (way <= 2 && !late) || (way <= 5 && way > 2 && late) || (way == 6 && dice.percent(40));
      for (Size i = 0; fill && i < features; ++i) x.values[(b * steps + t) * features + i] = *filler;
    }
  }
  return x;
}

// Shapes of inputs like those before, so that they can be merged.
Sizes random_sample(Dice& dice, const std::vector<plain::Tensor>& before) {
  if (!before.empty() && dice.percent(45)) return before.back().sample;
  const Index rank = dice.percent(65) ? 2 : dice.percent(55) ? 1 : 3;
  Sizes sample;
  for (Index axis = 1; axis < rank; ++axis) sample.push_back(rank == 3 ? size(dice, 1, 3) : size(dice, 1, 5));
  sample.push_back(size(dice, 1, 4));
  if (!before.empty() && before.back().sample.size() == sample.size() && dice.percent(50)) {
    sample.back() = before.back().sample.back();
  }
  return sample;
}

plain::Loss random_loss(Dice& dice, const LayerPtr& maker, Size features) {
  const std::string last =
      maker != nullptr && (maker->kind == "Dense" || maker->kind == "Activation") ? maker->activation.name : "";
  const double smoothing = dice.percent(30) ? 0.125 : 0;
  const Index which = dice.below(10);
  if (last == "sigmoid" && which < 6) return {"binary_crossentropy", false, smoothing};
  if (last == "softmax" && features > 1 && which < 3) return {"categorical_crossentropy", false, smoothing};
  if (last == "softmax" && features > 1 && which < 6) return {"sparse_categorical_crossentropy"};
  if (which == 6) return {"mean_absolute_error"};
  if (which == 7) return {"binary_crossentropy", true, smoothing};
  if (which == 8 && features > 1) return {"categorical_crossentropy", true, smoothing};
  if (which == 9 && features > 1) return {"sparse_categorical_crossentropy", true};
  return {"mean_squared_error"};
}

plain::Target random_target(Dice& dice, const LayerPtr& maker, const plain::Tensor& y) {
  const Size features = y.sample.back(), rows = y.values.size() / features;
  plain::Target target;
  target.loss = random_loss(dice, maker, features);
  if (target.loss.name == "sparse_categorical_crossentropy") {
    for (Size r = 0; r < rows; ++r)
      target.truth.push_back(static_cast<double>(dice.below(static_cast<Index>(features))));
  } else {
    target.truth = random_weight(dice, rows * features, 1);
    if (target.loss.name != "mean_squared_error" && target.loss.name != "mean_absolute_error") {
      for (double& t : target.truth) t = (t + 1) / 2;  // between 0 and 1
    }
  }
  return target;
}

}  // namespace

void leave_out_what_leads_nowhere(Graph& graph) {
  std::set<Size> needed(graph.outputs.begin(), graph.outputs.end());
  std::vector<Call> kept;
  for (Size i = graph.calls.size(); i-- > 0;) {
    const Call& call = graph.calls[i];
    bool leads = false;
    for (Size k = 0; k < call.outputs.size(); ++k) leads = leads || needed.contains(call.first_output + k);
    if (!leads) continue;
    needed.insert(call.inputs.begin(), call.inputs.end());
    kept.insert(kept.begin(), call);
  }
  graph.calls = std::move(kept);
}

Graph copy_of(const Graph& graph) {
  std::map<const GraphLayer*, LayerPtr> copies;
  std::function<LayerPtr(const LayerPtr&)> copy_layer;
  const std::function<Graph(const Graph&)> copy = [&](const Graph& from) {
    Graph to = from;
    for (Call& call : to.calls) {
      call.layer = copy_layer(call.layer);
    }
    return to;
  };
  copy_layer = [&](const LayerPtr& from) {
    if (const auto known = copies.find(from.get()); known != copies.end()) return known->second;
    const LayerPtr made = std::make_shared<GraphLayer>(*from);
    if (made->model != nullptr) made->model = std::make_shared<Graph>(copy(*made->model));
    if (made->inside != nullptr) made->inside = copy_layer(made->inside);
    for (LayerPtr& cell : made->cells) cell = copy_layer(cell);
    copies.emplace(from.get(), made);
    return made;
  };
  return copy(graph);
}

namespace {

// Whether steps of training leave losses, gradients and weights of an ordinary size. The draws of dropout are others
// later, as the library numbers the layers.
bool is_tame(const RandomGraph& g) {
  const Graph graph = copy_of(g.graph);
  const std::vector<GraphLayer*> layers = plain::layers_of(graph);
  plain::Optimizer optimizer(g.optimizer);
  for (Size begin = 0; begin < g.samples; begin += g.batch_size) {
    const Size end = std::min(begin + g.batch_size, g.samples);
    std::vector<plain::Tensor> x;
    std::vector<plain::Target> targets;
    for (const plain::Tensor& all : g.x) x.push_back(plain::rows(all, begin, end));
    for (const plain::Target& all : g.targets) targets.push_back(plain::rows(all, g.samples, begin, end));
    for (const double loss : plain::train(graph, x, targets, optimizer)) {
      if (!(loss < 100)) return false;
    }
    for (const GraphLayer* layer : layers) {
      for (const Array& gradient : layer->gradients) {
        if (!(largest(gradient) < 1000)) return false;
      }
      for (const Array& w : layer->weights) {
        if (!(largest(w) < 10)) return false;
      }
    }
  }
  return true;
}

RandomGraph draw(Dice& dice) {
  RandomGraph g;
  g.dtype = dice.percent(85) ? "float64" : "float32";
  g.batch_size = size(dice, 1, 6);
  const Size whole = size(dice, 1, 2), rest = size(dice, 1, static_cast<Index>(g.batch_size));
  g.samples = std::min<Size>(12, whole * g.batch_size + rest);
  g.other_batch_size = size(dice, 1, static_cast<Index>(g.samples));

  int names = 0;
  std::vector<std::optional<double>> fillers;
  const bool exact = g.dtype == "float64";
  Grower grower(dice, names, {.masks_results = exact, .least_epsilon = exact ? 0 : 0.125});
  for (Index inputs = dice.percent(50) ? 1 : dice.between(2, 3); inputs > 0; --inputs) {
    const Sizes sample = random_sample(dice, g.x);
    std::optional<double> filler;
    if (sample.size() < 3 && dice.percent(60)) filler = kFillers[dice.below(2)];
    g.x.push_back(random_input(dice, sample, g.samples, filler));
    grower.add_input(g.x.back());
    fillers.push_back(filler);
  }
  for (Size i = 0; i < fillers.size(); ++i) {
    if (fillers[i] && dice.percent(80)) grower.mask(i, *fillers[i]);
  }
  grower.grow(dice.between(2, 12));
  grower.end(dice.percent(50) ? 1 : dice.between(2, 3));
  g.graph = grower.take();

  const bool weighs_losses = dice.percent(60), weighs_samples = dice.percent(20);
  for (const Size n : g.graph.outputs) {
    LayerPtr maker;
    for (const Call& call : g.graph.calls) {
      if (n >= call.first_output && n < call.first_output + call.outputs.size()) maker = call.layer;
    }
    const plain::Tensor& y = grower.tensor(n);
    plain::Target& target = g.targets.emplace_back(random_target(dice, maker, y));
    if (weighs_losses && g.graph.outputs.size() > 1) target.weight = dice.of(std::vector<double>{0.25, 1, 2, 0});
    if (weighs_samples) {
      const Size rows = y.values.size() / y.sample.back();
      for (Size r = 0; r < rows; ++r) target.sample_weights.push_back(dice.of(std::vector<double>{0, 0.5, 1, 2}));
    }
  }
  g.shards = dice.of(std::vector<Size>{1, 1, 2, 3, 8});
  g.optimizer.learning_rate = dice.of(std::vector<double>{0.5, 0.125, 0.03125});
  g.optimizer.momentum = dice.percent(20) ? 0.5 : 0;
  return g;
}

}  // namespace

RandomGraph random_graph(std::uint64_t seed) {
  for (Dice dice(seed);;) {
    RandomGraph g = draw(dice);
    g.seed = seed;
    for (int tries = 0; tries < 4; ++tries, g.optimizer.learning_rate /= 4) {
      if (is_tame(g)) return g;
    }
  }
}

// ---- as text -------------------------------------------------------------------------------------------------------

namespace {

std::string text_of(const Sizes& sizes) {
  std::string text;
  for (const Size n : sizes) text += (text.empty() ? "" : ", ") + std::to_string(n);
  return "(" + text + ")";
}

std::string tensors(Size first, Size count) {
  std::string text;
  for (Size k = 0; k < count; ++k) text += (k == 0 ? "t" : ", t") + std::to_string(first + k);
  return text;
}

std::string tensors(const std::vector<Size>& numbers) {
  std::string text;
  for (const Size n : numbers) text += (text.empty() ? "t" : ", t") + std::to_string(n);
  return text;
}

// Options that differ from Keras's defaults.
std::string options_of(const GraphLayer& l) {
  std::ostringstream text;
  const auto put = [&](const std::string& option) { text << (text.tellp() == 0 ? "" : ", ") << option; };
  const auto flag = [&](const char* option, bool value, bool standard) {
    if (value != standard) put(std::string(option) + (value ? "=True" : "=False"));
  };
  const auto number = [](double value) {
    std::ostringstream out;
    out << value;
    return out.str();
  };
  if (l.direction != "LSTM") put(l.direction);
  if (l.units > 0) put(std::to_string(l.units));
  if (l.activation.name != (is_cell(l) ? "tanh" : "linear")) put(l.activation.name);
  if (l.recurrent_activation.name != "sigmoid") put("recurrent_activation=" + l.recurrent_activation.name);
  flag("use_bias", l.use_bias, true);
  flag("return_sequences", l.return_sequences, false);
  flag("return_state", l.return_state, false);
  flag("go_backwards", l.go_backwards, false);
  flag("zero_output_for_mask", l.zero_output_for_mask, false);
  flag("recompute", l.recompute, false);
  flag("reset_after", l.reset_after, true);
  if (l.dropout > 0) put("dropout=" + number(l.dropout));
  if (l.recurrent_dropout > 0) put("recurrent_dropout=" + number(l.recurrent_dropout));
  if (l.dropout > 0 || l.recurrent_dropout > 0) put("seed=" + std::to_string(l.seed));
  for (const LayerPtr& cell : l.cells) put(cell->kind + "(" + options_of(*cell) + ")");
  if (l.kind == "Masking") put("mask_value=" + number(l.mask_value));
  if (l.merge_mode != "concat") put("merge_mode=" + l.merge_mode);
  if (l.inside != nullptr) put(l.inside->name + " = " + l.inside->kind + "(" + options_of(*l.inside) + ")");
  if (!l.sizes.empty()) put(text_of(l.sizes));
  if (l.kind == "RepeatVector") put(std::to_string(l.n));
  if (l.axis != -1) put("axis=" + std::to_string(l.axis));
  if (l.kind == "BatchNormalization") put("momentum=" + number(l.momentum) + ", epsilon=" + number(l.epsilon));
  flag("center", l.center, true);
  flag("scale", l.scale, true);
  flag("trainable", l.trainable, true);
  return text.str();
}

void print(std::ostream& out, const Graph& graph, const std::string& margin, std::set<const GraphLayer*>& known) {
  for (Size i = 0; i < graph.inputs.size(); ++i) {
    out << margin << "t" << i << " = Input" << text_of(graph.inputs[i]) << "\n";
  }
  for (const Call& call : graph.calls) {
    const GraphLayer& layer = *call.layer;
    out << margin << tensors(call.first_output, call.outputs.size()) << " = " << layer.name;
    const bool first = known.insert(&layer).second;
    if (first && layer.model == nullptr) out << " = " << layer.kind << "(" << options_of(layer) << ")";
    out << "(" << tensors(call.inputs) << (call.as_in_training ? "" : ", training=False") << ")  #";
    for (const Sizes& sample : call.outputs) out << " " << text_of(sample);
    out << "\n";
    const GraphLayer& model = layer.inside != nullptr ? *layer.inside : layer;
    if (!first || model.model == nullptr) continue;
    out << margin << "  where " << model.name << " = " << (model.model->line ? "Sequential" : "Model") << ":\n";
    print(out, *model.model, margin + "    ", known);
    out << margin << "    outputs: " << tensors(model.model->outputs) << "\n";
  }
}

}  // namespace

std::string to_string(const RandomGraph& g) {
  std::ostringstream out;
  out << "seed " << g.seed << ": " << g.dtype << ", " << g.samples << " samples in batches of " << g.batch_size
      << " (or " << g.other_batch_size << "), SGD(" << g.optimizer.learning_rate;
  if (g.optimizer.momentum != 0) out << ", momentum=" << g.optimizer.momentum;
  out << ")";
  if (g.shards > 1) out << ", " << g.shards << " shards";
  out << "\n";
  std::set<const GraphLayer*> known;
  print(out, g.graph, "  ", known);
  for (Size i = 0; i < g.targets.size(); ++i) {
    const plain::Target& target = g.targets[i];
    out << "  output t" << g.graph.outputs[i] << ": " << target.weight << " " << target.loss.name;
    if (target.loss.from_logits) out << " from logits";
    if (target.loss.label_smoothing != 0) out << ", smoothed by " << target.loss.label_smoothing;
    out << (target.sample_weights.empty() ? "" : ", samples weigh differently") << "\n";
  }
  return out.str();
}

// ---- what is in a graph --------------------------------------------------------------------------------------------

namespace {

void count(const Graph& graph, std::map<std::string, int>& all, std::map<const GraphLayer*, int>& calls) {
  std::map<Size, int> readers;
  std::map<Size, int> depth;
  int deepest = 0;
  for (const Size n : graph.outputs) ++readers[n];
  for (const Call& call : graph.calls) {
    const GraphLayer& layer = *call.layer;
    ++all[layer.kind];
    ++calls[&layer];
    int before = 0;
    for (const Size n : call.inputs) {
      ++readers[n];
      before = std::max(before, depth[n]);
    }
    for (Size k = 0; k < call.outputs.size(); ++k) depth[call.first_output + k] = before + 1;
    deepest = std::max(deepest, before + 1);
    if (is_recurrent(layer) && call.inputs.size() > 1) ++all["initial state"];
    if (layer.kind == "RNN" && call.inputs.size() > 1) ++all["initial state of RNN"];
    if (layer.kind == "Bidirectional") ++all["Bidirectional " + layer.direction];
    for (const LayerPtr& cell : layer.cells) ++all[cell->kind];
    all["StackedRNNCells"] += layer.cells.size() > 1 ? 1 : 0;
    all["reset before"] += layer.reset_after ? 0 : 1;
    all["dropout inside"] += is_cell(layer) && layer.dropout > 0 ? 1 : 0;
    all["recurrent_dropout"] += layer.recurrent_dropout > 0 ? 1 : 0;
    if (layer.inside != nullptr) {
      ++all["TimeDistributed " + layer.inside->kind];
      if (layer.inside->model != nullptr && calls[&layer] == 1) count(*layer.inside->model, all, calls);
    }
    if (layer.return_state) ++all["return_state"];
    if (layer.return_sequences) ++all["return_sequences"];
    if (layer.go_backwards) ++all["go_backwards"];
    if (layer.model == nullptr) continue;
    ++all[layer.model->line ? "Sequential inside" : "graph inside"];
    if (calls[&layer] == 1) count(*layer.model, all, calls);
  }
  for (const auto& [tensor, times] : readers) all["fan-out"] += times > 1 ? 1 : 0;
  ++all["depth " + std::to_string(deepest)];
}

}  // namespace

std::map<std::string, int> census(const RandomGraph& g) {
  std::map<std::string, int> all;
  std::map<const GraphLayer*, int> calls;
  count(g.graph, all, calls);
  for (const auto& [layer, times] : calls) {
    if (times < 2) continue;
    ++all["shared layer"];
    if (layer->kind == "BatchNormalization") ++all["shared BatchNormalization"];
    if (layer->kind == "Model") ++all["shared model"];
    if (layer->dropout > 0 || layer->recurrent_dropout > 0) ++all["shared layer that draws"];
  }
  for (const GraphLayer* layer : plain::layers_of(g.graph)) all["frozen layer"] += layer->trainable ? 0 : 1;
  all["several inputs"] += g.graph.inputs.size() > 1 ? 1 : 0;
  all["several outputs"] += g.graph.outputs.size() > 1 ? 1 : 0;
  for (const plain::Target& target : g.targets) all["sample weights"] += target.sample_weights.empty() ? 0 : 1;
  for (const plain::Tensor& y : plain::predict(copy_of(g.graph), g.x)) all["masked loss"] += y.mask.empty() ? 0 : 1;
  for (const Call& call : g.graph.calls) {
    if (!is_recurrent(*call.layer)) continue;
    Graph before = g.graph;
    before.outputs = {call.inputs[0]};
    all[call.layer->kind + " with a mask"] += plain::predict(before, g.x)[0].mask.empty() ? 0 : 1;
  }
  Graph copy = copy_of(g.graph);
  std::vector<bool> of_outputs;
  all["any number of steps"] += take_any_time(copy, of_outputs) ? 1 : 0;
  ++all[g.dtype];
  ++all[std::to_string(g.shards) + " shards"];
  return all;
}

}  // namespace rondo::test
