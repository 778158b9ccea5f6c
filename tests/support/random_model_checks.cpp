#include "support/random_model_checks.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <rondo/rondo.hpp>

#include "core/access.hpp"
#include "layers/nodes.hpp"
#include "support/comparison.hpp"
#include "support/failures.hpp"
#include "support/layer_probe.hpp"
#include "support/plain_config.hpp"
#include "support/way.hpp"

namespace rondo::test {

namespace {

// |got - expected|, relative to the tensor's largest element or 1.
constexpr double kDoubleError = 1e-9;   // float64 to the plain program: other orders of sums, other functions of libm
constexpr double kSingleError = 1e-5;   // float32 to float64
constexpr double kRoundedError = 0.02;  // mixed_bfloat16 to float64

// Where errors grow from step to step no fixed bound holds: how far results move is asked by moving the weights by so
// much of themselves.
constexpr double kDoubleMove = 1e-13, kSingleMove = 0x1p-23, kRoundedMove = 0x1p-8;

Tensors all_of(const Probed& p) {
  Tensors all = p.outputs;
  for (const Tensors* more : {&p.input_gradients, &p.state_gradients, &p.weight_gradients}) {
    all.insert(all.end(), more->begin(), more->end());
  }
  return all;
}

// Whether a function's value or slope jumps: then a rounding error may become a whole one.
bool jumps(const std::string& name) { return name == "threshold" || name == "hard_shrink" || name == "sparsemax"; }
bool has_kinks(const std::string& name) {
  static const std::vector<std::string> names = {
      "relu",      "relu6",      "leaky_relu",     "soft_shrink", "hard_tanh", "hard_sigmoid", "hard_sigmoid_2",
      "hard_silu", "hard_swish", "sparse_sigmoid", "celu",        "selu",      "elu"};
  return jumps(name) || std::find(names.begin(), names.end(), name) != names.end();
}

// ---- the questions
// ---------------------------------------------------------------------------------------------------

class ModelQuestions {
 public:
  explicit ModelQuestions(const RandomModel& m)
      : m_(m), data_(random_data(m)), policy_(m.dtype), reference_{simd_targets().front(), 1, false} {
    // What differs between targets by promise is compared on one.
    if (policy_.mixed_bfloat16()) reference_.target = m.other.target;
  }

  std::vector<std::string> ask() {
    failures_.ask("predict is near the plain program", [&] { return predict_is_plain(); });
    failures_.ask("evaluate is near the plain program", [&] { return evaluate_is_plain(); });
    failures_.ask("gradients are near the plain program's", [&] { return gradients_are_plain(); });
    failures_.ask("training is near the plain program's", [&] { return training_is_plain(); });
    failures_.ask("float32 is near float64", [&] { return is_near_float64(); });
    failures_.ask("predict has the same bits in any batches and ways", [&] { return batches_change_no_bit(); });
    failures_.ask("rows one by one have the same bits", [&] { return rows_stand_alone(); });
    failures_.ask("a stream has the bits of predict", [&] { return stream_is_predict(); });
    failures_.ask("a stateful model goes on where it stood", [&] { return states_go_on(); });
    failures_.ask("a walk has the same bits in any way", [&] { return walks_are_equal(); });
    failures_.ask("inference has the bits of training", [&] { return inference_is_training(); });
    failures_.ask("fit has the same bits in any way", [&] { return fits_are_equal(); });
    failures_.ask("a second fit with other batches is as if the model were new",
                  [&] { return plans_are_used_again(); });
    failures_.ask("layers from their configurations are the same", [&] { return configurations_are_complete(); });
    return failures_.all();
  }

 private:
  Sequential model(const DTypePolicy& policy) const {
    const Sequential made = make_model(m_, policy);
    made.set_weights(data_.weights);
    return made;
  }

  Tensor predict(const DTypePolicy& policy, const Way& way, Index batch_size) const {
    const Walking walking(way);
    return model(policy).predict(data_.X, {.batch_size = batch_size, .verbose = 0});
  }

  // The weights, each moved by up to so much of itself.
  Tensors moved_weights(double by) const {
    Dice dice(m_.seed);
    Tensors moved = data_.weights;
    for (Tensor& w : moved) {
      for (double& v : w.data<double>()) v *= 1 + by * dice.signed_unit();
    }
    return moved;
  }

  // One walk forward and backward, with mask and initial states.
  Probed walk(const DTypePolicy& policy, const Way& way, bool training = true) const {
    return walk(policy, way, training, data_.weights);
  }
  Probed walk(const DTypePolicy& policy, const Way& way, bool training, const Tensors& weights) const {
    const Walking walking(way);
    ProbeArguments arguments{.inputs = {data_.X}, .initial_state = data_.state};
    arguments.weights = weights;
    if (training) arguments.cotangents = data_.cotangents;
    if (m_.mask != "none") arguments.masks = {data_.mask};
    arguments.training = training;
    arguments.spare_rows = m_.spare_rows;
    arguments.threads = way.threads;
    if (m_.initial_state) return probe(*make_lstm_with_states(m_, policy).node(), arguments);
    return probe(*make_model(m_, policy).node(), arguments);
  }

  // ---- the plain program

  plain::Model plain_model() const {
    plain::Model made = make_plain_model(m_);
    made.set_weights(plain_arrays(data_.weights));
    return made;
  }

  // Of all samples, batch by batch.
  plain::Array plain_predict(plain::Model& model) const {
    plain::Array all;
    for (Index begin = 0; begin < m_.samples; begin += m_.batch_size) {
      const plain::Batch x = plain_batch(data_.X.rows(begin, std::min(begin + m_.batch_size, m_.samples)));
      const plain::Array y = model.forward(x).values;
      all.insert(all.end(), y.begin(), y.end());
    }
    return all;
  }

  std::string predict_is_plain() const {
    plain::Model expected = plain_model();
    const Tensor got = predict(DType::float64, m_.other, m_.batch_size);
    return distance({got.to_vector()}, {plain_predict(expected)}, kDoubleError);
  }

  std::string evaluate_is_plain() const {
    const Walking walking(m_.other);
    const Sequential made = model(DType::float64);
    made.compile({.optimizer = optimizer(), .loss = loss()});
    const double got = made.evaluate(data_.X, data_.y, {.batch_size = m_.batch_size, .verbose = 0}).loss();
    plain::Model expected = plain_model();
    const auto features = static_cast<plain::Size>(made.compute_output_shape(data_.X.shape()).back());
    const double value = plain::loss_of_batch(m_.loss, data_.y.to_vector(), plain_predict(expected), features);
    return distance({{got}}, {{value}}, kDoubleError);
  }

  std::string gradients_are_plain() const {
    const Probed got = walk(DType::float64, m_.other);
    return m_.initial_state ? distance_of_lstm(got) : distance_of_model(got);
  }

  std::string distance_of_model(const Probed& got) const {
    plain::Model expected = plain_model();
    const plain::Batch y = expected.forward(plain_batch(data_.X, data_.mask));
    const plain::ModelGradients d = expected.backward(data_.cotangents[0].to_vector());
    Arrays all = {y.values, d.x};
    all.insert(all.end(), d.weights.begin(), d.weights.end());
    return distance(plain_arrays(all_of(got)), all, kDoubleError);
  }

  // A lone LSTM, with what a model does not have: initial states, and the last ones as outputs.
  std::string distance_of_lstm(const Probed& got) const {
    const plain::Layer& layer = m_.layers[0].layer;
    const Arrays w = plain_arrays(data_.weights);
    const plain::Batch x = plain_batch(data_.X, data_.mask);
    plain::LstmCall call;
    call.weights = {x.features, layer.units, w.at(0), w.at(1), {}};
    if (layer.use_bias) call.weights.bias = w.at(2);
    call.options = {layer.activation, layer.recurrent_activation, layer.go_backwards, layer.zero_output_for_mask};
    call.x = x.values;
    call.batch = x.batch;
    call.steps = x.steps;
    call.initial_h = data_.state[0].to_vector();
    call.initial_c = data_.state[1].to_vector();
    call.mask = x.mask;
    const plain::LstmForward f = plain::lstm_forward(call);
    const plain::Array dy = data_.cotangents[0].to_vector();
    plain::Array y = f.outputs, d_outputs = dy;
    if (!layer.return_sequences) {
      y = plain::last_steps(f.outputs, x.batch, x.steps, layer.units);
      d_outputs = plain::at_last_steps(dy, x.batch, x.steps, layer.units);
    }
    const plain::LstmGradients d =
        plain::lstm_backward(call, f, d_outputs, data_.cotangents[1].to_vector(), data_.cotangents[2].to_vector());
    Arrays all = {y, f.final_h, f.final_c, d.x, d.initial_h, d.initial_c, d.kernel, d.recurrent_kernel};
    if (layer.use_bias) all.push_back(d.bias);
    return distance(plain_arrays(all_of(got)), all, kDoubleError);
  }

  // Weights after two epochs, and the loss of each.
  Arrays plain_fit(const Tensors& weights) const {
    plain::Model model = make_plain_model(m_);
    model.set_weights(plain_arrays(weights));
    plain::Optimizer rule(m_.optimizer);
    plain::Array losses;
    for (int epoch = 0; epoch < 2; ++epoch) {
      double sum = 0;
      for (Index begin = 0; begin < m_.samples; begin += m_.batch_size) {
        const Index end = std::min(begin + m_.batch_size, m_.samples);
        const double value =
            model.train(plain_batch(data_.X.rows(begin, end)), data_.y.rows(begin, end).to_vector(), m_.loss, rule);
        sum += value * static_cast<double>(end - begin);
      }
      losses.push_back(sum / static_cast<double>(m_.samples));
    }
    Arrays all = model.weights();
    all.push_back(losses);
    return all;
  }

  std::string training_is_plain() const {
    const Arrays expected = plain_fit(data_.weights), moved = plain_fit(moved_weights(kDoubleMove));
    for (std::size_t i = 0; i < expected.size(); ++i) {
      // Too long a stride leaves nothing to compare.
      if (!(largest_difference(expected[i], moved[i]) < 1e-4)) return "";
    }
    const Walking walking(m_.other);
    const Sequential made = model(DType::float64);
    made.compile({.optimizer = optimizer(), .loss = loss()});
    const History history =
        made.fit(data_.X, data_.y, {.batch_size = m_.batch_size, .epochs = 2, .verbose = 0, .shuffle = false});
    Arrays got = plain_arrays(made.get_weights());
    got.push_back(history["loss"]);
    return distance(got, expected, kDoubleError, moved);
  }

  // ---- dtypes

  std::string is_near_float64() const {
    bool jump = false, kink = false;
    for (const RandomLayer& l : m_.layers) {
      for (const plain::Activation* f : {&l.layer.activation, &l.layer.recurrent_activation}) {
        jump = jump || jumps(f->name);
        kink = kink || has_kinks(f->name);
      }
    }
    if (policy_ == DTypePolicy(DType::float64) || jump) return "";
    const bool mixed = policy_.mixed_bfloat16();
    const Probed got = walk(policy_, reference_), exact = walk(DType::float64, reference_);
    const Probed moved =
        walk(DType::float64, reference_, /*training=*/true, moved_weights(mixed ? kRoundedMove : kSingleMove));
    const auto what = [&](const Probed& p) { return plain_arrays(kink ? p.outputs : all_of(p)); };
    return distance(what(got), what(exact), mixed ? kRoundedError : kSingleError, what(moved));
  }

  // ---- bits

  std::string batches_change_no_bit() const {
    const Tensor expected = predict(policy_, reference_, m_.stateful() ? m_.batch_size : m_.samples);
    return difference({predict(policy_, m_.other, m_.stateful() ? m_.batch_size : m_.other_batch_size)}, {expected});
  }

  std::string rows_stand_alone() const {
    const Walking walking(m_.other);
    const Sequential made = model(policy_);
    const Tensor together = made.predict(data_.X, {.batch_size = m_.samples, .verbose = 0});
    const Index stride = std::max<Index>(1, m_.samples / 12);
    for (Index r = 0; r < m_.samples; r += stride) {
      made.reset_states();
      const Tensor alone = made.predict(data_.X.rows(r, r + 1), {.batch_size = 1, .verbose = 0});
      const std::string wrong = difference({alone}, {together.rows(r, r + 1)});
      if (!wrong.empty()) return "row " + std::to_string(r) + ", " + wrong;
    }
    return "";
  }

  // The first and the last row; half way another stream takes the state over.
  std::string stream_is_predict() const {
    // Streams of mixed_bfloat16 compute in float32.
    if (m_.has_backwards() || policy_.mixed_bfloat16()) return "";
    const Walking walking(m_.other);
    const Sequential made = model(policy_);
    for (const Index row : {Index{0}, m_.samples - 1}) {
      made.reset_states();
      const Tensor x = data_.X.rows(row, row + 1);
      const Tensor whole = made.predict(x, {.batch_size = 1, .verbose = 0});
      const std::string wrong =
          policy_ == DTypePolicy(DType::float64) ? stream<double>(made, x, whole) : stream<float>(made, x, whole);
      if (!wrong.empty()) return "row " + std::to_string(row) + ", " + wrong;
    }
    return "";
  }

  template <class T>
  std::string stream(const Sequential& made, const Tensor& x, const Tensor& whole) const {
    Stream first = made.stream(), second = made.stream();
    const Index steps = std::max<Index>(1, m_.steps), handover = steps / 2;
    const Tensor inputs = x.cast(dtype_of<T>);
    const bool sequence = whole.shape().rank() == 3;
    Tensor outputs(whole.shape(), dtype_of<T>);
    for (Index t = 0; t < steps; ++t) {
      if (t == handover && t > 0) second.set_state(first.state());
      const auto from =
          inputs.data<T>().subspan(static_cast<std::size_t>(t * m_.features), static_cast<std::size_t>(m_.features));
      const auto width = static_cast<std::size_t>(first.outputs());
      const auto to = outputs.data<T>().subspan(sequence ? static_cast<std::size_t>(t) * width : 0, width);
      (t < handover ? first : second).step(from, to);
    }
    return difference({outputs}, {whole});
  }

  std::string states_go_on() const {
    const bool all_stateful = std::all_of(m_.layers.begin(), m_.layers.end(), [](const RandomLayer& l) {
      return !l.layer.recurrent() || l.layer.stateful;
    });
    if (!m_.stateful() || !all_stateful || m_.has_backwards() || m_.steps < 2) return "";
    const Walking walking(m_.other);
    const Layer made = model(policy_);
    const Index cut = m_.steps / 2;
    const Tensor whole = made(data_.X)[0];
    made.reset_states();
    const Tensor begin = made(steps(data_.X, 0, cut))[0], end = made(steps(data_.X, cut, m_.steps))[0];
    if (whole.shape().rank() == 2) return difference({end}, {whole});
    return difference({begin, end}, {steps(whole, 0, cut), steps(whole, cut, m_.steps)});
  }

  std::string walks_are_equal() const {
    return difference(all_of(walk(policy_, m_.other)), all_of(walk(policy_, reference_)));
  }

  std::string inference_is_training() const {
    return difference(walk(policy_, m_.other, /*training=*/false).outputs, walk(policy_, reference_).outputs);
  }

  // Weights, predictions and losses after two epochs; empty where the loss became NaN.
  Tensors fitted(const Way& way) const {
    const Walking walking(way);
    set_random_seed(m_.seed);
    const Sequential made = model(policy_);
    made.compile({.optimizer = optimizer(), .loss = loss()});
    Tensors all;
    try {
      const History history =
          made.fit(data_.X, data_.y, {.batch_size = m_.batch_size, .epochs = 2, .verbose = 0, .shuffle = m_.shuffle});
      all = made.get_weights();
      all.push_back(Tensor(history["loss"]));
    } catch (const NumericError&) {
      return {};
    }
    made.reset_states();
    all.push_back(made.predict(data_.X, {.batch_size = m_.batch_size, .verbose = 0}));
    return all;
  }

  std::string fits_are_equal() const { return difference(fitted(m_.other), fitted(reference_)); }

  std::string plans_are_used_again() const {
    if (m_.stateful()) return "";
    const Walking walking(m_.other);
    const auto fit = [&](const Sequential& made, Index batch_size) {
      made.fit(data_.X, data_.y, {.batch_size = batch_size, .verbose = 0, .shuffle = false});
    };
    // Without momentum, so that nothing is remembered from fit to fit.
    const CompileOptions options{.optimizer = SGD({.learning_rate = 0.01}), .loss = loss()};
    const Sequential used = model(policy_), fresh = model(policy_);
    used.compile(options);
    fresh.compile(options);
    Tensors got;
    try {
      fit(used, m_.batch_size);
      fresh.set_weights(used.get_weights());
      fit(used, m_.other_batch_size);
      fit(fresh, m_.other_batch_size);
    } catch (const NumericError&) {
      return "";
    }
    Tensors a = used.get_weights(), b = fresh.get_weights();
    a.push_back(used.predict(data_.X, {.batch_size = m_.other_batch_size, .verbose = 0}));
    b.push_back(fresh.predict(data_.X, {.batch_size = m_.batch_size, .verbose = 0}));
    return difference(a, b);
  }

  std::string configurations_are_complete() const {
    for (const RandomLayer& l : m_.layers) {
      // Parameters of activations have no place in Keras's configurations.
      if (!l.layer.activation.options.empty() || !l.layer.recurrent_activation.options.empty()) return "";
    }
    const Walking walking(m_.other);
    const Sequential made = model(policy_);
    Sequential again;
    again.add(Input(data_.X.shape().from(1), {.dtype = policy_}));
    add_copies(made, again);
    again.set_weights(data_.weights);
    const PredictOptions options{.batch_size = m_.batch_size, .verbose = 0};
    return difference({again.predict(data_.X, options)}, {made.predict(data_.X, options)});
  }

  static void add_copies(const Model& from, const Sequential& to) {
    for (const Layer& layer : from.layers()) {
      if (layer.class_name() == "Sequential") {
        add_copies(static_cast<const Model&>(layer), to);
      } else {
        to.add(detail::Access::make<Layer>(
            layers::layer_from_config(layer.class_name(), graph::Json::parse(layer.get_config()))));
      }
    }
  }

  // ---- small things

  // [begin, end) of the axis of time.
  static Tensor steps(const Tensor& x, Index begin, Index end) {
    if (x.dtype() == DType::float32) return Tensor(x.view<float>().slice(1, begin, end));
    return Tensor(x.view<double>().slice(1, begin, end));
  }

  Loss loss() const {
    const Real smoothing = m_.loss.label_smoothing;
    const bool logits = m_.loss.from_logits;
    if (m_.loss.name == "binary_crossentropy") {
      return losses::BinaryCrossentropy({.from_logits = logits, .label_smoothing = smoothing});
    }
    if (m_.loss.name == "categorical_crossentropy") {
      return losses::CategoricalCrossentropy({.from_logits = logits, .label_smoothing = smoothing});
    }
    if (m_.loss.name == "sparse_categorical_crossentropy") {
      return losses::SparseCategoricalCrossentropy({.from_logits = logits});
    }
    return m_.loss.name;
  }

  Optimizer optimizer() const {
    const plain::OptimizerOptions& o = m_.optimizer;
    if (o.name == "Adam") return Adam({.learning_rate = o.learning_rate, .amsgrad = o.amsgrad});
    if (o.name == "RMSprop") {
      return RMSprop({.learning_rate = o.learning_rate, .momentum = o.momentum, .centered = o.centered});
    }
    return SGD({.learning_rate = o.learning_rate, .momentum = o.momentum, .nesterov = o.nesterov});
  }

  const RandomModel& m_;
  RandomData data_;
  DTypePolicy policy_;
  Way reference_;
  Failures failures_;
};

}  // namespace

std::vector<std::string> check_random_model(const RandomModel& m) { return ModelQuestions(m).ask(); }

std::string check_seed(std::uint64_t seed) {
  const RandomModel m = random_model(seed);
  std::string text;
  for (const std::string& failure : check_random_model(m)) text += "  " + failure + "\n";
  if (text.empty()) return "";
  return "RONDO_SEED=" + std::to_string(seed) + " rondo_acceptance --gtest_filter=RandomModels.TheGivenOne\n" + text +
         to_string(m);
}

}  // namespace rondo::test
