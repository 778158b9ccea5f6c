#include "support/layer_conformance.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include <rondo/compute.hpp>
#include <rondo/error.hpp>
#include <rondo/layers.hpp>
#include <rondo/model.hpp>
#include <rondo/optimizers.hpp>
#include <rondo/random.hpp>

#include "core/dispatch.hpp"
#include "engine/staging.hpp"
#include "engine/thread_pool.hpp"
#include "graph/layer_node.hpp"
#include "layers/nodes.hpp"
#include "support/layer_probe.hpp"
#include "support/saved_layer.hpp"
#include "training/optimizers/state.hpp"

namespace rondo::test {

namespace {

using graph::LayerNode;
using Tensors = std::vector<Tensor>;

constexpr std::uint64_t kSeed = 20170523;
constexpr int kSteps = 2;  // of training where bits are compared; the second one reads copies that the first derived

// ---- numbers --------------------------------------------------------------------------------------------------------

// Numbers between -2 and 2 that keep away from multiples of one half, where activations have their kinks.
Tensor away_from_kinks(const Shape& shape, std::uint32_t stream) {
  const RandomStream random(kSeed, Purpose::user, stream);
  std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < elements.size(); ++i) {
    const double half_steps = static_cast<double>(random.below(8, 2 * i)) - 4;
    elements[i] = half_steps / 2 + 0.05 + 0.4 * random.uniform(2 * i + 1);
  }
  return Tensor(shape, std::move(elements));
}

Tensor normal(const Shape& shape, double scale, std::uint32_t stream) {
  const RandomStream random(kSeed, Purpose::user, stream, 1);
  std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i] = scale * random.normal(i);
  return Tensor(shape, std::move(elements));
}

double dot(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

double dot(const Tensors& a, const Tensors& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += dot(a[i], b[i]);
  return sum;
}

// x + scale * direction, in float64.
Tensor moved(const Tensor& x, const Tensor& direction, double scale) {
  std::vector<double> sum = x.to_vector();
  const std::vector<double> d = direction.to_vector();
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += scale * d[i];
  return Tensor(x.shape(), std::move(sum));
}

Tensor squares(const Tensor& x) {
  std::vector<double> elements = x.to_vector();
  for (double& e : elements) e *= e;
  return Tensor(x.shape(), std::move(elements));
}

Tensors rows_of(const Tensors& tensors, Index begin, Index end) {
  Tensors part;
  for (const Tensor& t : tensors) part.push_back(t.rows(begin, end));
  return part;
}

// ---- comparisons ----------------------------------------------------------------------------------------------------

void expect_same_bits(const Tensors& got, const Tensors& expected, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_TRUE(got[i].identical(expected[i])) << what << ", tensor " << i << ":\n"
                                               << got[i] << "\ninstead of\n"
                                               << expected[i];
  }
}

void expect_same_bits(const Probed& got, const Probed& expected, const std::string& what) {
  expect_same_bits(got.outputs, expected.outputs, what + ", outputs");
  expect_same_bits(got.input_gradients, expected.input_gradients, what + ", input gradients");
  expect_same_bits(got.state_gradients, expected.state_gradients, what + ", state gradients");
  expect_same_bits(got.weight_gradients, expected.weight_gradients, what + ", weight gradients");
}

void expect_close(const Tensors& got, const Tensors& expected, double bound, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const std::vector<double> a = got[i].to_vector(), b = expected[i].to_vector();
    ASSERT_EQ(got[i].shape(), expected[i].shape()) << what;
    double largest = 1, error = 0;
    for (std::size_t k = 0; k < a.size(); ++k) {
      largest = std::max(largest, std::abs(b[k]));
      error = std::max(error, std::abs(a[k] - b[k]));
    }
    EXPECT_LE(error, bound * largest) << what << ", tensor " << i;
  }
}

// ---- a layer under training -----------------------------------------------------------------------------------------

// A training plan of one layer that a team walks, with half the squared distance to a target as its loss. Unlike a
// Sequential model it takes layers of several inputs and outputs.
class Bench {
 public:
  Bench(const LayerNode& node, const Tensors& inputs) : node_(node), rows_(inputs[0].shape()[0]) {
    engine::PlanBuilder builder(node.dtype(), rows_, engine::Use::training);
    std::vector<engine::Value> values;
    for (const Tensor& x : inputs) values.push_back(builder.input(x.shape().from(1), /*gradient=*/true));
    for (const engine::Value v : node.plan(builder, values)) builder.output(v);
    plan_ = builder.finish();
    workspace_.emplace(plan_->lease());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const engine::ValueInfo& info = plan_->info(plan_->inputs()[i]);
      engine::stage_rows(inputs[i], {}, 0, {0, rows_}, info, info.data, plan_->dtype(), workspace_->arena());
    }
  }

  // One step towards the targets by a team of threads; returns the loss before it.
  double step(const Tensors& targets, training::OptimizerState& optimizer, Index threads) {
    node_.reset_states();
    const engine::Run run = workspace_->run(rows_);
    plan_->begin(run);
    plan_->derive_if_stale(*workspace_);
    optimizer.prepare(plan_->gradient_slots(), {});
    optimizer.begin_step();
    double loss = 0;
    using engine::Member;
    auto forward = [&](const Member& m, Index stage) {
      if (stage == 0) plan_->clear_gradients(run, m);
      plan_->forward(run, m, stage);
    };
    auto compare = [&](const Member& m) {
      if (m.rank() == 0) loss = stage_distance(targets);
    };
    auto backward = [&](const Member& m, Index stage) { plan_->backward(run, m, stage); };
    auto gradients = [&](const Member& m) { plan_->gradients(run, m); };
    auto update = [&](const Member& m) {
      optimizer.update(plan_->gradient_slots(), run, m, /*stage=*/0);
      if (m.rank() == 0) plan_->commit(run);
    };
    auto derive = [&](const Member& m) { plan_->derive(run, m); };
    engine::run_team(
        threads,
        {{forward, plan_->forward_stages()}, compare, {backward, plan_->backward_stages()}, gradients, update, derive});
    optimizer.end_step(/*safe=*/false);
    plan_->derived(*workspace_);
    return loss;
  }

  // Outputs of the last walk and the gradients of the inputs.
  Tensors results() const {
    Tensors all;
    for (const engine::Value v : plan_->outputs()) all.push_back(get(v, plan_->info(v).data));
    for (const engine::Value v : plan_->inputs()) all.push_back(get(v, plan_->info(v).gradient));
    return all;
  }

 private:
  Tensor get(engine::Value v, const engine::Place& from) const {
    const engine::ValueInfo& info = plan_->info(v);
    Tensor out(info.sample.prepend(rows_), plan_->dtype());
    engine::unstage_rows(info, from, plan_->dtype(), workspace_->arena(), 0, {0, rows_}, core::bytes_of(out));
    return out;
  }

  // Stages output - target as the outputs' gradients and returns half the sum of its squares.
  double stage_distance(const Tensors& targets) {
    double loss = 0;
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const engine::Value v = plan_->outputs()[i];
      const engine::ValueInfo& info = plan_->info(v);
      const Tensor distance = moved(get(v, info.data), targets[i], -1);
      engine::stage_rows(distance, {}, 0, {0, rows_}, info, info.gradient, plan_->dtype(), workspace_->arena());
      loss += dot(distance, distance) / 2;
    }
    return loss;
  }

  const LayerNode& node_;
  Index rows_;
  std::unique_ptr<const engine::Plan> plan_;
  std::optional<engine::Workspace> workspace_;
};

// The instruction set as it was.
class RestoredTarget {
 public:
  RestoredTarget() = default;
  ~RestoredTarget() { set_simd_target(target_); }
  RestoredTarget(const RestoredTarget&) = delete;
  RestoredTarget& operator=(const RestoredTarget&) = delete;

 private:
  std::string target_ = simd_target();
};

// ---- the checks -----------------------------------------------------------------------------------------------------

class Conformance {
 public:
  explicit Conformance(const LayerCase& layer_case) : case_(layer_case) {
    std::uint32_t stream = 0;
    for (const Shape& sample : case_.samples) inputs_.push_back(away_from_kinks(sample.prepend(case_.rows), stream++));
    const Layer layer = make(DType::float64);
    const Probed first = run(layer, inputs_);
    for (const WeightInfo& w : layer.weights()) {
      // Small enough that no gate is saturated, and none of them zero, the biases least of all.
      weights_.push_back(normal(w.shape, 0.5 / std::sqrt(static_cast<double>(w.shape[0])) + 0.05, stream++));
      if (w.name == "moving_variance") weights_.back() = squares(weights_.back());
    }
    for (const Tensor& y : first.outputs) {
      cotangents_.push_back(normal(y.shape(), 1, stream++));
      targets_.push_back(normal(y.shape(), 1, stream++));
    }
  }

  void all() {
    declared_shapes_are_the_actual_ones();
    if (case_.in_configuration) configuration_survives_a_round_trip();
    weights_survive_a_round_trip();
    gradients_are_those_of_the_function();
    float32_agrees_with_float64();
    for (const DType dtype : {DType::float32, DType::float64}) {
      SCOPED_TRACE(std::string(to_string(dtype)));
      a_step_down_the_gradient_lowers_the_loss(dtype);
      threads_change_no_bit(dtype);
      instruction_sets_change_no_bit(dtype);
      rows_do_not_depend_on_their_batch(dtype);
      spare_capacity_changes_no_bit(dtype);
      nan_is_not_hidden(dtype);
      padding_stays_zero(dtype);
      check_saved({make(dtype), inputs_, weights_, targets_, case_.in_configuration});
    }
  }

 private:
  // Draws of dropout are those of the seed and of the layer's number.
  Layer make(DType dtype) const {
    set_random_seed(kSeed);
    const Layer layer = case_.make(dtype);
    EXPECT_EQ(layer.dtype(), dtype);
    return layer;
  }

  // A new layer with the case's weights.
  Layer weighted(DType dtype) const {
    const Layer layer = make(dtype);
    layer.node()->build(case_.samples);
    test::set_weights(*layer.node(), weights_);
    return layer;
  }

  // One walk from fresh recurrent state.
  static Probed run(const Layer& layer, const Tensors& inputs, const Tensors& cotangents = {}, Index spare_rows = 0) {
    layer.reset_states();
    return probe(*layer.node(), {.inputs = {inputs[0]},
                                 .initial_state = Tensors(inputs.begin() + 1, inputs.end()),
                                 .weights = {},
                                 .cotangents = cotangents,
                                 .spare_rows = spare_rows});
  }

  // The outputs' shapes as declared, as computed with an unknown batch, and as they come.
  void declared_shapes_are_the_actual_ones() const {
    const Layer layer = make(DType::float64);
    const bool built = layer.built();  // a graph is from the start
    const std::vector<Shape> declared = layer.node()->output_shapes(case_.samples);
    if (case_.samples.size() == 1) {
      EXPECT_EQ(layer.compute_output_shape(case_.samples[0].prepend(Shape::kUnknown)),
                declared[0].prepend(Shape::kUnknown));
    }
    EXPECT_EQ(layer.built(), built) << "asking for a shape builds nothing";
    const Tensors outputs = layer(inputs_);
    ASSERT_EQ(outputs.size(), declared.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      EXPECT_EQ(outputs[i].shape(), declared[i].prepend(case_.rows));
      EXPECT_EQ(outputs[i].dtype(), DType::float64);
    }
    EXPECT_EQ(layer.node()->output_shapes(case_.samples), declared) << "a built layer declares the same";
  }

  void configuration_survives_a_round_trip() const {
    const Layer layer = weighted(DType::float64);
    const graph::Json config = graph::Json::parse(layer.get_config());
    set_random_seed(kSeed);
    const Layer again = detail::Access::make<Layer>(layers::layer_from_config(layer.class_name(), config));
    EXPECT_EQ(again.get_config(), layer.get_config());
    EXPECT_EQ(again.name(), layer.name());
    again.node()->build(case_.samples);
    test::set_weights(*again.node(), weights_);
    expect_same_bits(run(again, inputs_, cotangents_), run(layer, inputs_, cotangents_), "from configuration");
  }

  void weights_survive_a_round_trip() const {
    const Layer layer = make(DType::float64);
    layer.node()->build(case_.samples);
    layer.set_weights(weights_);
    expect_same_bits(layer.get_weights(), weights_, "weights by order");

    const Layer by_name = make(DType::float64);
    by_name.node()->build(case_.samples);
    const std::vector<WeightInfo> infos = by_name.weights();
    ASSERT_EQ(infos.size(), weights_.size());
    Index count = 0;
    for (std::size_t i = 0; i < infos.size(); ++i) {
      EXPECT_TRUE(infos[i].path.ends_with("/" + infos[i].name)) << infos[i].path;
      const auto of_that_name = std::count_if(infos.begin(), infos.end(),
                                              [&](const WeightInfo& other) { return other.name == infos[i].name; });
      by_name.set_weight(of_that_name == 1 ? infos[i].name : infos[i].path, weights_[i]);
      EXPECT_TRUE(by_name.get_weight(infos[i].path).identical(weights_[i])) << infos[i].path;
      count += infos[i].shape.elements();
    }
    EXPECT_EQ(by_name.count_params(), count);
    expect_same_bits(by_name.get_weights(), weights_, "weights by name");
    expect_same_bits(run(by_name, inputs_), run(layer, inputs_), "outputs after both");
  }

  // The objective is sum(output * cotangent). For each tensor: along two random directions, which no wrong element
  // escapes, and for a few single elements, which say where an error is.
  void gradients_are_those_of_the_function() {
    const Layer layer = weighted(DType::float64);
    const Probed exact = run(layer, inputs_, cotangents_);
    Tensors gradients = exact.input_gradients;
    gradients.insert(gradients.end(), exact.state_gradients.begin(), exact.state_gradients.end());
    ASSERT_EQ(gradients.size(), inputs_.size());
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const auto objective = [&](const Tensor& x) {
        Tensors inputs = inputs_;
        inputs[i] = x;
        return dot(run(layer, inputs).outputs, cotangents_);
      };
      expect_derivative(objective, inputs_[i], gradients[i], "input " + std::to_string(i));
    }
    ASSERT_EQ(exact.weight_gradients.size(), weights_.size());
    const std::vector<WeightInfo> infos = layer.weights();
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (!infos[i].trainable) {
        EXPECT_TRUE(exact.weight_gradients[i].empty()) << infos[i].path << " is frozen";
        continue;
      }
      const auto objective = [&](const Tensor& w) {
        Tensors weights = weights_;
        weights[i] = w;
        layer.set_weights(weights);
        return dot(run(layer, inputs_).outputs, cotangents_);
      };
      expect_derivative(objective, weights_[i], exact.weight_gradients[i], infos[i].path);
    }
  }

  template <class Objective>
  void expect_derivative(Objective objective, const Tensor& at, const Tensor& gradient, const std::string& what) const {
    // Truncation h^2 and rounding 1e-16 / h balance near 1e-5, at an error of about 1e-10.
    constexpr double kStep = 1e-5;
    const auto expect_along = [&](const Tensor& direction, const std::string& where) {
      const double expected =
          (objective(moved(at, direction, kStep)) - objective(moved(at, direction, -kStep))) / (2 * kStep);
      const double got = dot(gradient, direction);
      EXPECT_LE(std::abs(got - expected), case_.difference_bound * std::max(1.0, std::abs(expected)))
          << what << ", " << where << ": " << got << " instead of " << expected;
    };
    ASSERT_EQ(gradient.shape(), at.shape()) << what;
    // Scaled so that no element moves by more than a few steps: kinks are 0.05 away.
    for (std::uint32_t k = 0; k < 2; ++k) {
      expect_along(normal(at.shape(), 1, 1000 + k), "along direction " + std::to_string(k));
    }
    const Index count = at.size(), stride = std::max<Index>(1, count / 5);
    for (Index e = 0; e < count; e += stride) {
      std::vector<double> unit(static_cast<std::size_t>(count), 0.0);
      unit[static_cast<std::size_t>(e)] = 1;
      expect_along(Tensor(at.shape(), std::move(unit)), "element " + std::to_string(e));
    }
  }

  void float32_agrees_with_float64() const {
    const Probed single = run(weighted(DType::float32), inputs_, cotangents_);
    const Probed exact = run(weighted(DType::float64), inputs_, cotangents_);
    expect_close(single.outputs, exact.outputs, case_.float32_bound, "float32 outputs");
    expect_close(single.input_gradients, exact.input_gradients, case_.float32_bound, "float32 input gradients");
    expect_close(single.state_gradients, exact.state_gradients, case_.float32_bound, "float32 state gradients");
    expect_close(single.weight_gradients, exact.weight_gradients, case_.float32_bound, "float32 weight gradients");
  }

  // On the bench, and through Model::fit where a Sequential model takes the layer.
  void a_step_down_the_gradient_lowers_the_loss(DType dtype) const {
    if (!weights_.empty()) {
      const Layer layer = weighted(dtype);
      Bench bench(*layer.node(), inputs_);
      training::OptimizerState sgd{SGD({.learning_rate = 1e-3})};
      const double before = bench.step(targets_, sgd, 1);
      expect_lower(bench.step(targets_, sgd, 1), before);
    }
    // What evaluate says of a layer with moving statistics depends on more than the step.
    if (inputs_.size() > 1 || targets_.size() > 1 || case_.training_differs) return;
    Sequential model;
    // A layer without weights learns through one in front of it that keeps the shape.
    if (weights_.empty()) model.add(Dense(case_.samples[0].back(), {.dtype = dtype}));
    const Layer layer = make(dtype);
    model.add(layer);
    model.compile({.optimizer = SGD({.learning_rate = 1e-3}), .loss = "mse"});
    model.build(case_.samples[0].prepend(Shape::kUnknown));
    const auto loss = [&] {
      model.reset_states();
      const double value = model.evaluate(inputs_[0], targets_[0], {.batch_size = case_.rows, .verbose = 0}).loss();
      model.reset_states();
      return value;
    };
    const double before = loss();
    model.fit(inputs_[0], targets_[0], {.batch_size = case_.rows, .verbose = 0});
    expect_lower(loss(), before);
  }

  void expect_lower(double after, double before) const {
    if (case_.flat_in_places && after == before) return;
    EXPECT_LT(after, before) << "after a step down the gradient";
  }

  // Weights, outputs and input gradients after some steps of Adam with a team of so many threads.
  Tensors trained(const Layer& layer, Index threads) const {
    Bench bench(*layer.node(), inputs_);
    training::OptimizerState adam{Adam({.learning_rate = 0.01})};
    for (int step = 0; step < kSteps; ++step) bench.step(targets_, adam, threads);
    Tensors all = bench.results();
    for (Tensor& w : layer.get_weights()) all.push_back(std::move(w));
    return all;
  }

  // Large teams cost milliseconds on machines with fewer processors, so only one dtype meets them.
  void threads_change_no_bit(DType dtype) const {
    const Tensors alone = trained(weighted(dtype), 1);
    const std::vector<Index> teams = dtype == DType::float32 ? std::vector<Index>{2, 3, 8} : std::vector<Index>{3};
    for (const Index threads : teams) {
      expect_same_bits(trained(weighted(dtype), threads), alone, std::to_string(threads) + " threads");
    }
  }

  void instruction_sets_change_no_bit(DType dtype) const {
    const RestoredTarget restored;
    std::optional<Probed> best;
    Tensors best_trained;
    for (const std::string& target : simd_targets()) {
      set_simd_target(target);
      const Probed walk = run(weighted(dtype), inputs_, cotangents_);
      const Tensors after = trained(weighted(dtype), 1);
      if (!best) {
        best = walk;
        best_trained = after;
      } else {
        expect_same_bits(walk, *best, target);
        expect_same_bits(after, best_trained, target + " after training");
      }
    }
  }

  void rows_do_not_depend_on_their_batch(DType dtype) const {
    const Layer layer = weighted(dtype);
    layer.reset_states();
    const Tensors together = layer(inputs_);
    for (Index r = 0; r < case_.rows; ++r) {
      layer.reset_states();
      expect_same_bits(layer(rows_of(inputs_, r, r + 1)), rows_of(together, r, r + 1), "row " + std::to_string(r));
    }
    if (case_.training_differs) return;
    // Training walks the same products.
    expect_same_bits(run(layer, inputs_).outputs, together, "training and inference");
  }

  void spare_capacity_changes_no_bit(DType dtype) const {
    const Layer layer = weighted(dtype);
    const Probed exact = run(layer, inputs_, cotangents_);
    for (const Index spare : {1, 11}) {
      expect_same_bits(run(layer, inputs_, cotangents_, spare), exact, std::to_string(spare) + " spare rows");
    }
  }

  void nan_is_not_hidden(DType dtype) const {
    const Layer layer = weighted(dtype);
    layer.reset_states();
    const Tensors clean = layer(inputs_);
    // The middle element of the middle row.
    const Shape& sample = case_.samples[0];
    const Index row = case_.rows / 2, features = sample.back(), steps = sample.elements() / features;
    const Index nan_step = steps / 2, nan_feature = features / 2;
    Tensors inputs = inputs_;
    inputs[0] = inputs[0].reshape({case_.rows, steps, features});
    inputs[0].set({row, nan_step, nan_feature}, std::nan(""));
    inputs[0] = inputs[0].reshape(sample.prepend(case_.rows));
    layer.reset_states();
    const Tensors outputs = layer(inputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      expect_same_bits({outputs[i].rows(0, row), outputs[i].rows(row + 1)},
                       {clean[i].rows(0, row), clean[i].rows(row + 1)}, "rows beside a NaN");
      const Tensor y = outputs[i].rows(row, row + 1);
      const Index units = y.shape().back(), y_steps = y.size() / units;
      const std::vector<double> elements = y.to_vector();
      if (case_.nan_reach == NanReach::one || case_.nan_reach == NanReach::some) {
        const auto reached = std::count_if(elements.begin(), elements.end(), [](double v) { return std::isnan(v); });
        EXPECT_GE(reached, 1);
        if (case_.nan_reach == NanReach::one) {
          EXPECT_EQ(reached, 1);
        }
        continue;
      }
      for (Index t = 0; t < y_steps; ++t) {
        for (Index u = 0; u < units; ++u) {
          if (!reached(t, u, y_steps, steps, nan_step, nan_feature, units)) continue;
          EXPECT_TRUE(std::isnan(elements[static_cast<std::size_t>(t * units + u)]))
              << "output " << i << ", step " << t << ", feature " << u << " is "
              << elements[static_cast<std::size_t>(t * units + u)] << " for a NaN";
        }
      }
    }
  }

  bool reached(Index t, Index u, Index y_steps, Index steps, Index nan_step, Index nan_feature, Index units) const {
    if (case_.nan_reach == NanReach::onward) {
      return y_steps < steps || t >= (case_.backwards ? steps - 1 - nan_step : nan_step);
    }
    if (t != nan_step) return false;
    return case_.nan_reach == NanReach::step || u == nan_feature % units;  // glu folds its input in two
  }

  void padding_stays_zero(DType dtype) const {
    const Layer layer = weighted(dtype);
    (void)trained(layer, 1);
    std::set<std::shared_ptr<engine::ParameterBlock>> blocks;
    for (const engine::Parameter& p : layer.node()->parameters()) blocks.insert(p.block);
    for (const auto& block : blocks) {
      std::vector<bool> mapped(static_cast<std::size_t>(block->size()), false);
      for (const engine::Parameter& p : layer.node()->parameters()) {
        if (p.block != block) continue;
        for (Index i = 0; i < p.shape.elements(); ++i) {
          const auto place = static_cast<std::size_t>(p.map(i));
          ASSERT_LT(place, mapped.size()) << p.path;
          EXPECT_FALSE(mapped[place]) << p.path << ": element " << i << " shares its place with another";
          mapped[place] = true;
        }
      }
      for (std::size_t i = 0; i < mapped.size(); ++i) {
        const double value =
            dtype == DType::float32 ? static_cast<double>(block->values<float>()[i]) : block->values<double>()[i];
        EXPECT_TRUE(mapped[i] || value == 0) << "padding at " << i << " of " << mapped.size() << " is " << value;
      }
    }
  }

  LayerCase case_;
  Tensors inputs_, weights_, cotangents_, targets_;
};

}  // namespace

void check_layer(const LayerCase& layer_case) {
  SCOPED_TRACE(layer_case.label);
  clear_session();
  set_random_seed(kSeed);
  try {
    Conformance(layer_case).all();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "an exception came out: " << error.what();
  }
}

}  // namespace rondo::test
