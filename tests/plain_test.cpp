// The plain program (tests/support/plain) is what Rondo is compared with, so it is tested here by what it cannot have
// in common with Rondo: its derivatives by differences of its own values, its values by Keras's golden numbers.
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <random>

#include <rondo/rondo.hpp>

#include "support/golden_check.hpp"
#include "support/golden_reader.hpp"
#include "support/keras_config.hpp"
#include "support/plain/dense.hpp"
#include "support/plain/model.hpp"
#include "support/plain_config.hpp"

namespace plain {
namespace {

using rondo::Index;
using rondo::golden::Json;

// ---- differences
// -----------------------------------------------------------------------------------------------------

Array random_array(Size size, double scale, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Array x(size);
  for (double& v : x) v = scale * (static_cast<double>(random() >> 11) * 0x1p-52 - 1);
  return x;
}

double dot(const Array& a, const Array& b) {
  double sum = 0;
  for (Size i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// Each element of `gradient` against the central difference of `objective`, as `variable` changes.
void expect_gradient(const std::string& what, Array& variable, const Array& gradient,
                     const std::function<double()>& objective) {
  constexpr double kStep = 1e-5;
  ASSERT_EQ(gradient.size(), variable.size()) << what;
  for (Size i = 0; i < variable.size(); ++i) {
    const double at = variable[i];
    variable[i] = at + kStep;
    const double above = objective();
    variable[i] = at - kStep;
    const double below = objective();
    variable[i] = at;
    const double difference = (above - below) / (2 * kStep);
    EXPECT_NEAR(gradient[i], difference, 1e-8 * std::max(1.0, std::abs(difference))) << what << " " << i;
  }
}

// All names, and the functions with other options than Keras's.
std::vector<Activation> all_activations() {
  std::vector<Activation> all;
  for (const std::string& name : rondo::activation_names()) all.emplace_back(name);
  all.emplace_back("relu",
                   std::map<std::string, double>{{"negative_slope", 0.1}, {"max_value", 1}, {"threshold", 0.3}});
  all.emplace_back("elu", std::map<std::string, double>{{"alpha", 0.7}});
  all.emplace_back("celu", std::map<std::string, double>{{"alpha", 0.7}});
  all.emplace_back("gelu", std::map<std::string, double>{{"approximate", 1}});
  all.emplace_back("squareplus", std::map<std::string, double>{{"b", 1}});
  all.emplace_back("threshold", std::map<std::string, double>{{"threshold", 0.2}, {"default_value", -1}});
  return all;
}

TEST(Plain, SlopesOfActivationsAreDifferencesOfTheirValues) {
  for (const Activation& f : all_activations()) {
    Array x = random_array(18, 4, 1);
    const Size features = 6;
    const Array dy = random_array(18 / features * activated_features(f, features), 1, 2);
    expect_gradient(f.name, x, activate_backward(f, x, dy, features),
                    [&] { return dot(activate(f, x, features), dy); });
  }
}

TEST(Plain, GradientsOfDenseAreDifferencesOfItsOutputs) {
  for (const bool bias : {true, false}) {
    DenseWeights w{3, 4, random_array(12, 1, 1), {}};
    if (bias) w.bias = random_array(4, 1, 2);
    Array x = random_array(15, 1, 3);
    const Array dy = random_array(20, 1, 4);
    const DenseGradients d = dense_backward(w, x, dy);
    const auto objective = [&] { return dot(dense_forward(w, x), dy); };
    expect_gradient("x", x, d.x, objective);
    expect_gradient("kernel", w.kernel, d.kernel, objective);
    expect_gradient("bias", w.bias, d.bias, objective);
  }
}

struct LstmCase {
  std::string what;
  bool bias = true, state = false, masked = false;
  LstmOptions options = {};
};

void check_lstm(const LstmCase& one) {
  SCOPED_TRACE(one.what);
  const Size batch = 3, steps = 5, inputs = 2, units = 3;
  LstmCall call;
  call.weights = {inputs, units, random_array(inputs * 4 * units, 1, 1), random_array(4 * units * units, 1, 2), {}};
  if (one.bias) call.weights.bias = random_array(4 * units, 1, 3);
  call.options = one.options;
  call.x = random_array(batch * steps * inputs, 1, 4);
  call.batch = batch;
  call.steps = steps;
  if (one.state) {
    call.initial_h = random_array(batch * units, 1, 5);
    call.initial_c = random_array(batch * units, 1, 6);
  }
  if (one.masked) call.mask = {1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
  const Array dy = random_array(batch * steps * units, 1, 7), dh = random_array(batch * units, 1, 8),
              dc = random_array(batch * units, 1, 9);
  const LstmGradients d = lstm_backward(call, lstm_forward(call), dy, dh, dc);
  const auto objective = [&] {
    const LstmForward f = lstm_forward(call);
    return dot(f.outputs, dy) + dot(f.final_h, dh) + dot(f.final_c, dc);
  };
  expect_gradient("x", call.x, d.x, objective);
  expect_gradient("kernel", call.weights.kernel, d.kernel, objective);
  expect_gradient("recurrent kernel", call.weights.recurrent_kernel, d.recurrent_kernel, objective);
  expect_gradient("bias", call.weights.bias, d.bias, objective);
  call.initial_h.resize(batch * units);  // zeros where there was none
  call.initial_c.resize(batch * units);
  expect_gradient("initial h", call.initial_h, d.initial_h, objective);
  expect_gradient("initial c", call.initial_c, d.initial_c, objective);
}

TEST(Plain, GradientsOfLstmAreDifferencesOfItsOutputs) {
  check_lstm({.what = "as Keras has it"});
  check_lstm({.what = "without bias, from a state", .bias = false, .state = true});
  check_lstm({.what = "other activations",
              .options = {.activation = "softsign", .recurrent_activation = "silu", .go_backwards = true}});
  check_lstm({.what = "with a mask", .state = true, .masked = true});
  check_lstm({.what = "with a mask, backwards", .masked = true, .options = {.go_backwards = true}});
  check_lstm(
      {.what = "with a mask and zeros", .state = true, .masked = true, .options = {.zero_output_for_mask = true}});
}

void check_gru(const std::string& what, const GruOptions& options, bool bias = true, bool state = false,
               bool masked = false) {
  SCOPED_TRACE(what);
  const Size batch = 3, steps = 5, inputs = 2, units = 3;
  GruCall call;
  call.weights = {inputs, units, random_array(inputs * 3 * units, 1, 1), random_array(3 * units * units, 1, 2), {}};
  if (bias) call.weights.bias = random_array((options.reset_after ? 6 : 3) * units, 1, 3);
  call.options = options;
  call.x = random_array(batch * steps * inputs, 1, 4);
  call.batch = batch;
  call.steps = steps;
  if (state) call.initial_h = random_array(batch * units, 1, 5);
  if (masked) call.mask = {1, 1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
  const Array dy = random_array(batch * steps * units, 1, 7), dh = random_array(batch * units, 1, 8);
  const GruGradients d = gru_backward(call, gru_forward(call), dy, dh);
  const auto objective = [&] {
    const GruForward f = gru_forward(call);
    return dot(f.outputs, dy) + dot(f.final_h, dh);
  };
  expect_gradient("x", call.x, d.x, objective);
  expect_gradient("kernel", call.weights.kernel, d.kernel, objective);
  expect_gradient("recurrent kernel", call.weights.recurrent_kernel, d.recurrent_kernel, objective);
  expect_gradient("bias", call.weights.bias, d.bias, objective);
  call.initial_h.resize(batch * units);  // zeros where there was none
  expect_gradient("initial h", call.initial_h, d.initial_h, objective);
}

TEST(Plain, GradientsOfGruAreDifferencesOfItsOutputs) {
  for (const bool after : {true, false}) {
    SCOPED_TRACE(after ? "reset_after" : "reset before");
    check_gru("as Keras has it", {.reset_after = after});
    check_gru("without bias, from a state", {.reset_after = after}, /*bias=*/false, /*state=*/true);
    check_gru("other activations",
              {.activation = "softsign", .recurrent_activation = "silu", .go_backwards = true, .reset_after = after});
    check_gru("with a mask", {.reset_after = after}, true, /*state=*/true, /*masked=*/true);
    check_gru("with a mask and zeros", {.zero_output_for_mask = true, .reset_after = after}, true, true, true);
  }
}

TEST(Plain, GradientsOfLossesAreDifferencesOfTheirValues) {
  const Size features = 4, rows = 3;
  for (const bool from_logits : {false, true}) {
    for (const double smoothing : {0.0, 0.1}) {
      for (const char* name : {"mean_squared_error", "mean_absolute_error", "binary_crossentropy",
                               "categorical_crossentropy", "sparse_categorical_crossentropy"}) {
        const Loss loss{name, from_logits, smoothing};
        Array prediction = random_array(rows * features, 0.4, 1), truth = random_array(rows * features, 0.5, 2);
        for (double& v : prediction) v += 0.5;
        for (double& v : truth) v += 0.5;
        if (std::string(name).starts_with("sparse")) truth = {2, 0, 3};
        expect_gradient(name, prediction, loss_gradient(loss, truth, prediction, features),
                        [&] { return loss_of_batch(loss, truth, prediction, features); });
      }
    }
  }
}

TEST(Plain, GradientsOfModelsAreDifferencesOfTheirLoss) {
  const std::vector<Layer> layers = {
      {.kind = "LSTM", .units = 3, .activation = "tanh", .return_sequences = true, .go_backwards = true},
      {.kind = "Activation", .activation = "softmax"},
      {.kind = "LSTM", .units = 4, .activation = "tanh", .use_bias = false},
      {.kind = "Dense", .units = 6, .activation = "glu"}};
  std::vector<Array> weights;
  for (const Size size : std::initializer_list<Size>{2 * 12, 3 * 12, 12, 3 * 16, 4 * 16, 4 * 6, 6}) {
    weights.push_back(random_array(size, 1, weights.size()));
  }
  Model model(layers);
  model.set_weights(weights);
  Batch x{.values = random_array(2 * 4 * 2, 1, 20),
          .batch = 2,
          .steps = 4,
          .features = 2,
          .mask = {1, 1, 0, 1, 0, 1, 1, 1}};
  const Array truth = random_array(6, 1, 21);
  const auto objective = [&] {
    model.set_weights(weights);
    return loss_of_batch({}, truth, model.forward(x).values, 3);
  };
  const Batch y = model.forward(x);
  const ModelGradients d = model.backward(loss_gradient({}, truth, y.values, 3));
  expect_gradient("x", x.values, d.x, objective);
  ASSERT_EQ(d.weights.size(), weights.size());
  for (Size i = 0; i < weights.size(); ++i) expect_gradient("weights", weights[i], d.weights[i], objective);
}

// ---- golden numbers
// ----------------------------------------------------------------------------------------------------

using rondo::golden::NotSupported;
using rondo::test::plain_arrays;

// |got - expected| <= tolerance max(1, |expected|); null: not compared.
void expect_near(const std::string& what, const Array& got, const Json& expected, double tolerance = 1e-9) {
  if (expected.is_null()) return;
  const Array numbers = rondo::golden::tensor(expected).to_vector();
  ASSERT_EQ(got.size(), numbers.size()) << what;
  for (Size i = 0; i < got.size(); ++i) {
    if (got[i] == numbers[i] || (std::isnan(got[i]) && std::isnan(numbers[i]))) continue;
    ASSERT_NEAR(got[i], numbers[i], tolerance * std::max(1.0, std::abs(numbers[i]))) << what << " at " << i;
  }
}

void expect_near(const std::string& what, const std::vector<Array>& got, const Json& expected, double tolerance) {
  for (Size i = 0; i < expected.size(); ++i) {
    expect_near(what + " " + std::to_string(i), got.at(i), expected[i], tolerance);
  }
}

const Json& part(const Json& object, const char* key) {
  static const Json none;
  return object.contains(key) ? object[key] : none;
}

struct Call {
  Batch x;
  std::vector<Array> initial_state, cotangents;
};

struct Results {
  std::vector<Array> outputs, weight_gradients, state_gradients;
  Array input_gradient;
};

// A layer with its own call, for what a row of layers does not have: initial states, and the last states as outputs.
// `carried`: {h, c} that a stateful layer goes on from where the call brings none.
Results run_gru(const Layer& layer, const Call& call, std::vector<Array>& carried) {
  GruCall gru;
  gru.weights = {call.x.features, layer.units, layer.weights.at(0), layer.weights.at(1), {}};
  if (layer.use_bias) gru.weights.bias = layer.weights.at(2);
  gru.options = {layer.activation, layer.recurrent_activation, layer.go_backwards, layer.zero_output_for_mask,
                 layer.reset_after};
  gru.x = call.x.values;
  gru.batch = call.x.batch;
  gru.steps = call.x.steps;
  gru.mask = call.x.mask;
  const std::vector<Array>& initial = call.initial_state.empty() ? carried : call.initial_state;
  if (!initial.empty()) gru.initial_h = initial.at(0);
  const GruForward f = gru_forward(gru);
  if (layer.stateful) carried = {f.final_h};
  const Array& given = call.cotangents.at(0);
  const Array dy = layer.return_sequences ? given : at_last_steps(given, gru.batch, gru.steps, layer.units);
  const Array y = layer.return_sequences ? f.outputs : last_steps(f.outputs, gru.batch, gru.steps, layer.units);
  const GruGradients d = gru_backward(gru, f, dy, call.cotangents.size() > 1 ? call.cotangents[1] : Array());
  return {{y, f.final_h}, {d.kernel, d.recurrent_kernel, d.bias}, {d.initial_h}, d.x};
}

Results run_lstm(const Layer& layer, const Call& call, std::vector<Array>& carried) {
  LstmCall lstm;
  lstm.weights = {call.x.features, layer.units, layer.weights.at(0), layer.weights.at(1), {}};
  if (layer.use_bias) lstm.weights.bias = layer.weights.at(2);
  lstm.options = {layer.activation, layer.recurrent_activation, layer.go_backwards, layer.zero_output_for_mask};
  lstm.x = call.x.values;
  lstm.batch = call.x.batch;
  lstm.steps = call.x.steps;
  lstm.mask = call.x.mask;
  const std::vector<Array>& initial = call.initial_state.empty() ? carried : call.initial_state;
  if (!initial.empty()) {
    lstm.initial_h = initial.at(0);
    lstm.initial_c = initial.at(1);
  }
  const LstmForward f = lstm_forward(lstm);
  if (layer.stateful) carried = {f.final_h, f.final_c};
  Array dy(f.outputs.size(), 0.0), y;
  const Array& given = call.cotangents.at(0);
  for (Size i = 0; i < dy.size(); ++i) {
    const Size row = i / layer.units / lstm.steps, t = i / layer.units % lstm.steps, u = i % layer.units;
    if (!layer.return_sequences && t + 1 < lstm.steps) continue;
    y.push_back(f.outputs[i]);
    dy[i] = given[layer.return_sequences ? i : row * layer.units + u];
  }
  const bool states = call.cotangents.size() > 1;
  const LstmGradients d =
      lstm_backward(lstm, f, dy, states ? call.cotangents[1] : Array(), states ? call.cotangents[2] : Array());
  return {{y, f.final_h, f.final_c}, {d.kernel, d.recurrent_kernel, d.bias}, {d.initial_h, d.initial_c}, d.x};
}

Results run_model(Model& model, const Call& call) {
  const Batch y = model.forward(call.x);
  if (call.cotangents.empty()) return {{y.values}, {}, {}, {}};
  const ModelGradients d = model.backward(call.cotangents.at(0));
  return {{y.values}, d.weights, {}, d.x};
}

// Throws NotSupported for what Rondo does not have.
void check_layer(const Json& one) {
  std::vector<Layer> layers;
  if (one.contains("function")) {
    const auto rank = static_cast<Index>(one.at("calls").at(0).at("inputs").at(0).at("shape").size());
    (void)rondo::golden::activation_from(one["function"], rank);
    layers = {{.kind = "Activation", .activation = rondo::test::plain_activation(one["function"])}};
  } else {
    (void)rondo::golden::layer_from(one.at("layer"), rondo::DType::float64);
    layers = rondo::test::plain_layers(one["layer"]);
  }
  Model model(layers);
  const std::vector<Array> weights = plain_arrays(rondo::golden::tensors(one.at("weights")));
  model.set_weights(weights);
  const double rounded_sixth = one.dump().find("\"hard_sigmoid\"") != std::string::npos ? 1e-7 : 1e-9;
  std::vector<Array> carried;
  for (const Json& json : one.at("calls")) {
    const rondo::Tensor mask = json.contains("mask") ? rondo::golden::tensor(json["mask"].at(0)) : rondo::Tensor();
    const Call call{rondo::test::plain_batch(rondo::golden::tensor(json.at("inputs").at(0)), mask),
                    plain_arrays(rondo::golden::tensors(part(json, "initial_state"))),
                    plain_arrays(rondo::golden::tensors(part(json, "cotangents")))};
    Results got;
    if (layers.size() == 1 && layers[0].recurrent()) {
      Layer layer = layers.at(0);
      layer.weights = weights;
      got = layer.kind == "GRU" ? run_gru(layer, call, carried) : run_lstm(layer, call, carried);
    } else {
      got = run_model(model, call);
    }
    expect_near("output", got.outputs, json["outputs"], 1e-9);
    if (!json.contains("gradients")) continue;
    const Json& gradients = json["gradients"];
    expect_near("gradient of input", got.input_gradient, gradients.at("inputs").at(0), rounded_sixth);
    expect_near("gradient of weight", got.weight_gradients, gradients.at("weights"), rounded_sixth);
    expect_near("gradient of state", got.state_gradients, part(gradients, "initial_state"), rounded_sixth);
  }
}

void check_loss(const Json& one) {
  for (const char* key : {"sample_weight", "mask", "cotangent"}) {
    if (!part(one, key).is_null()) throw NotSupported(key);
  }
  (void)rondo::golden::loss_from(one.at("loss"), one.at("kwargs"));
  const rondo::Tensor truth = rondo::golden::tensor(one.at("y_true")),
                      prediction = rondo::golden::tensor(one.at("y_pred"));
  const bool broadcasts = truth.shape().rank() == prediction.shape().rank() && truth.shape() != prediction.shape();
  const Loss loss = rondo::test::plain_loss(one["loss"], one["kwargs"]);
  if (prediction.shape().rank() < 2 || (broadcasts && !loss.name.starts_with("sparse"))) throw NotSupported("shapes");
  const auto features = static_cast<Size>(prediction.shape().back());
  const Array t = truth.to_vector(), p = prediction.to_vector();
  expect_near("value", {loss_of_batch(loss, t, p, features)}, one.at("value"));
  expect_near("gradient", loss_gradient(loss, t, p, features), one.at("gradient"));
}

void check_optimizer(const Json& one) {
  if (one.contains("schedule")) throw NotSupported("schedule");
  (void)rondo::golden::optimizer_from(one.at("optimizer"));
  rondo::golden::refuse_other_keys("optimizer", one, {"id", "note", "optimizer", "variables", "steps"});
  Optimizer optimizer(rondo::test::plain_optimizer(one["optimizer"]));
  std::vector<Array> variables = plain_arrays(rondo::golden::tensors(one.at("variables")));
  std::vector<Array*> pointers;
  for (Array& v : variables) pointers.push_back(&v);
  for (const Json& step : one.at("steps")) {
    optimizer.step(pointers, plain_arrays(rondo::golden::tensors(step.at("gradients"))));
    expect_near("variable", variables, step.at("variables"), 1e-9);
  }
}

// Whole runs, with the batches in their order.
void check_training(const Json& one) {
  rondo::golden::refuse_other_keys(
      "", one,
      {"id", "note", "model", "initial_weights", "x", "y", "compile", "fit", "validation_data", "history", "epochs_run",
       "final_weights", "optimizer_iterations", "final_learning_rate", "evaluate", "predict"});
  const Json &compile = one.at("compile"), &fit = one.at("fit");
  rondo::golden::refuse_other_keys("compile", compile, {"optimizer", "loss", "metrics"});
  rondo::golden::refuse_other_keys("fit", fit, {"epochs", "shuffle", "batch_size", "validation_data"});
  (void)rondo::golden::model_from(one.at("model"), rondo::DType::float64);
  (void)rondo::golden::optimizer_from(compile.at("optimizer"));
  (void)rondo::golden::loss_from(compile.at("loss"));
  if (compile["loss"] == "crossentropy" || fit.at("shuffle") == true ||
      one.dump().find("\"stateful\": true") != std::string::npos)
    throw NotSupported("");

  Model model(rondo::test::plain_layers(one["model"]));
  model.set_weights(plain_arrays(rondo::golden::tensors(one.at("initial_weights"))));
  Optimizer optimizer(rondo::test::plain_optimizer(compile["optimizer"]));
  const Loss loss = rondo::test::plain_loss(compile["loss"]);
  const auto only = [](const Json& data) { return rondo::golden::tensor(data.is_array() ? data.at(0) : data); };
  const rondo::Tensor X = only(one.at("x")), y = only(one.at("y"));
  const Index rows = X.shape()[0], size = fit.value("batch_size", 32);
  for (Index epoch = 0; epoch < fit.value("epochs", 1); ++epoch) {
    for (Index begin = 0; begin < rows; begin += size) {
      const Index end = std::min(begin + size, rows);
      (void)model.train(rondo::test::plain_batch(X.rows(begin, end)), y.rows(begin, end).to_vector(), loss, optimizer);
    }
  }
  expect_near("final weight", model.weights(), one.at("final_weights"), 1e-9);
}

// Runs all cases of an area; at least so many must be of a kind that the library has.
void run_area(const std::string& area, int at_least, void (*check)(const Json&)) {
  int passed = 0;
  for (const rondo::golden::File& file : rondo::golden::files(area)) {
    for (const Json& one : file.cases) {
      SCOPED_TRACE(one.at("id").get<std::string>());
      try {
        check(one);
        ++passed;
      } catch (const NotSupported&) {
      }
    }
  }
  if (rondo::golden::folder_was_given()) return;
  EXPECT_GE(passed, at_least);
}

TEST(Plain, LayersGiveGoldenNumbers) { run_area("layers", 127, check_layer); }
TEST(Plain, LossesGiveGoldenNumbers) { run_area("losses", 29, check_loss); }
TEST(Plain, OptimizersGiveGoldenNumbers) { run_area("optimizers", 14, check_optimizer); }
TEST(Plain, TrainingGivesGoldenNumbers) { run_area("training", 15, check_training); }

}  // namespace
}  // namespace plain
