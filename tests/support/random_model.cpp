#include "support/random_model.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/keras_config.hpp"
#include "support/plain_config.hpp"

namespace rondo::test {

namespace {

using Names = std::vector<std::string>;

// ---- sizes
// -------------------------------------------------------------------------------------------------------------

// Sizes at which kernels change their way, and their neighbours.
const std::vector<Index>& corners_of_units() {
  static const std::vector<Index> all = {1,  2,  3,  4,  5,  7,  8,  9,   11,  12,  13,  15,  16,  17,  20,  23,
                                         24, 25, 28, 31, 32, 33, 40, 44,  45,  46,  47,  48,  49,  57,  61,  62,
                                         63, 64, 65, 79, 80, 81, 95, 109, 121, 122, 123, 124, 127, 128, 129, 130};
  return all;
}
// Depths of products: passes of 192 and 512 rows, the bias and the recurrent units being part of them.
const std::vector<Index>& corners_of_features() {
  static const std::vector<Index> all = {1,  2,  3,   4,   7,   8,   15,  16,  17,  31,  33,
                                         64, 65, 180, 188, 191, 192, 193, 505, 511, 512, 513};
  return all;
}
// Rows of tiles, blocks of 64, passes of 128 and 256, runs of 256.
const std::vector<Index>& corners_of_samples() {
  static const std::vector<Index> all = {1,  2,  3,  4,  5,  6,   7,   8,   11,  12,  13,  17,
                                         31, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 300};
  return all;
}

Index small_size(Dice& dice) { return dice.percent(70) ? dice.between(1, 8) : dice.between(1, 24); }

// ---- options
// -----------------------------------------------------------------------------------------------------------

plain::Activation any_activation(Dice& dice) {
  const Index which = dice.below(10);
  const auto option = [&](double least, double most) { return least + (most - least) * (dice.signed_unit() + 1) / 2; };
  using Options = std::map<std::string, double>;
  if (which == 0) {
    return {"relu", Options{{"negative_slope", option(0, 0.5)}, {"max_value", option(0.5, 2)}, {"threshold", 0.25}}};
  }
  if (which == 1) return {"leaky_relu", Options{{"negative_slope", option(0, 0.5)}}};
  if (which == 2) {
    switch (dice.below(6)) {
      case 0: return {"elu", Options{{"alpha", option(0.5, 2)}}};
      case 1: return {"celu", Options{{"alpha", option(0.5, 2)}}};
      case 2: return {"gelu", Options{{"approximate", 1}}};
      case 3: return {"squareplus", Options{{"b", option(0.5, 4)}}};
      case 4: return {"soft_shrink", Options{{"threshold", option(0.1, 1)}}};
      default: return {"threshold", Options{{"threshold", option(-1, 1)}, {"default_value", option(-1, 1)}}};
    }
  }
  std::vector<std::string> names = activation_names();
  std::erase(names, "hard_sigmoid_2");  // came later; the models of a seed stay those that they were
  return {dice.of(names)};
}

plain::Activation elementwise_activation(Dice& dice) {
  for (;;) {
    const plain::Activation f = any_activation(dice);
    if (plain::is_elementwise(f)) return f;
  }
}

RandomLayer random_recurrent(Dice& dice, bool return_sequences) {
  RandomLayer one;
  plain::Layer& l = one.layer;
  l.kind = dice.percent(65) ? "LSTM" : "GRU";
  l.reset_after = l.kind == "LSTM" || dice.percent(70);
  l.units = static_cast<plain::Size>(small_size(dice));
  l.activation = dice.percent(75) ? plain::Activation("tanh") : elementwise_activation(dice);
  l.recurrent_activation = dice.percent(75) ? plain::Activation("sigmoid") : elementwise_activation(dice);
  l.return_sequences = return_sequences;
  l.go_backwards = dice.percent(20);
  l.zero_output_for_mask = dice.percent(20);
  l.use_bias = dice.percent(85);
  l.trainable = dice.percent(92);
  one.recompute = dice.percent(25);
  return one;
}

RandomLayer random_dense(Dice& dice) {
  RandomLayer one;
  one.layer.kind = "Dense";
  one.layer.units = static_cast<plain::Size>(small_size(dice));
  one.layer.activation = dice.percent(50) ? plain::Activation("linear") : any_activation(dice);
  if (one.layer.activation.name == "glu") one.layer.units *= 2;
  one.layer.use_bias = dice.percent(85);
  one.layer.trainable = dice.percent(92);
  return one;
}

RandomLayer random_activation(Dice& dice, Index features) {
  RandomLayer one;
  one.layer.kind = "Activation";
  do {
    one.layer.activation = any_activation(dice);
  } while (one.layer.activation.name == "glu" && features % 2 != 0);
  return one;
}

Index features_after(const plain::Layer& layer, Index features) {
  const Index before = layer.kind == "Activation" ? features : static_cast<Index>(layer.units);
  if (layer.recurrent()) return before;
  return static_cast<Index>(plain::activated_features(layer.activation, static_cast<plain::Size>(before)));
}

std::vector<RandomLayer> random_layers(Dice& dice, Index steps, Index features) {
  std::vector<RandomLayer> layers;
  const Index count = dice.percent(30) ? 1 : dice.between(2, 4);
  bool time = steps > 0;
  for (Index i = 0; i < count; ++i) {
    RandomLayer next = random_dense(dice);
    const Index kind = dice.below(100);
    if (time && kind < 65) {
      next = random_recurrent(dice, /*return_sequences=*/dice.percent(i + 1 < count ? 70 : 40));
      time = next.layer.return_sequences;
    } else if (kind > 85 && count > 1) {
      next = random_activation(dice, features);
    }
    features = features_after(next.layer, features);
    layers.push_back(next);
  }
  const auto has_weights = [](const RandomLayer& l) { return plain::weight_count(l.layer) > 0 && l.layer.trainable; };
  if (std::none_of(layers.begin(), layers.end(), has_weights)) layers.push_back(random_dense(dice));
  layers.back().layer.trainable = true;
  return layers;
}

// The last features of the model, and whether it keeps time.
struct Output {
  Index features;
  bool time;
};

Output output_of(const RandomModel& m) {
  Output out{m.features, m.steps > 0};
  for (const RandomLayer& l : m.layers) {
    out.features = features_after(l.layer, out.features);
    if (l.layer.recurrent()) out.time = l.layer.return_sequences;
  }
  return out;
}

plain::Loss random_loss(Dice& dice, const RandomModel& m) {
  const std::string last = m.layers.back().layer.recurrent() ? "" : m.layers.back().layer.activation.name;
  const bool several = output_of(m).features > 1, smooths = dice.percent(30);
  const double smoothing = smooths ? 0.125 : 0;
  const Index which = dice.below(4);
  if (which == 0) return {"mean_absolute_error"};
  if (which == 1 && last == "softmax" && several) {
    return dice.percent(50) ? plain::Loss{"categorical_crossentropy", false, smoothing}
                            : plain::Loss{"sparse_categorical_crossentropy"};
  }
  if (which == 1 && last == "sigmoid") return {"binary_crossentropy", false, smoothing};
  if (which == 2) return {"binary_crossentropy", true, smoothing};
  if (which == 3 && several) {
    return dice.percent(50) ? plain::Loss{"categorical_crossentropy", true, smoothing}
                            : plain::Loss{"sparse_categorical_crossentropy", true};
  }
  return {"mean_squared_error"};
}

plain::OptimizerOptions random_optimizer(Dice& dice) {
  plain::OptimizerOptions o;
  o.name = dice.of(Names{"SGD", "SGD", "Adam", "RMSprop"});
  o.learning_rate = dice.of(std::vector<double>{0.001, 0.01, 0.125});
  o.momentum = o.name != "Adam" && dice.percent(50) ? 0.5 : 0;
  o.nesterov = o.name == "SGD" && dice.percent(50);
  o.amsgrad = o.name == "Adam" && dice.percent(50);
  o.centered = o.name == "RMSprop" && dice.percent(50);
  return o;
}

// Multiplications of a forward pass over all samples.
double cost(const RandomModel& m) {
  double per_row = 0;
  Index features = m.features;
  bool time = m.steps > 0;
  for (const RandomLayer& l : m.layers) {
    const auto units = static_cast<double>(l.layer.units), inputs = static_cast<double>(features);
    const auto walked = static_cast<double>(time ? m.steps : 1);
    if (l.layer.recurrent()) {
      per_row += walked * 4 * units * (inputs + units + 8);
      time = l.layer.return_sequences;
    } else {
      per_row += walked * ((l.layer.kind == "Dense" ? inputs * units : 0) + 4 * inputs);
    }
    features = features_after(l.layer, features);
  }
  return per_row * static_cast<double>(m.samples);
}

// Weights whose gradients are more than a second cache holds, which take longer passes.
void make_large(Dice& dice, RandomModel& m) {
  m.layers.resize(1);
  m.layers[0] = random_recurrent(dice, dice.percent(50));
  m.layers[0].layer.units = static_cast<plain::Size>(dice.between(250, 262));
  m.features = dice.between(250, 270);
  m.steps = dice.between(1, 3);
  m.samples = dice.between(1, 3);
}

// One size near a corner; the others shrink until the model costs no more than it should.
void choose_sizes(Dice& dice, RandomModel& m) {
  if (dice.percent(1)) return make_large(dice, m);
  const Index special = dice.below(4);
  plain::Layer& layer = m.layers[static_cast<std::size_t>(dice.below(static_cast<Index>(m.layers.size())))].layer;
  if (special == 0) m.samples = dice.of(corners_of_samples());
  if (special == 1 && layer.kind != "Activation") {
    const bool run = layer.kind == "Dense" && dice.percent(20);  // losses take rows by runs of 256 features
    layer.units = static_cast<plain::Size>(run ? dice.between(250, 260) : dice.of(corners_of_units()));
    if (layer.activation.name == "glu") layer.units *= 2;
  }
  if (special == 2) m.features = dice.of(corners_of_features());
  if (special == 3 && m.steps > 0) m.steps = dice.between(20, 40);
  const double most = dice.percent(10) ? 4e6 : 1e6;
  while (cost(m) > most) {
    switch (dice.below(3)) {
      case 0: m.samples = special == 0 ? m.samples : std::max<Index>(1, m.samples / 2); break;
      case 1: m.steps = special == 3 || m.steps < 2 ? m.steps : m.steps / 2; break;
      default:
        for (RandomLayer& l : m.layers) {
          if (&l.layer == &layer && special == 1) continue;
          if (l.layer.units > 4) l.layer.units = l.layer.units / 4 * 2;  // even, for glu
        }
    }
  }
}

// Activations that halve odd features cannot be; what precedes them has changed its size meanwhile.
void mend_glu(RandomModel& m) {
  Index features = m.features;
  for (RandomLayer& l : m.layers) {
    const bool odd = (l.layer.kind == "Activation" ? features : static_cast<Index>(l.layer.units)) % 2 != 0;
    if (!l.layer.recurrent() && l.layer.activation.name == "glu" && odd) l.layer.activation = {"softmax"};
    features = features_after(l.layer, features);
  }
}

}  // namespace

bool RandomModel::stateful() const {
  return std::any_of(layers.begin(), layers.end(), [](const RandomLayer& l) { return l.layer.stateful; });
}
bool RandomModel::has_backwards() const {
  return std::any_of(layers.begin(), layers.end(), [](const RandomLayer& l) { return l.layer.go_backwards; });
}

RandomModel random_model(std::uint64_t seed) {
  Dice dice(seed);
  RandomModel m;
  m.seed = seed;
  m.steps = dice.percent(90) ? dice.between(1, 12) : 0;
  m.features = small_size(dice);
  m.samples = dice.percent(60) ? dice.between(1, 9) : dice.between(1, 40);
  m.layers = random_layers(dice, m.steps, m.features);
  choose_sizes(dice, m);
  mend_glu(m);
  m.nested = m.layers.size() > 2 && dice.percent(25) ? static_cast<std::size_t>(dice.between(1, 2)) : 0;

  const bool stateful = dice.percent(15);
  for (RandomLayer& l : m.layers) l.layer.stateful = stateful && l.layer.recurrent() && dice.percent(80);
  m.batch_size = dice.between(1, m.samples);
  m.other_batch_size = dice.between(1, m.samples);
  // A stateful layer wants batches of one size.
  while (m.stateful() && m.samples % m.batch_size != 0) --m.batch_size;

  m.loss = random_loss(dice, m);
  m.optimizer = random_optimizer(dice);
  m.shuffle = dice.percent(50) && !m.stateful();
  const bool masked = m.steps > 0 && dice.percent(40);
  const std::string mask = dice.of(Names{"random", "random", "random", "late", "early", "empty"});
  m.mask = masked ? mask : "none";
  const bool lone = m.layers.size() == 1 && m.layers[0].layer.kind == "LSTM";
  m.initial_state = dice.percent(50) && lone;
  m.spare_rows = dice.percent(30) ? dice.between(1, 9) : 0;
  m.dtype = dice.of(Names{"float32", "float32", "float32", "float32", "float64", "float64", "mixed_bfloat16"});
  const bool has_gru =
      std::any_of(m.layers.begin(), m.layers.end(), [](const RandomLayer& l) { return l.layer.kind == "GRU"; });
  if (has_gru && m.dtype == "mixed_bfloat16") m.dtype = "float32";
  m.other.threads = dice.of(std::vector<Index>{1, 2, 3, 8});
  m.other.executor = dice.percent(20);
  m.other.target = dice.of(simd_targets());
  return m;
}

// ---- as text
// -----------------------------------------------------------------------------------------------------------

namespace {

Json function_of(const plain::Activation& f) {
  Json kwargs = Json::object();
  for (const auto& [key, value] : f.options) {
    kwargs[key] = key == "approximate" ? Json(value != 0) : Json(value);
  }
  return {{"name", f.name}, {"kwargs", kwargs}};
}

Json short_function(const plain::Activation& f) { return f.options.empty() ? Json(f.name) : function_of(f); }

Json layer_json(const RandomLayer& one) {
  const plain::Layer& l = one.layer;
  Json json{{"class_name", l.kind}};
  if (l.kind != "Activation") json["units"] = l.units;
  json["activation"] = short_function(l.activation);
  if (l.recurrent()) json["recurrent_activation"] = short_function(l.recurrent_activation);
  const auto flag = [&](const char* key, bool value, bool standard) {
    if (value != standard) json[key] = value;
  };
  flag("use_bias", l.use_bias, true);
  flag("return_sequences", l.return_sequences, false);
  flag("go_backwards", l.go_backwards, false);
  flag("zero_output_for_mask", l.zero_output_for_mask, false);
  flag("stateful", l.stateful, false);
  flag("reset_after", l.reset_after, true);
  flag("recompute", one.recompute, false);
  flag("trainable", l.trainable, true);
  return json;
}

}  // namespace

std::string to_string(const RandomModel& m) {
  Json layers = Json::array();
  for (const RandomLayer& l : m.layers) layers.push_back(layer_json(l));
  const plain::OptimizerOptions& o = m.optimizer;
  const Json json{
      {"seed", m.seed},
      {"dtype", m.dtype},
      {"samples", m.samples},
      {"steps", m.steps},
      {"features", m.features},
      {"batch_size", m.batch_size},
      {"other_batch_size", m.other_batch_size},
      {"nested", m.nested},
      {"loss",
       {{"name", m.loss.name}, {"from_logits", m.loss.from_logits}, {"label_smoothing", m.loss.label_smoothing}}},
      {"optimizer",
       {{"name", o.name},
        {"learning_rate", o.learning_rate},
        {"momentum", o.momentum},
        {"nesterov", o.nesterov},
        {"amsgrad", o.amsgrad},
        {"centered", o.centered}}},
      {"shuffle", m.shuffle},
      {"mask", m.mask},
      {"initial_state", m.initial_state},
      {"spare_rows", m.spare_rows},
      {"other", {{"target", m.other.target}, {"threads", m.other.threads}, {"executor", m.other.executor}}}};
  std::string text = json.dump();
  text.pop_back();
  text += ",\n \"layers\":[";
  for (const Json& layer : layers) text += "\n  " + layer.dump() + (layer == layers.back() ? "" : ",");
  return text + "]}";
}

// ---- as models
// ---------------------------------------------------------------------------------------------------------

namespace {

ActivationFn activation_of(const plain::Activation& f) { return golden::activation_from(function_of(f), /*rank=*/2); }

Layer make_layer(const RandomLayer& one, const DTypePolicy& policy, bool return_state = false) {
  const plain::Layer& l = one.layer;
  const auto units = static_cast<Index>(l.units);
  if (l.kind == "Activation") return Activation(activation_of(l.activation), {.dtype = policy});
  if (l.kind == "Dense") {
    return Dense(
        units,
        {.activation = activation_of(l.activation), .use_bias = l.use_bias, .trainable = l.trainable, .dtype = policy});
  }
  if (l.kind == "GRU") {
    return GRU(units, {.activation = activation_of(l.activation),
                       .recurrent_activation = activation_of(l.recurrent_activation),
                       .use_bias = l.use_bias,
                       .return_sequences = l.return_sequences,
                       .return_state = return_state,
                       .go_backwards = l.go_backwards,
                       .stateful = l.stateful,
                       .recompute = one.recompute,
                       .reset_after = l.reset_after,
                       .zero_output_for_mask = l.zero_output_for_mask,
                       .trainable = l.trainable,
                       .dtype = policy});
  }
  return LSTM(units, {.activation = activation_of(l.activation),
                      .recurrent_activation = activation_of(l.recurrent_activation),
                      .use_bias = l.use_bias,
                      .return_sequences = l.return_sequences,
                      .return_state = return_state,
                      .go_backwards = l.go_backwards,
                      .stateful = l.stateful,
                      .recompute = one.recompute,
                      .zero_output_for_mask = l.zero_output_for_mask,
                      .trainable = l.trainable,
                      .dtype = policy});
}

Shape sample_shape(const RandomModel& m) { return m.steps > 0 ? Shape{m.steps, m.features} : Shape{m.features}; }

}  // namespace

Sequential make_model(const RandomModel& m, const DTypePolicy& policy) {
  Sequential model, inner;
  model.add(Input(sample_shape(m), {.dtype = policy}));
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    const bool inside = i >= 1 && i < 1 + m.nested;
    (inside ? inner : model).add(make_layer(m.layers[i], policy));
    if (inside && i == m.nested) model.add(inner);
  }
  return model;
}

Layer make_lstm_with_states(const RandomModel& m, const DTypePolicy& policy) {
  return make_layer(m.layers.at(0), policy, /*return_state=*/true);
}

plain::Model make_plain_model(const RandomModel& m) {
  std::vector<plain::Layer> layers;
  for (const RandomLayer& l : m.layers) layers.push_back(l.layer);
  return plain::Model(layers);
}

// ---- data
// ----------------------------------------------------------------------------------------------------------------

namespace {

Tensor random_tensor(Dice& dice, const Shape& shape, double scale = 1) {
  std::vector<double> elements(static_cast<std::size_t>(shape.elements()));
  for (double& e : elements) e = static_cast<double>(static_cast<float>(scale * dice.signed_unit()));
  return Tensor(shape, std::move(elements));
}

Tensor random_labels(Dice& dice, const RandomModel& m, const Shape& prediction) {
  const Index classes = prediction.back();
  if (m.loss.name == "sparse_categorical_crossentropy") {
    std::vector<double> numbers(static_cast<std::size_t>(prediction.elements() / classes));
    for (double& n : numbers) n = static_cast<double>(dice.below(classes));
    return Tensor(prediction.with(-1, 1), std::move(numbers));
  }
  std::vector<double> labels = random_tensor(dice, prediction).to_vector();
  if (m.loss.name == "categorical_crossentropy") {
    std::fill(labels.begin(), labels.end(), 0.0);
    for (Index row = 0; row < prediction.elements() / classes; ++row) {
      labels[static_cast<std::size_t>(row * classes + dice.below(classes))] = 1;
    }
  }
  if (m.loss.name == "binary_crossentropy") {
    for (double& t : labels) t = t > 0.5 ? 1 : t < -0.5 ? 0 : t + 0.5;
  }
  return Tensor(prediction, std::move(labels));
}

Tensor random_mask(Dice& dice, const RandomModel& m) {
  std::vector<double> counts;
  for (Index row = 0; row < m.samples; ++row) {
    const Index border = dice.between(0, m.steps);
    for (Index t = 0; t < m.steps; ++t) {
      const bool one = m.mask == "late"    ? t >= border
                       : m.mask == "early" ? t < border
                       : m.mask == "empty" ? false
                                           : dice.percent(60);
      counts.push_back(one ? 1 : 0);
    }
  }
  return Tensor(Shape{m.samples, m.steps}, std::move(counts));
}

double largest_of(const plain::Array& numbers) {
  double most = 0;
  for (const double v : numbers) {
    if (!std::isfinite(v)) return std::numeric_limits<double>::infinity();
    most = std::max(most, std::abs(v));
  }
  return most;
}

// Whether nothing explodes in a walk of the model, or from batch to batch where states go on.
bool is_tame(const RandomModel& m, const RandomData& data) {
  plain::Model model = make_plain_model(m);
  model.set_weights(plain_arrays(data.weights));
  for (Index begin = 0; m.stateful() && begin < m.samples; begin += m.batch_size) {
    if (largest_of(model.forward(plain_batch(data.X.rows(begin, begin + m.batch_size))).values) > 100) return false;
  }
  model.reset_states();
  const plain::Batch y = model.forward(plain_batch(data.X));
  if (largest_of(y.values) > 100) return false;
  const plain::ModelGradients d = model.backward(data.cotangents[0].to_vector());
  double most = largest_of(d.x);
  for (const plain::Array& g : d.weights) most = std::max(most, largest_of(g));
  return most < 1e5;
}

}  // namespace

RandomData random_data(const RandomModel& m) {
  Dice dice(m.seed + 0x9e3779b97f4a7c15u);
  RandomData data;
  const Sequential model = make_model(m, DType::float64);
  for (const WeightInfo& w : model.weights()) {
    // Rows of a kernel are what a sum is over; biases are as large as one term.
    const double fan_in = w.shape.rank() > 1 ? static_cast<double>(w.shape[0]) : 1;
    data.weights.push_back(random_tensor(dice, w.shape, std::sqrt(3 / fan_in) * (w.shape.rank() > 1 ? 1 : 0.5)));
  }
  data.X = random_tensor(dice, sample_shape(m).prepend(m.samples));
  const Shape out = model.compute_output_shape(data.X.shape());
  data.y = random_labels(dice, m, out);
  if (m.mask != "none") data.mask = random_mask(dice, m);
  data.cotangents = {random_tensor(dice, out)};
  if (m.initial_state) {
    const Shape state{m.samples, static_cast<Index>(m.layers[0].layer.units)};
    data.state = {random_tensor(dice, state), random_tensor(dice, state)};
    data.cotangents.push_back(random_tensor(dice, state));
    data.cotangents.push_back(random_tensor(dice, state));
  }
  for (int tries = 0; tries < 10 && !is_tame(m, data); ++tries) {
    for (Tensor& w : data.weights) {
      for (double& v : w.data<double>()) v /= 2;
    }
  }
  return data;
}

}  // namespace rondo::test
