#include "support/random_graph_checks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "graph/layer_node.hpp"
#include "support/any_time.hpp"
#include "support/comparison.hpp"
#include "support/failures.hpp"
#include "support/graph_model.hpp"
#include "support/plain_config.hpp"
#include "support/way.hpp"
#include "training/from_config.hpp"

namespace rondo::test {

namespace {

using plain::Size;

// |got - expected|, relative to the tensor's largest element or 1, and the part of themselves by which weights are
// moved to see how far results move (support/comparison.hpp).
struct Bounds {
  double bound, move;
};
constexpr Bounds kDouble{1e-9, 1e-13}, kSingle{1e-5, 0x1p-22};

Tensor tensor_of(const plain::Tensor& x) {
  std::vector<Index> sizes = {static_cast<Index>(x.batch)};
  sizes.insert(sizes.end(), x.sample.begin(), x.sample.end());
  return Tensor(Shape(sizes), x.values);
}

bool has_dropout(const plain::Graph& graph) {
  const std::vector<plain::GraphLayer*> layers = plain::layers_of(graph);
  return std::any_of(layers.begin(), layers.end(),
                     [](const plain::GraphLayer* l) { return l->dropout > 0 || l->recurrent_dropout > 0; });
}

// The same graph, with a part of the samples.
RandomGraph rows_of(const RandomGraph& g, Size begin, Size end) {
  RandomGraph part = g;
  for (plain::Tensor& x : part.x) x = plain::rows(x, begin, end);
  for (plain::Target& target : part.targets) target = plain::rows(target, g.samples, begin, end);
  part.samples = end - begin;
  return part;
}

// Without the last of so many steps, in each row.
plain::Array without_last(const plain::Array& all, Size rows, Size steps) {
  const auto each = static_cast<std::ptrdiff_t>(all.size() / rows / steps);
  plain::Array cut;
  for (auto row = all.begin(); row < all.end(); row += each * static_cast<std::ptrdiff_t>(steps)) {
    cut.insert(cut.end(), row, row + each * static_cast<std::ptrdiff_t>(steps - 1));
  }
  return cut;
}

// Sequences without their last step, and outputs of so many steps too. any_steps: of the outputs; empty: all steps
// stay.
RandomGraph one_step_less(RandomGraph g, const std::vector<bool>& any_steps) {
  if (any_steps.empty()) return g;
  Size steps = 0;
  for (plain::Tensor& x : g.x) {
    if (x.sample.size() != 2) continue;
    steps = x.sample[0]--;
    x.values = without_last(x.values, g.samples, steps);
  }
  for (Size i = 0; i < g.targets.size(); ++i) {
    if (!any_steps[i]) continue;
    for (plain::Array* all : {&g.targets[i].truth, &g.targets[i].sample_weights}) {
      *all = without_last(*all, g.samples, steps);
    }
  }
  return g;
}

class GraphQuestions {
 public:
  explicit GraphQuestions(const RandomGraph& g)
      : g_(g), bounds_(g.dtype == "float64" ? kDouble : kSingle), best_(simd_targets().front()) {
    if (has_dropout(g.graph)) number_layers(g.graph, model());
    for (const plain::Tensor& x : g.x) x_.push_back(tensor_of(x));
    const std::vector<plain::Tensor> outputs = plain::predict(copy_of(g.graph), g.x);
    for (Size i = 0; i < outputs.size(); ++i) {
      const bool classes = g.targets[i].loss.name == "sparse_categorical_crossentropy";
      const Shape shape = tensor_of(outputs[i]).shape();
      y_.push_back(Tensor(classes ? shape.with(-1, 1) : shape, g.targets[i].truth));
      const plain::Array& weights = g.targets[i].sample_weights;
      if (!weights.empty()) sample_weights_.push_back(Tensor(shape.without_last(), weights));
    }
  }

  std::vector<std::string> ask(bool bits) {
    failures_.ask("predict is near the plain program", [&] { return predict_is_plain(); });
    failures_.ask("evaluate is near the plain program", [&] { return evaluate_is_plain(); });
    failures_.ask("training is near the plain program's", [&] { return training_is_plain(); });
    if (!bits) return failures_.all();
    failures_.ask("threads, targets and batches change no bit", [&] { return ways_change_no_bit(); });
    failures_.ask("a model from its configuration has the same bits", [&] { return configuration_is_complete(); });
    failures_.ask("batches of a source teach what fits of a batch each do", [&] { return source_is_fits(); });
    failures_.ask("a model that begins in the middle has the same bits", [&] { return middle_is_a_beginning(); });
    return failures_.all();
  }

 private:
  // ---- the library

  // Of layers with the same numbers each time.
  GraphModel model() const {
    set_random_seed(g_.seed);
    return make_model(g_.graph, DTypePolicy(g_.dtype));
  }

  Tensors predict(const GraphModel& made, Size batch_size) const {
    return made.model.predict_outputs(Inputs(x_), {.batch_size = batch_size, .verbose = 0});
  }

  void compile(const GraphModel& made) const {
    std::vector<Loss> losses;
    std::vector<double> weights;
    for (const plain::Target& target : g_.targets) {
      losses.push_back(loss(target.loss));
      weights.push_back(target.weight);
    }
    made.model.compile(
        {.optimizer = SGD({.learning_rate = g_.optimizer.learning_rate, .momentum = g_.optimizer.momentum}),
         .loss = losses,
         .loss_weights = weights});
  }

  static Loss loss(const plain::Loss& l) {
    const bool logits = l.from_logits;
    if (l.name == "binary_crossentropy") {
      return losses::BinaryCrossentropy({.from_logits = logits, .label_smoothing = l.label_smoothing});
    }
    if (l.name == "categorical_crossentropy") {
      return losses::CategoricalCrossentropy({.from_logits = logits, .label_smoothing = l.label_smoothing});
    }
    if (l.name == "sparse_categorical_crossentropy") {
      return losses::SparseCategoricalCrossentropy({.from_logits = logits});
    }
    return l.name;
  }

  std::optional<Outputs> sample_weights() const {
    return !sample_weights_.empty() ? std::optional<Outputs>(Outputs(sample_weights_)) : std::nullopt;
  }

  double fit(const GraphModel& made) const {
    compile(made);
    const FitOptions options{.batch_size = g_.batch_size,
                             .verbose = 0,
                             .shuffle = false,
                             .sample_weight = sample_weights(),
                             .shards = g_.shards};
    return made.model.fit(Inputs(x_), Outputs(y_), options)["loss"].at(0);
  }

  // ---- the plain program

  // Of all samples, batch by batch: outputs, and the losses' means over samples, with their weighted sum in front.
  struct Evaluated {
    Arrays outputs;
    plain::Array losses;
  };
  Evaluated evaluate(const plain::Graph& graph, plain::Optimizer* optimizer) const {
    Evaluated all{Arrays(g_.targets.size()), plain::Array(g_.targets.size() + 1, 0.0)};
    for (Size begin = 0; begin < g_.samples; begin += g_.batch_size) {
      const Size end = std::min(begin + g_.batch_size, g_.samples);
      std::vector<plain::Tensor> x;
      std::vector<plain::Target> targets;
      for (const plain::Tensor& each : g_.x) x.push_back(plain::rows(each, begin, end));
      for (const plain::Target& each : g_.targets) targets.push_back(plain::rows(each, g_.samples, begin, end));
      const std::vector<double> losses = optimizer != nullptr ? plain::train(graph, x, targets, *optimizer)
                                                              : losses_of(graph, x, targets, all.outputs);
      for (Size i = 0; i < targets.size(); ++i) {
        const double share = losses[i] * static_cast<double>(end - begin) / static_cast<double>(g_.samples);
        all.losses[1 + i] += share;
        all.losses[0] += targets[i].weight * share;
      }
    }
    return all;
  }
  static std::vector<double> losses_of(const plain::Graph& graph, const std::vector<plain::Tensor>& x,
                                       const std::vector<plain::Target>& targets, Arrays& outputs) {
    const std::vector<plain::Tensor> predictions = plain::predict(graph, x);
    std::vector<double> losses;
    for (Size i = 0; i < targets.size(); ++i) {
      const plain::Tensor& y = predictions[i];
      losses.push_back(plain::loss_of_output(targets[i], y).value);
      outputs[i].insert(outputs[i].end(), y.values.begin(), y.values.end());
    }
    return losses;
  }

  // Its weights, each moved by up to so much of itself.
  plain::Graph graph(double move) const {
    Dice dice(g_.seed);
    plain::Graph copy = copy_of(g_.graph);
    for (plain::GraphLayer* layer : plain::layers_of(copy)) {
      for (plain::Array& w : layer->weights) {
        for (double& v : w) v *= 1 + move * dice.signed_unit();
      }
    }
    return copy;
  }

  // Weights after an epoch, moving statistics among them, and its loss.
  Arrays plain_fit(double move) const {
    const plain::Graph copy = graph(move);
    plain::Optimizer optimizer(g_.optimizer);
    Arrays all = {{evaluate(copy, &optimizer).losses[0]}};
    for (plain::Array& w : weights_of_all(copy)) all.push_back(std::move(w));
    return all;
  }
  static Arrays weights_of_all(const plain::Graph& graph) {
    Arrays all;
    for (const plain::GraphLayer* layer : plain::layers_of(graph)) {
      all.insert(all.end(), layer->weights.begin(), layer->weights.end());
    }
    return all;
  }

  // ---- the questions

  std::string predict_is_plain() const {
    const Arrays expected = evaluate(graph(0), nullptr).outputs, moved = evaluate(graph(bounds_.move), nullptr).outputs;
    return distance(plain_arrays(predict(model(), g_.batch_size)), expected, bounds_.bound, moved);
  }

  std::string evaluate_is_plain() const {
    const GraphModel made = model();
    compile(made);
    const Evaluation evaluation = made.model.evaluate(
        Inputs(x_), Outputs(y_), {.batch_size = g_.batch_size, .verbose = 0, .sample_weight = sample_weights()});
    plain::Array got;
    for (const auto& [name, value] : evaluation.values()) got.push_back(value);
    plain::Array expected = evaluate(graph(0), nullptr).losses, moved = evaluate(graph(bounds_.move), nullptr).losses;
    if (g_.targets.size() == 1) {  // then there is only the sum
      expected.resize(1);
      moved.resize(1);
    }
    return distance({got}, {expected}, bounds_.bound, {moved});
  }

  std::string training_is_plain() const {
    const GraphModel made = model();
    Arrays got = {{fit(made)}};
    std::vector<std::string> names = {"the loss"};
    for (const plain::GraphLayer* layer : plain::layers_of(g_.graph)) {
      Size number = 0;
      for (plain::Array& w : weights_of(made, *layer)) {
        got.push_back(std::move(w));
        names.push_back(layer->name + " weight " + std::to_string(number++));
      }
    }
    const std::string wrong = distance(got, plain_fit(0), bounds_.bound, plain_fit(bounds_.move));
    if (wrong.empty()) return "";
    return wrong + " (" + names.at(std::stoul(wrong.substr(std::string("tensor ").size()))) + ")";
  }

  // Predictions in batches of this size, what comes of training, and predictions then.
  Tensors walk(const Way& way, Size batch_size) const {
    const Walking walking(way);
    const GraphModel made = model();
    Tensors all = predict(made, batch_size);
    all.push_back(Tensor(std::vector<double>{fit(made)}));
    for (const Tensor& w : made.model.get_weights()) all.push_back(w);
    for (const Tensor& y : predict(made, batch_size)) all.push_back(y);
    return all;
  }

  std::string ways_change_no_bit() const {
    const Tensors expected = walk({best_, 1, false}, g_.batch_size);
    const std::vector<std::string> targets = simd_targets();
    const std::string other = targets[g_.seed / 4 % targets.size()];
    for (const Way& way : {Way{best_, 2, false}, Way{best_, 3, true}, Way{other, 3, false}}) {
      const std::string wrong = difference(walk(way, g_.other_batch_size), expected);
      if (wrong.empty()) continue;
      return way.target + ", " + std::to_string(way.threads) + " threads" + (way.executor ? " last first: " : ": ") +
             wrong;
    }
    return "";
  }

  std::string configuration_is_complete() const {
    const GraphModel made = model();
    const graph::Json config{{"class_name", "Functional"}, {"config", graph::Json::parse(made.model.get_config())}};
    const GraphModel again{training::model_from_config(config), {}, {}};
    const Tensors weights = made.model.get_weights();
    if (again.model.get_weights().size() != weights.size()) return "";  // what two models share they have twice now
    again.model.set_weights(weights);
    if (again.model.get_config() != made.model.get_config()) return "its own configuration is another one";
    const bool draws = has_dropout(g_.graph);  // other numbers there, as layers are made in another order
    const auto learned = [&](const GraphModel& each) {
      Tensors all = predict(each, g_.batch_size);
      if (draws) return all;
      all.push_back(Tensor(std::vector<double>{fit(each)}));
      for (const Tensor& w : each.model.get_weights()) all.push_back(w);
      return all;
    };
    return difference(learned(again), learned(made));
  }

  // Two batches, the second one with fewer samples and, where the graph takes any, fewer steps.
  std::string source_is_fits() const {
    plain::Graph graph = copy_of(g_.graph);
    std::vector<bool> any_steps;
    if (!take_any_time(graph, any_steps)) {
      graph = copy_of(g_.graph);
      any_steps.clear();
    }
    const Size border = (g_.samples + 2) / 2;
    const RandomGraph parts[] = {rows_of(g_, 0, border),
                                 one_step_less(rows_of(g_, border < g_.samples ? border : 0, g_.samples), any_steps)};
    Batches source;
    for (const RandomGraph& part : parts) source.all.push_back(GraphQuestions(part).batch());
    const auto made = [&] {
      set_random_seed(g_.seed);
      const GraphModel fresh = make_model(graph, DTypePolicy(g_.dtype));
      compile(fresh);
      return fresh;
    };
    const FitOptions options{.verbose = 0, .shuffle = false, .shards = g_.shards};
    const GraphModel by_source = made(), by_fits = made();
    by_source.model.fit(source, options);
    for (const Batch& batch : source.all) {
      FitOptions whole = options;
      whole.batch_size = batch.y.tensors()[0].shape()[0];
      whole.sample_weight = batch.sample_weight;
      by_fits.model.fit(batch.X, batch.y, whole);
    }
    const std::string wrong = difference(by_source.model.get_weights(), by_fits.model.get_weights());
    if (!wrong.empty()) return wrong;

    const auto plain_weights = [&](double move) {
      const plain::Graph copy = this->graph(move);
      plain::Optimizer optimizer(g_.optimizer);
      for (const RandomGraph& part : parts) (void)plain::train(copy, part.x, part.targets, optimizer);
      return weights_of_all(copy);
    };
    Arrays got;
    for (const plain::GraphLayer* layer : plain::layers_of(graph)) {
      for (plain::Array& w : weights_of(by_source, *layer)) got.push_back(std::move(w));
    }
    return distance(got, plain_weights(0), bounds_.bound, plain_weights(bounds_.move));
  }

  struct Batches : DataSource {
    std::vector<Batch> all;
    Index batches() const override { return static_cast<Index>(all.size()); }
    Batch batch(Index number) override { return all[static_cast<Size>(number)]; }
  };
  Batch batch() const { return {Inputs(x_), Outputs(y_), sample_weights()}; }

  // Masks are not handed over there.
  std::string middle_is_a_beginning() const {
    const GraphModel made = model();
    const plain::Call& call = g_.graph.calls[g_.seed / 4 % g_.graph.calls.size()];
    plain::Graph first = copy_of(g_.graph);
    first.outputs = {call.first_output};
    if (!plain::predict(first, g_.x)[0].mask.empty()) return "";
    std::vector<Symbol> inputs, outputs;
    for (Size n = 0; n < g_.x.size(); ++n) inputs.push_back(made.tensors.at(n));
    for (const Size n : g_.graph.outputs) outputs.push_back(made.tensors.at(n));
    const Symbol middle = made.tensors.at(call.first_output);
    const PredictOptions options{.batch_size = g_.batch_size, .verbose = 0};
    Tensors x = x_;
    x.push_back(Model(inputs, middle).predict_outputs(Inputs(x_), options)[0]);
    inputs.push_back(middle);
    return difference(Model(inputs, outputs).predict_outputs(Inputs(x), options), predict(made, g_.batch_size));
  }

  const RandomGraph& g_;
  Bounds bounds_;
  std::string best_;
  Tensors x_, y_, sample_weights_;
  Failures failures_;
};

// The graph with one tensor as its only output, which learns to be zeros.
RandomGraph part_of(const RandomGraph& g, Size tensor) {
  RandomGraph part = g;
  part.graph.outputs = {tensor};
  leave_out_what_leads_nowhere(part.graph);
  const plain::Tensor y = plain::predict(copy_of(part.graph), g.x)[0];
  part.targets.assign(1, plain::Target{.truth = plain::Array(y.values.size(), 0.0), .loss = {}});
  return part;
}

// The part up to the first tensor that is wrong by itself, as text; empty where all of it is needed.
std::string smallest_wrong_part(const RandomGraph& g, bool bits) {
  for (const plain::Call& call : g.graph.calls) {
    for (Size k = 0; k < call.outputs.size(); ++k) {
      const RandomGraph part = part_of(g, call.first_output + k);
      if (part.graph.calls.size() == g.graph.calls.size()) continue;
      const std::vector<std::string> wrong = check_random_graph(part, bits);
      if (!wrong.empty()) return "This part of it is wrong too:\n  " + wrong[0] + "\n" + to_string(part);
    }
  }
  return "";
}

}  // namespace

std::vector<std::string> check_random_graph(const RandomGraph& g, bool bits) { return GraphQuestions(g).ask(bits); }

std::string check_graph_seed(std::uint64_t seed) {
  const RandomGraph g = random_graph(seed);
  const bool bits = seed % 4 == 0;
  std::string text;
  for (const std::string& failure : check_random_graph(g, bits)) text += "  " + failure + "\n";
  if (text.empty()) return "";
  return "RONDO_SEED=" + std::to_string(seed) + " rondo_acceptance --gtest_filter=RandomGraphs.TheGivenOne\n" + text +
         to_string(g) + smallest_wrong_part(g, bits);
}

}  // namespace rondo::test
