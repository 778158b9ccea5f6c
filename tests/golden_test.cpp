// Parity with real Keras: every case of the golden files whose kind Rondo has, in float64 and in float32.
//
// The files are those of tests/golden (README.md there), or of the folder that RONDO_GOLDEN names. For each file one
// line says how many cases passed, failed, and are of a kind not supported yet, with these kinds. A kind is supported
// if the library accepts the case's configuration, so a new layer, loss, metric or optimizer is tested as soon as it
// is registered.
#include <algorithm>
#include <gtest/gtest.h>
#include <iostream>
#include <map>
#include <memory>
#include <optional>

#include <rondo/rondo.hpp>

#include "core/access.hpp"
#include "engine/staging.hpp"
#include "support/golden_check.hpp"
#include "support/golden_reader.hpp"
#include "support/keras_config.hpp"
#include "support/layer_probe.hpp"
#include "training/head.hpp"
#include "training/loss_call.hpp"
#include "training/model_node.hpp"
#include "training/optimizers/variables.hpp"

namespace rondo::golden {
namespace {

// float64 throughout; float32: forward passes, losses, gradients, and the first steps of a run; the end of a run.
constexpr double kDouble = 1e-9;
constexpr double kSingle = 1e-5;
constexpr Tolerance kSingleEnd{1e-3, 0};
constexpr std::size_t kSingleSteps = 3;

Tolerance tolerance(DType dtype) { return {dtype == DType::float64 ? kDouble : kSingle}; }

// Of what gradients go into. The numbers come from PyTorch, whose derivative of hard_sigmoid has a sixth rounded to
// float32 even in float64: 3e-8 too much.
Tolerance gradient_tolerance(DType dtype, const Json& config) {
  const bool rounded_sixth = config.dump().find("\"hard_sigmoid\"") != std::string::npos;
  return dtype == DType::float64 && rounded_sixth ? Tolerance{1e-7} : tolerance(dtype);
}

// Models take the dtype that is set when they are made.
class Floatx {
 public:
  explicit Floatx(DType dtype) : before_(floatx()) { set_floatx(dtype); }
  ~Floatx() { set_floatx(before_); }
  Floatx(const Floatx&) = delete;
  Floatx& operator=(const Floatx&) = delete;

 private:
  DType before_;
};

// A list of a case, or null where it has none.
const Json& list(const Json& object, const char* key) {
  static const Json none;
  return object.contains(key) ? object[key] : none;
}

// ---- layers --------------------------------------------------------------------------------------------------------

std::shared_ptr<graph::LayerNode> layer_of(const Json& one, DType dtype) {
  if (!one.contains("function")) return layer_from(one.at("layer"), dtype);
  const auto rank = static_cast<Index>(one.at("calls").at(0).at("inputs").at(0).at("shape").size());
  return Activation(activation_from(one["function"], rank), {.dtype = dtype}).node();
}

void compare_weights(Check& check, const std::string& what, const graph::LayerNode& node, const Json& expected,
                     Tolerance tolerance) {
  std::vector<Tensor> values;
  for (const engine::Parameter& p : node.parameters()) values.push_back(p.get());
  check.near(what, values, expected, tolerance);
}

void compare_weight_names(Check& check, const graph::LayerNode& node, const Json& expected) {
  const std::vector<engine::Parameter> parameters = node.parameters();
  for (std::size_t i = 0; i < std::min(parameters.size(), expected.size()); ++i) {
    check.same("name of weight " + std::to_string(i), parameters[i].path, expected[i].at("name"));
  }
}

test::ProbeArguments arguments_of(const Json& call) {
  test::ProbeArguments arguments{.inputs = tensors(call.at("inputs")),
                                 .initial_state = tensors(list(call, "initial_state")),
                                 .cotangents = tensors(list(call, "cotangents"))};
  for (const Json& mask : list(call, "mask")) arguments.masks.push_back(mask.is_null() ? Tensor() : tensor(mask));
  return arguments;
}

// What inference gives, whose plans keep less than those of training. Masks have no public door yet.
std::vector<Tensor> inference(const std::shared_ptr<graph::LayerNode>& node, const Json& call) {
  if (call.contains("mask")) {
    test::ProbeArguments arguments = arguments_of(call);
    arguments.cotangents.clear();
    arguments.training = false;
    return test::probe(*node, arguments).outputs;
  }
  std::vector<Tensor> inputs = tensors(call.at("inputs"));
  for (Tensor& state : tensors(list(call, "initial_state"))) inputs.push_back(std::move(state));
  return detail::Access::make<Layer>(node)(inputs);
}

// The layers of a stack, or the one layer.
std::vector<Json> layers_of(const Json& layer) {
  if (layer.at("class_name") != "Sequential") return {layer};
  std::vector<Json> all = layer.at("config").at("layers");
  std::erase_if(all, [](const Json& l) { return l.at("class_name") == "InputLayer"; });
  return all;
}

// One more call from the golden states: by layers that are not stateful and get the states as initial ones.
Tensor continued(const Json& one, const Json& state_after, Tensor x, DType dtype) {
  const std::vector<Json> layers = layers_of(one.at("layer"));
  const auto is_stateful = [](const Json& l) {
    const Json& config = l.at("config");
    return config.value("stateful", false) ||
           (config.contains("layer") && config["layer"].at("config").value("stateful", false));
  };
  const auto stateful = static_cast<std::size_t>(std::count_if(layers.begin(), layers.end(), is_stateful));
  const std::vector<Tensor> states = tensors(state_after), weights = tensors(one.at("weights"));
  const std::size_t each = states.size() / stateful;
  auto next_state = states.begin();
  auto next_weight = weights.begin();
  for (Json layer : layers) {
    test::ProbeArguments arguments{.inputs = {x}};
    if (is_stateful(layer)) {
      arguments.initial_state.assign(next_state, next_state + static_cast<std::ptrdiff_t>(each));
      next_state += static_cast<std::ptrdiff_t>(each);
      Json& config = layer["config"];
      config["stateful"] = false;
      for (const char* inside : {"layer", "backward_layer"}) {
        if (config.contains(inside)) config[inside]["config"]["stateful"] = false;
      }
    }
    const auto node = layer_from(layer, dtype);
    node->build({x.shape().from(1)});
    const auto count = static_cast<std::ptrdiff_t>(node->parameters().size());
    arguments.weights.assign(next_weight, next_weight + count);
    next_weight += count;
    x = test::probe(*node, arguments).outputs[0];
  }
  return x;
}

// A layer does not show the states it carries, so they are compared by what follows from them: after this call (and
// those before it) a further one must give what layers give that start from the golden states.
void compare_states(Check& check, const std::string& what, const Json& one, std::size_t call, DType dtype) {
  const Json& calls = one.at("calls");
  const auto node = layer_of(one, dtype);
  const Tensor x = tensor(calls[call].at("inputs").at(0));
  node->build({x.shape().from(1)});
  test::set_weights(*node, tensors(one.at("weights")));
  for (std::size_t i = 0; i <= call; ++i) (void)inference(node, calls[i]);
  const Tensor expected = continued(one, calls[call].at("state_after"), x, dtype);
  check.near(what + "what follows from state_after", detail::Access::make<Layer>(node)(x)[0], expected,
             tolerance(dtype));
}

void compare_call(Check& check, const std::string& what, const std::shared_ptr<graph::LayerNode>& node,
                  const Json& call, Index spare_rows, Tolerance gradient, bool commit = false) {
  test::ProbeArguments arguments = arguments_of(call);
  arguments.spare_rows = spare_rows;
  arguments.commit = commit;
  const test::Probed got = test::probe(*node, arguments);
  check.near(what + "output", got.outputs, call.at("outputs"), tolerance(node->dtype()));
  if (call.contains("output_mask") && call["output_mask"].is_object()) {
    check.near(what + "output mask", got.output_mask, tensor(call["output_mask"]), Tolerance{0});
  }
  if (!call.contains("gradients")) return;
  const Json& gradients = call["gradients"];
  check.near(what + "gradient of input", got.input_gradients, gradients.at("inputs"), gradient);
  check.near(what + "gradient of weight", got.weight_gradients, gradients.at("weights"), gradient);
  if (call.contains("initial_state")) {
    check.near(what + "gradient of initial state", got.state_gradients, gradients.at("initial_state"), gradient);
  }
}

void run_layer(Check& check, const Json& one, DType dtype) {
  refuse_other_keys("", one, {"id", "note", "layer", "function", "weights", "calls"});
  const Floatx floatx(dtype);
  const auto node = layer_of(one, dtype);
  for (const Json& call : one.at("calls")) {
    refuse_other_keys("", call,
                      {"inputs", "initial_state", "mask", "output_mask", "training", "outputs", "cotangents",
                       "objective", "gradients", "weights_after", "state_after"});
  }
  std::vector<Shape> samples;
  for (const Tensor& x : tensors(one["calls"].at(0).at("inputs"))) {
    if (x.rank() < 2) throw NotSupported("inputs without features");
    samples.push_back(x.shape().from(1));
  }
  node->build(samples);
  test::set_weights(*node, tensors(one.at("weights")));
  compare_weights(check, "weight", *node, one["weights"], tolerance(dtype));
  compare_weight_names(check, *node, one["weights"]);
  const Tolerance gradient = gradient_tolerance(dtype, one);
  const Index before = check.compared();
  for (std::size_t i = 0; i < one["calls"].size(); ++i) {
    const Json& call = one["calls"][i];
    const std::string what = one["calls"].size() == 1 ? "" : "call " + std::to_string(i) + ", ";
    if (call.contains("training") && call["training"] == false) {
      // Gradients are those of training, in which the layer may do something else.
      check.near("in inference, " + what + "output", inference(node, call), call["outputs"], tolerance(dtype));
    } else {
      compare_call(check, what, node, call, static_cast<Index>(i), gradient, /*commit=*/true);
    }
    if (call.contains("weights_after")) {
      compare_weights(check, what + "weight after", *node, call["weights_after"], tolerance(dtype));
    }
    if (call.contains("training") && call["training"] == false) continue;
    if (call.contains("state_after")) compare_states(check, what, one, i, dtype);
    if (!node->stateful()) {
      compare_call(check, "in a plan with spare rows, " + what, node, call, /*spare_rows=*/3, gradient);
      // A layer whose training changes weights normalizes with others in inference.
      if (call.contains("weights_after")) continue;
      check.near("in inference, " + what + "output", inference(node, call), call["outputs"], tolerance(dtype));
    }
  }
  if (check.compared() == before) throw std::logic_error("no output was compared");
}

// ---- losses and metrics --------------------------------------------------------------------------------------------

// What an update of a loss or metric is given.
struct HeadData {
  Tensor truth, prediction;
  std::optional<Tensor> mask = {}, sample_weight = {};
};

// Weights that broadcast otherwise than one a sample or one a row are refused by Rondo.
HeadData head_data(const Json& one) {
  HeadData data{tensor(one.at("y_true")), tensor(one.at("y_pred"))};
  const Shape rows = data.prediction.shape().without_last();
  if (one.contains("mask") && !one["mask"].is_null()) data.mask = tensor(one["mask"]);
  if (one.contains("sample_weight") && !one["sample_weight"].is_null()) {
    const Tensor weight = tensor(one["sample_weight"]);
    const bool one_each = weight.shape() == rows || weight.shape() == rows.append(1);
    if (!one_each && weight.rank() > 0) throw NotSupported("sample_weight that broadcasts");
    data.sample_weight = weight;
  }
  return data;
}

// Loss and metrics of one batch, computed by the head that ends a model's plan.
class HeadRun {
 public:
  HeadRun(const HeadData& data, const training::HeadOptions& options, DType dtype) : rows_(data.prediction.shape()[0]) {
    engine::PlanBuilder builder(dtype, rows_, engine::Use::training);
    const engine::Value v = builder.value(data.prediction.shape().from(1), /*gradient=*/true);
    if (data.mask) builder.set_mask(v, builder.mask_rows(builder.info(v).steps));
    prediction_ = builder.info(v);
    head_ = &builder.add(
        training::Head(builder, prediction_, data.truth.shape().from(1), options, data.sample_weight.has_value()));
    plan_ = builder.finish();
    workspace_.emplace(plan_->lease());
    stage(data.prediction, prediction_);
    stage(data.truth, head_->truth());
    if (data.sample_weight) stage(*data.sample_weight, *head_->sample_weights());
    if (data.mask) stage_mask(data.mask->to_vector());
    for (Index s = 0; s < plan_->forward_stages(); ++s) plan_->forward(run(), engine::Member(0, 1), s);
  }

  const training::BoundMetric& metric() const { return *head_->metric(0); }
  void add_to(std::vector<double>& state) const { head_->add_metric(run(), 0, state); }

 private:
  engine::Run run() const { return workspace_->run(rows_); }

  void stage(const Tensor& from, const engine::ValueInfo& to) {
    engine::stage_rows(from, {}, 0, {0, rows_}, to, to.data, plan_->dtype(), run().arena);
  }
  void stage_mask(const std::vector<double>& mask) {
    const auto to = prediction_.mask.rows<std::uint8_t>(run().arena);
    for (Index b = 0; b < rows_; ++b) {
      for (Index t = 0; t < prediction_.steps; ++t) {
        *to.at(b, t) = mask.at(static_cast<std::size_t>(b * prediction_.steps + t)) != 0 ? 1 : 0;
      }
    }
  }

  Index rows_;
  engine::ValueInfo prediction_;
  const training::Head* head_ = nullptr;  // the plan's
  std::unique_ptr<const engine::Plan> plan_;
  std::optional<engine::Workspace> workspace_;
};

// Keras takes predictions without a feature axis, and labels that broadcast. Rondo's models have no such outputs, and
// it wants labels of the predictions' shape. `bind` is the library's own check of the shapes.
template <class Bind>
void refuse_odd_shapes(const std::string& what, const Shape& truth, const Shape& prediction, Bind bind) {
  if (prediction.rank() < 2) throw NotSupported(what + " of predictions without a feature axis");
  try {
    (void)bind(prediction.from(1), truth.from(1));
  } catch (const ShapeError&) {
    if (truth.rank() == prediction.rank() && truth != prediction)
      throw NotSupported(what + " of labels that broadcast");
    throw;
  }
}

// In float32 1 - 1e-7, to which probabilities are clipped, is 1 - 1.2e-7, and with it the logarithm of the rest is off.
bool is_clipped_at_one(const Json& loss, const Tensor& prediction) {
  const std::vector<double> p = prediction.to_vector();
  return loss.at("class_name").get<std::string>().ends_with("Crossentropy") &&
         std::any_of(p.begin(), p.end(), [](double v) { return v > 1 - 1e-6; }) &&
         !loss.at("config").value("from_logits", false);
}

// Fit refuses such labels; the reference forgets one of two ways that end in a blank in their gradient, which is not
// that of its value.
bool has_blank_inside(const Json& loss, const Tensor& truth) {
  if (loss.at("class_name") != "CTC") return false;
  const std::vector<double> labels = truth.to_vector();
  for (std::size_t i = 0; i + 1 < labels.size(); ++i) {
    const bool same_sample = (i + 1) % static_cast<std::size_t>(truth.shape().back()) != 0;
    if (same_sample && labels[i] == 0 && labels[i + 1] != 0) return true;
  }
  return false;
}

Tensor times(const std::optional<Tensor>& weights, const Tensor& cotangent) {
  if (!weights) return cotangent;
  std::vector<double> products = cotangent.to_vector();
  const std::vector<double> factors = weights->to_vector();
  for (std::size_t i = 0; i < products.size(); ++i) products[i] *= factors.at(factors.size() == 1 ? 0 : i);
  return Tensor(cotangent.shape(), std::move(products));
}

void run_loss(Check& check, const Json& one, DType dtype) {
  refuse_other_keys(
      "loss", one,
      {"id", "note", "loss", "kwargs", "y_true", "y_pred", "mask", "sample_weight", "value", "cotangent", "gradient"});
  const Loss loss = loss_from(one.at("loss"), one.at("kwargs"));
  HeadData data = head_data(one);
  if (data.prediction.rank() == 1) data.prediction = data.prediction.reshape(data.prediction.shape().append(1));
  refuse_odd_shapes("loss", data.truth.shape(), data.prediction.shape(),
                    [&](const Shape& p, const Shape& t) { return loss.impl().bind(p, t); });
  const training::LossCall call(loss, {data.truth, data.prediction, data.sample_weight, data.mask}, dtype);
  const bool coarse = dtype == DType::float32 && is_clipped_at_one(one["loss"], data.prediction);
  check.near("value", call.value(), tensor(one.at("value")), coarse ? Tolerance{1e-2} : tolerance(dtype));
  if (!data.mask && data.truth.dtype() != DType::float32) {
    const Tensor prediction = tensor(one.at("y_pred")).cast(dtype);
    check.near("call", loss(data.truth, prediction, data.sample_weight), call.value(), tolerance(dtype));
  }
  // Of values times a cotangent each, which are weights.
  const bool has_cotangent = one.contains("cotangent") && !one["cotangent"].is_null();
  if (has_cotangent) data.sample_weight = times(data.sample_weight, tensor(one["cotangent"]));
  if (has_blank_inside(one["loss"], data.truth)) return;
  const training::LossCall back(loss, {data.truth, data.prediction, data.sample_weight, data.mask}, dtype);
  check.near("gradient", back.gradient().reshape(tensor(one.at("y_pred")).shape()), tensor(one.at("gradient")),
             tolerance(dtype));
}

// The sums of weights by thresholds are PyTorch's, which takes them in float32; and counts of pairs of classes are
// whole numbers, whose ratios it takes in float32.
Tolerance metric_tolerance(const Json& one, const Json& result, DType dtype) {
  const std::string name = one.at("metric").at("class_name");
  const bool weighted = std::any_of(one.at("updates").begin(), one.at("updates").end(),
                                    [](const Json& update) { return !list(update, "sample_weight").is_null(); });
  const bool by_thresholds = name == "AUC" || name.ends_with("AtSpecificity") || name.ends_with("AtSensitivity") ||
                             name.ends_with("AtRecall") || name.ends_with("AtPrecision");
  if (dtype == DType::float64 && result.value("dtype", "") == "float32") return {kSingle};
  if (dtype == DType::float64 && by_thresholds && weighted) return {1e-7};
  return tolerance(dtype);
}

// The case of a function has no configuration: it is Keras's mean_squared_error.
Metric metric_of(const Json& one) {
  const Json& given = one.at("metric");
  if (given.at("class_name") != "MeanMetricWrapper" || given.contains("config")) return metric_from(given);
  return metrics::MeanMetricWrapper("mean_squared_error", {.name = one.at("name").get<std::string>()});
}

std::string direction_of(const Metric& metric) {
  return metric.direction() == Direction::up ? "up" : metric.direction() == Direction::down ? "down" : "none";
}

Tensor product(const Tensor& a, const Tensor& b) {
  std::vector<double> numbers = a.to_vector();
  const std::vector<double> factors = b.to_vector();
  std::transform(numbers.begin(), numbers.end(), factors.begin(), numbers.begin(), std::multiplies<>());
  return {a.shape(), std::move(numbers)};
}

// Without a model, which has the masks: as weights they say the same.
void update(MetricState& state, const Json& given, DType dtype) {
  const auto of = [&](const char* key) -> std::optional<Tensor> {
    if (list(given, key).is_null()) return {};
    return tensor(given[key]).cast(dtype);
  };
  std::optional<Tensor> weights = of("sample_weight");
  if (given.contains("values")) {
    return weights ? state.update_state(*of("values"), *weights) : state.update_state(*of("values"));
  }
  if (const std::optional<Tensor> mask = of("mask")) weights = weights ? product(*weights, *mask) : mask;
  state.update_state(*of("y_true"), *of("y_pred"), weights);
}

void compare_alone(Check& check, const Json& one, const Metric& metric, DType dtype) {
  MetricState state(metric);
  for (const Json& given : one["updates"]) {
    update(state, given, dtype);
    const Json& result = given.at("result");
    check.near("result", state.result(), tensor(result), metric_tolerance(one, result, dtype));
  }
  state.reset_state();
  check.near("after reset", state.result(), tensor(one.at("after_reset")), tolerance(dtype));
}

// Models have predictions with a feature axis, and a weight for each row.
bool fits_a_head(const Json& given) {
  if (given.contains("values") || given.at("y_pred").at("shape").size() < 2) return false;
  if (list(given, "sample_weight").is_null()) return true;
  const Shape rows = tensor(given["y_pred"]).shape().without_last(), weights = tensor(given["sample_weight"]).shape();
  return weights == rows || weights == rows.append(1);
}

void compare_in_head(Check& check, const Json& one, const Metric& metric, DType dtype) {
  std::vector<double> state;
  for (const Json& given : one["updates"]) {
    if (!fits_a_head(given)) return;
    // A loss has to be there; this one takes labels of any kind. The metric heeds the weights.
    const HeadRun head(head_data(given), {.loss = Loss("crossentropy"), .metrics = {metric}}, dtype);
    const training::BoundMetric& bound = head.metric();
    state.resize(static_cast<std::size_t>(bound.state_size()), 0);
    head.add_to(state);
    std::vector<double> numbers(static_cast<std::size_t>(bound.result_shape().elements()));
    bound.result(state, numbers);
    const Json& result = given.at("result");
    check.near("result in a head", Tensor(bound.result_shape(), numbers), tensor(result),
               metric_tolerance(one, result, dtype));
  }
}

void run_metric(Check& check, const Json& one, DType dtype) {
  refuse_other_keys("metric", one, {"id", "note", "metric", "name", "updates", "direction", "after_reset"});
  const Metric metric = metric_of(one);
  check.same("name", metric.name(), one.at("name"));
  check.same("direction", direction_of(metric), one.value("direction", Json()).is_null() ? "none" : one["direction"]);
  for (const Json& update : one.at("updates")) {
    refuse_other_keys("metric", update, {"values", "y_true", "y_pred", "mask", "sample_weight", "result"});
  }
  compare_alone(check, one, metric, dtype);
  compare_in_head(check, one, metric, dtype);
}

// ---- optimizers ----------------------------------------------------------------------------------------------------

// An optimizer at work on a list of variables, each a block of its own, whose gradients stand one behind the other.
template <class T>
class Variables {
 public:
  // The constraint is on the first one.
  Variables(const Optimizer& optimizer, const Json& first, const std::optional<Constraint>& constraint)
      : state_(optimizer), constraint_(constraint) {
    std::ptrdiff_t offset = 0;
    for (const Json& one : first) {
      const Tensor value = tensor(one);
      auto block = std::make_shared<engine::ParameterBlock>(dtype_of<T>, value.size(), kernels::chosen());
      parameters_.push_back({one.at("name"), value.shape(), block, engine::PackedMap::contiguous(value.shape())});
      parameters_.back().set(value);
      gradients_.push_back({block, {offset}, {{0, value.size()}}});
      offset += static_cast<std::ptrdiff_t>(sizeof(T)) * value.size();
    }
    memory_.resize(static_cast<std::size_t>(offset) / sizeof(T));
    state_.prepare(gradients_, parameters_);
    std::vector<training::Clipping::Gradient> clipped;
    for (std::size_t i = 0; i < parameters_.size(); ++i) {
      clipped.push_back({parameters_[i].map, gradients_[i].gradient});
    }
    clipping_.emplace(state_.rule().clipping, dtype_of<T>, std::move(clipped));
  }

  // Gradients as Keras hands them to apply: of the loss times loss_scale_factor.
  void step(const std::vector<Tensor>& gradients) {
    auto next = memory_.begin();
    for (const Tensor& gradient : gradients) {
      for (const double g : gradient.to_vector()) *next++ = static_cast<T>(g / state_.rule().loss_scale_factor);
    }
    engine::Run run;
    run.gradients = reinterpret_cast<std::byte*>(memory_.data());
    const engine::Member alone(0, 1);
    state_.begin_step();
    if (state_.accumulates()) state_.accumulate(gradients_, run, alone);
    if (state_.updates() && clipping_->rule().needs_norms()) clipping_->add_squares(run, alone);
    if (state_.updates() && clipping_->rule()) clipping_->clip(run, alone);
    for (Index stage = 0; stage < state_.update_stages(); ++stage) state_.update(gradients_, run, alone, stage);
    state_.end_step(/*safe=*/false);
    if (constraint_) parameters_[0].set((*constraint_)(parameters_[0].get()));
  }

  training::OptimizerState& state() { return state_; }
  std::vector<Tensor> values() const {
    std::vector<Tensor> values;
    for (const engine::Parameter& parameter : parameters_) values.push_back(parameter.get());
    return values;
  }

  // Against Keras's list, whose names begin with the optimizer's own and may end with a number of Keras's.
  void compare_remembered(Check& check, const Json& expected, Tolerance tolerance) {
    const training::OptimizerVariables variables("golden", state_, parameters_);
    check.same("number of optimizer variables", std::to_string(variables.all().size()),
               std::to_string(expected.size()));
    for (std::size_t i = 0; i < std::min(expected.size(), variables.all().size()); ++i) {
      const auto& [name, value] = variables.all()[i];
      const auto without_optimizer = [](const std::string& text) { return text.substr(text.find('/') + 1); };
      std::string keras_name = without_optimizer(expected[i].at("name"));
      if (keras_name.starts_with("variable_")) keras_name = "variable";
      check.same("name of an optimizer variable", without_optimizer(name), keras_name);
      check.near(name, value, tensor(expected[i]), tolerance);
    }
    Index numbers = 0;
    for (const Json& one : expected) numbers += tensor(one).size();
    check.same("number of optimizer parameters", std::to_string(state_.variables(parameters_)),
               std::to_string(numbers));
  }

 private:
  training::OptimizerState state_;
  std::optional<Constraint> constraint_;
  std::vector<engine::Parameter> parameters_;
  std::vector<engine::GradientSlot> gradients_;
  std::vector<T> memory_;  // of the gradients
  std::optional<training::Clipping> clipping_;
};

template <class T>
void run_steps(Check& check, const Json& one, const Optimizer& optimizer) {
  const Tolerance near = tolerance(dtype_of<T>);
  Variables<T> variables(optimizer, one.at("variables"), constraint_from(list(one, "constraint_on_variable_0")));
  const Json& steps = one.at("steps");
  const bool all = std::is_same_v<T, double>;
  const std::size_t count = all ? steps.size() : std::min(kSingleSteps, steps.size());
  for (std::size_t i = 0; i < count; ++i) {
    const std::string what = "step " + std::to_string(i) + ", ";
    check.near(what + "learning rate", variables.state().learning_rate(), number(steps[i].at("learning_rate_used")),
               near);
    variables.step(tensors(steps[i].at("gradients")));
    check.near(what + "variable", variables.values(), steps[i].at("variables"), near);
    check.same(what + "iterations", std::to_string(variables.state().iterations()), steps[i].at("iterations").dump());
    if (steps[i].contains("optimizer_variables")) {
      variables.compare_remembered(check, steps[i]["optimizer_variables"], near);
    }
  }
  if (!all || !one.contains("variables_after_finalize")) return;
  variables.state().finish_training();
  check.near("variable after the end", variables.values(), one["variables_after_finalize"], near);
}

void run_schedule(Check& check, const Json& one) {
  refuse_other_keys("schedule", one, {"id", "note", "schedule", "schedule_steps", "schedule_values"});
  const LearningRateSchedule schedule = schedule_from(one.at("schedule"));
  const std::vector<double> values = numbers(one.at("schedule_values"));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Index step = one.at("schedule_steps").at(i);
    check.near("rate of step " + std::to_string(step), schedule(step), values[i], {kDouble});
  }
}

void run_optimizer(Check& check, const Json& one, DType dtype) {
  if (one.contains("schedule")) return run_schedule(check, one);
  Json serialized = one.at("optimizer");
  if (one.contains("exclude_from_weight_decay_var_names")) {
    serialized["config"]["exclude_from_weight_decay"] = one["exclude_from_weight_decay_var_names"];
  }
  const Optimizer optimizer = optimizer_from(serialized);
  refuse_other_keys("optimizer", one,
                    {"id", "note", "optimizer", "variables", "constraint_on_variable_0", "steps",
                     "variables_after_finalize", "exclude_from_weight_decay_var_names"});
  for (const Json& step : one.at("steps")) {
    refuse_other_keys("optimizer", step,
                      {"gradients", "learning_rate_used", "variables", "iterations", "optimizer_variables"});
  }
  dtype == DType::float64 ? run_steps<double>(check, one, optimizer) : run_steps<float>(check, one, optimizer);
}

// ---- training ------------------------------------------------------------------------------------------------------

// What a fit says: a series per name, the epochs, and the running losses of the first steps.
struct Course {
  std::map<std::string, std::vector<double>> series;
  std::vector<Index> epochs;
  std::vector<double> first_losses;
};

// A case in one dtype, from the initial weights on.
class TrainingRun {
 public:
  TrainingRun(const Json& one, DType dtype)
      : one_(one),
        floatx_(dtype),
        model_(model_from(one.at("model"), dtype)),
        X_(Inputs(tensors(one.at("x")))),
        y_(several(one.at("y"))) {
    const Json& compile = one.at("compile");
    refuse_other_keys("compile", compile, {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics"});
    refuse_other_keys("fit", list(one, "fit"),
                      {"epochs", "shuffle", "batch_size", "validation_split", "initial_epoch", "class_weight",
                       "steps_per_epoch", "validation_freq", "validation_batch_size"});
    CompileOptions options{.optimizer = optimizer_from(compile.at("optimizer")),
                           .loss = losses_from(compile.at("loss")),
                           .loss_weights = numbers(list(compile, "loss_weights")),
                           .metrics = metrics_from(list(compile, "metrics")),
                           .weighted_metrics = metrics_from(list(compile, "weighted_metrics"))};
    if (one.contains("validation_data")) {
      refuse_other_keys("validation_data", one["validation_data"], {"x", "y", "sample_weight"});
    }
    if (one.contains("sample_weight") && !one["sample_weight"].is_null()) weights_ = several(one["sample_weight"]);
    model_.set_weights(tensors(one.at("initial_weights")));
    model_.compile(options);
  }

  Course fit() {
    const Json& fit = one_.at("fit");
    FitOptions options{.epochs = fit.value("epochs", 1),
                       .verbose = 0,
                       .validation_split = fit.value("validation_split", 0.0),
                       .shuffle = fit.at("shuffle").get<bool>(),
                       .initial_epoch = fit.value("initial_epoch", 0)};
    if (fit.contains("batch_size")) options.batch_size = fit["batch_size"].get<int>();
    options.sample_weight = weights_;
    for (const auto& [number, weight] : list(fit, "class_weight").items()) {
      options.class_weight[std::stol(number)] = weight.get<double>();
    }
    const auto count = [&](const char* key) {
      return fit.contains(key) ? std::optional<Dim>(fit[key].get<int>()) : std::nullopt;
    };
    options.steps_per_epoch = count("steps_per_epoch");
    options.validation_batch_size = count("validation_batch_size");
    options.validation_freq = fit.value("validation_freq", 1);
    if (one_.contains("validation_data")) {
      const Json& data = one_["validation_data"];
      const Inputs X(tensors(data.at("x")));
      const Json& weights = list(data, "sample_weight");
      options.validation_data = weights.is_null() ? ValidationData(X, several(data.at("y")))
                                                  : ValidationData(X, several(data.at("y")), several(weights));
    }
    Course course;
    if (one_.contains("callbacks")) options.callbacks = callbacks_from(one_["callbacks"]);
    options.callbacks.push_back(
        std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_end = [&](Index, Logs& logs) {
          if (course.first_losses.size() < kSingleSteps) course.first_losses.push_back(logs["loss"]);
        }}));
    one_.contains("protocol") ? fit_by_protocol(options, course) : append(model_.fit(X_, y_, options), course);
    return course;
  }

  // train_on_batch and the like, one call after the other.
  void call(Check& check, const Json& calls, const Tolerance& near) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      refuse_other_keys("call", calls[i], {"call", "result", "sample_weight"});
      const std::string name = calls[i].at("call"), what = "call " + std::to_string(i) + ", " + name;
      const Json& result = calls[i].at("result");
      if (name == "predict_on_batch") {
        check.near(what, model_.predict_on_batch(X_), tensor(result), near);
        continue;
      }
      if (name != "train_on_batch" && name != "test_on_batch") throw NotSupported("call " + name);
      OnBatchOptions options;
      if (calls[i].value("sample_weight", false)) options.sample_weight = weights_;
      std::vector<double> values;
      for (const auto& [key, value] :
           (name == "train_on_batch" ? model_.train_on_batch(X_, y_, options) : model_.test_on_batch(X_, y_, options))
               .values()) {
        values.push_back(value);
      }
      check.near(what, Tensor(values), Tensor(numbers(result)), near);
    }
  }

  // Loss and metrics with the case's own batch size, in the order of compile.
  std::vector<std::pair<std::string, double>> evaluate() {
    model_.reset_states();
    const Json& given = one_.at("evaluate");
    return model_
        .evaluate(X_, y_,
                  {.batch_size = given.at("batch_size").get<int>(),
                   .verbose = 0,
                   .sample_weight = given.value("with_sample_weight", false) ? weights_ : std::nullopt})
        .values();
  }

  std::vector<Tensor> predict() {
    model_.reset_states();
    return model_.predict_outputs(X_, {.batch_size = one_.at("evaluate").at("batch_size").get<int>(), .verbose = 0});
  }

  const Model& model() const { return model_; }
  Index iterations() const {
    return static_cast<training::ModelNode&>(*model_.node()).compiled("a look").optimizer.iterations();
  }

 private:
  static Outputs several(const Json& data) { return data.is_object() ? Outputs(tensor(data)) : Outputs(tensors(data)); }
  static Losses losses_from(const Json& loss) {
    if (!loss.is_array()) return loss_from(loss);
    std::vector<Loss> losses;
    for (const Json& each : loss) losses.push_back(loss_from(each));
    return losses;
  }
  // One for each output stands in a list of its own, as several do.
  static Metrics metrics_from(const Json& metrics) {
    Metrics result;
    for (const Json& each : metrics) {
      if (each.is_array() && each.size() != 1) throw NotSupported("several metrics for each output");
      result.push_back(metric_from(each.is_array() ? each[0] : each));
    }
    return result;
  }

  static Callbacks callbacks_from(const Json& given) {
    Callbacks callbacks;
    for (const Json& each : given) callbacks.push_back(callback_from(each));
    return callbacks;
  }
  static std::shared_ptr<Callback> callback_from(const Json& given) {
    const std::string name = given.at("class_name");
    const Json& config = list(given, "config");
    if (name == "LearningRateScheduler") {
      return make_callback<LearningRateScheduler>(
          [rates = numbers(given.at("table"))](Index epoch) { return rates.at(static_cast<std::size_t>(epoch)); });
    }
    if (name == "EarlyStopping") {
      refuse_other_keys(name, config,
                        {"monitor", "min_delta", "patience", "baseline", "restore_best_weights", "start_from_epoch"});
      EarlyStoppingOptions o{.monitor = config.at("monitor"),
                             .min_delta = config.value("min_delta", 0.0),
                             .patience = config.value("patience", 0),
                             .restore_best_weights = config.value("restore_best_weights", false),
                             .start_from_epoch = config.value("start_from_epoch", 0)};
      if (config.contains("baseline")) o.baseline = config["baseline"].get<double>();
      return make_callback<EarlyStopping>(o);
    }
    if (name != "ReduceLROnPlateau") throw NotSupported("callback " + name);
    refuse_other_keys(name, config, {"monitor", "factor", "patience", "min_delta", "cooldown", "min_lr"});
    return make_callback<ReduceLROnPlateau>({.monitor = config.at("monitor"),
                                             .factor = config.value("factor", 0.1),
                                             .patience = config.value("patience", 10),
                                             .min_delta = config.value("min_delta", 1e-4),
                                             .cooldown = config.value("cooldown", 0),
                                             .min_lr = config.value("min_lr", 0.0)});
  }

  static void append(const History& history, Course& course) {
    course.epochs.insert(course.epochs.end(), history.epochs().begin(), history.epochs().end());
    for (const std::string& name : history.names()) {
      auto& series = course.series[name];
      series.insert(series.end(), history[name].begin(), history[name].end());
    }
  }

  // The only protocol there is: a fit for each epoch, and the states forgotten behind it.
  void fit_by_protocol(FitOptions options, Course& course) {
    const std::string protocol = one_.at("protocol");
    if (!protocol.starts_with("fit is called once per epoch") || protocol.find("reset") == std::string::npos) {
      throw NotSupported("protocol");
    }
    const Index epochs = *options.epochs;
    for (Index epoch = 0; epoch < epochs; ++epoch) {
      options.initial_epoch = epoch;
      options.epochs = epoch + 1;
      append(model_.fit(X_, y_, options), course);
      model_.reset_states();
    }
  }

  const Json& one_;
  Floatx floatx_;
  Model model_;
  Inputs X_;
  Outputs y_;
  std::optional<Outputs> weights_;
};

std::string names_of(const std::map<std::string, std::vector<double>>& series) {
  std::string names;
  for (const auto& [name, values] : series) names += name + " ";
  return names;
}

// The whole run, to the last bit that float64 shares with Keras.
void compare_double(Check& check, const Json& one, TrainingRun& run, const Course& course) {
  const Tolerance near = gradient_tolerance(DType::float64, one.at("model"));
  for (const auto& [name, values] : one.at("history").items()) {
    if (!course.series.contains(name)) continue;  // compare_names says so
    check.near("history of " + name, Tensor(course.series.at(name)), Tensor(numbers(values)), near);
  }
  compare_weights(check, "final weight", *run.model().node(), one.at("final_weights"), near);
  compare_weight_names(check, *run.model().node(), one["final_weights"]);
  check.same("iterations", std::to_string(run.iterations()), one.at("optimizer_iterations").dump());
  check.near("learning rate", run.model().learning_rate(), number(one.at("final_learning_rate")), near);

  const auto evaluation = run.evaluate();
  std::vector<double> values;
  for (const auto& [name, value] : evaluation) {
    values.push_back(value);
    check.near("evaluate " + name, value, number(one.at("evaluate").at("dict").at(name)), near);
  }
  check.near("evaluate", Tensor(values), Tensor(numbers(one.at("evaluate").at("list"))), near);
  check.near("predict", run.predict(), one.at("predict"), near);
}

// float32: the first steps closely, with the losses of the float64 run, which has been compared itself; then the
// loss at the end.
void compare_single(Check& check, const Json& one, TrainingRun& run, const Course& course) {
  check.near("loss of the first steps", Tensor(course.first_losses),
             Tensor(TrainingRun(one, DType::float64).fit().first_losses), {kSingle});
  check.near("final loss", course.series.at("loss").back(), number(one.at("history").at("loss").back()), kSingleEnd);
  check.near("evaluate loss", run.evaluate().at(0).second, number(one.at("evaluate").at("dict").at("loss")),
             kSingleEnd);
}

void run_calls(Check& check, const Json& one, DType dtype) {
  refuse_other_keys(
      "", one,
      {"id", "note", "model", "initial_weights", "x", "y", "sample_weight", "compile", "calls", "final_weights"});
  const Tolerance near = dtype == DType::float64 ? gradient_tolerance(dtype, one.at("model")) : Tolerance{kSingle};
  TrainingRun run(one, dtype);
  run.call(check, one.at("calls"), near);
  if (dtype == DType::float64) {
    compare_weights(check, "final weight", *run.model().node(), one.at("final_weights"), near);
  }
}

void run_training(Check& check, const Json& one, DType dtype) {
  if (one.contains("calls")) return run_calls(check, one, dtype);
  refuse_other_keys("", one,
                    {"id", "note", "model", "initial_weights", "x", "y", "sample_weight", "compile", "fit",
                     "validation_data", "callbacks", "protocol", "history", "epochs_run", "final_weights",
                     "optimizer_iterations", "final_learning_rate", "evaluate", "predict"});
  TrainingRun run(one, dtype);
  const Course course = run.fit();
  std::map<std::string, std::vector<double>> expected;
  for (const auto& [name, values] : one.at("history").items()) expected[name] = numbers(values);
  check.same("names of the history", names_of(course.series), names_of(expected));
  check.same("epochs", Json(course.epochs).dump(), one.at("epochs_run").dump());
  dtype == DType::float64 ? compare_double(check, one, run, course) : compare_single(check, one, run, course);
}

// ---- the files -----------------------------------------------------------------------------------------------------

using Runner = void (*)(Check&, const Json&, DType);

const std::map<std::string, Runner>& runners() {
  static const std::map<std::string, Runner> known = {{"layers", run_layer},
                                                      {"losses", run_loss},
                                                      {"metrics", run_metric},
                                                      {"optimizers", run_optimizer},
                                                      {"training", run_training}};
  return known;
}

// What became of all files of an area. `at_least` cases of the repository's own files must pass, so that a kind which
// Rondo has cannot silently become one that it has not; whoever adds a kind raises it.
void run_area(const std::string& area, Index at_least) {
  Index seen = 0, passed = 0;
  for (const File& file : files(area)) {
    ++seen;
    Tally tally;
    for (const Json& one : file.cases) {
      tally.run(one.at("id"), [&](Check& check, DType dtype) { runners().at(area)(check, one, dtype); });
    }
    std::cout << tally.line(file.name) << std::endl;
    for (const std::string& failure : tally.failures()) ADD_FAILURE() << file.name << ": " << failure;
    passed += tally.passed();
  }
  if (seen == 0 && folder_was_given()) GTEST_SKIP() << "no file of " << area << " in " << folder();
  EXPECT_GT(seen, 0) << "no file of " << area << " in " << folder();
  if (!folder_was_given()) {
    EXPECT_GE(passed, at_least);
  }
}

TEST(Golden, Layers) { run_area("layers", 291); }
TEST(Golden, Losses) { run_area("losses", 369); }
TEST(Golden, Metrics) { run_area("metrics", 278); }
TEST(Golden, Optimizers) { run_area("optimizers", 120); }
TEST(Golden, Training) { run_area("training", 78); }

// Says of the files that this program does not run how many cases they have; utils.json is for the tests of src/data.
TEST(Golden, OtherFiles) {
  for (const File& file : files()) {
    const std::string area = file.meta.value("area", "?");
    if (runners().contains(area) || area == "utils") continue;
    std::cout << file.name << ": 0 passed, 0 failed, " << file.cases.size() << " not supported yet: " << area << " "
              << file.cases.size() << std::endl;
  }
}

}  // namespace
}  // namespace rondo::golden
