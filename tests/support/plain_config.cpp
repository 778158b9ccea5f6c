#include "support/plain_config.hpp"

#include "support/golden_check.hpp"
#include "support/keras_config.hpp"

namespace rondo::test {

namespace {

template <class T>
T option(const Json& config, const char* key, T standard) {
  return config.contains(key) && !config[key].is_null() ? config[key].get<T>() : standard;
}

}  // namespace

std::vector<plain::Layer> plain_layers(const Json& serialized) {
  const std::string kind = serialized.at("class_name");
  const Json& config = serialized.at("config");
  if (kind == "InputLayer") return {};
  if (kind == "Sequential") {
    std::vector<plain::Layer> all;
    for (const Json& layer : config.at("layers")) {
      for (plain::Layer& one : plain_layers(layer)) all.push_back(std::move(one));
    }
    return all;
  }
  if (kind != "LSTM" && kind != "GRU" && kind != "Dense" && kind != "Activation" && kind != "InputLayer") {
    throw golden::NotSupported(kind);  // the plain program takes layers in a line
  }
  for (const auto& [key, value] : config.items()) {
    if (value.is_null() || !(key.ends_with("_regularizer") || key.ends_with("_constraint"))) continue;
    throw golden::NotSupported("the plain program's " + key);
  }
  plain::Layer layer{.kind = kind};
  layer.units = option<plain::Size>(config, "units", 0);
  layer.activation = option<std::string>(config, "activation", kind == "LSTM" || kind == "GRU" ? "tanh" : "linear");
  layer.recurrent_activation = option<std::string>(config, "recurrent_activation", "sigmoid");
  layer.return_sequences = option(config, "return_sequences", false);
  layer.go_backwards = option(config, "go_backwards", false);
  layer.zero_output_for_mask = option(config, "zero_output_for_mask", false);
  layer.stateful = option(config, "stateful", false);
  layer.reset_after = option(config, "reset_after", true);
  layer.use_bias = option(config, "use_bias", true);
  layer.trainable = option(config, "trainable", true);
  return {layer};
}

plain::Activation plain_activation(const Json& function) {
  plain::Activation f(function.at("name").get<std::string>());
  for (const auto& [key, value] : function.at("kwargs").items()) {
    if (value.is_boolean()) {
      f.options[key] = value.get<bool>() ? 1 : 0;
    } else if (value.is_number()) {
      f.options[key] = value;
    }
  }
  return f;
}

namespace {

// The plain program has the losses that kernels compute.
std::string plain_loss_name(const std::string& name) {
  if (name == "mse") return "mean_squared_error";
  if (name == "mae") return "mean_absolute_error";
  for (const char* known : {"mean_squared_error", "mean_absolute_error", "binary_crossentropy",
                            "categorical_crossentropy", "sparse_categorical_crossentropy"}) {
    if (name == known) return name;
  }
  throw golden::NotSupported("the plain program's loss " + name);
}

}  // namespace

plain::Loss plain_loss(const Json& serialized, const Json& arguments) {
  if (serialized.is_string()) return {.name = plain_loss_name(serialized)};
  Json config = serialized.at("config");
  config.update(arguments);
  if (config.value("reduction", "sum_over_batch_size") != "sum_over_batch_size") {
    throw golden::NotSupported("the plain program's reduction");
  }
  if (!config.value("ignore_class", Json()).is_null()) throw golden::NotSupported("the plain program's ignore_class");
  return {.name = plain_loss_name(config.at("name")),
          .from_logits = option(config, "from_logits", false),
          .label_smoothing = option(config, "label_smoothing", 0.0)};
}

plain::OptimizerOptions plain_optimizer(const Json& serialized) {
  if (serialized == "adam") return {.name = "Adam", .learning_rate = 0.001};
  if (serialized == "rmsprop") return {.name = "RMSprop", .learning_rate = 0.001};
  if (serialized == "sgd") return {};
  const Json& config = serialized.at("config");
  const std::string name = serialized.at("class_name");
  if (name != "Adam" && name != "RMSprop" && name != "SGD") throw golden::NotSupported("the plain program's " + name);
  golden::refuse_other_keys("the plain program's optimizer", config,
                            {"name", "learning_rate", "momentum", "nesterov", "beta_1", "beta_2", "amsgrad", "rho",
                             "centered", "epsilon", "clipnorm", "clipvalue", "global_clipnorm", "ema_momentum"});
  if (config.at("learning_rate").is_object()) throw golden::NotSupported("the plain program's schedule");
  const plain::OptimizerOptions standard;
  return {.name = name,
          .learning_rate = config.at("learning_rate"),
          .momentum = option(config, "momentum", standard.momentum),
          .nesterov = option(config, "nesterov", standard.nesterov),
          .beta_1 = option(config, "beta_1", standard.beta_1),
          .beta_2 = option(config, "beta_2", standard.beta_2),
          .amsgrad = option(config, "amsgrad", standard.amsgrad),
          .rho = option(config, "rho", standard.rho),
          .centered = option(config, "centered", standard.centered),
          .epsilon = option(config, "epsilon", standard.epsilon),
          .clipnorm = option(config, "clipnorm", 0.0),
          .clipvalue = option(config, "clipvalue", 0.0),
          .global_clipnorm = option(config, "global_clipnorm", 0.0)};
}

plain::Batch plain_batch(const Tensor& x, const Tensor& mask) {
  plain::Batch batch{.values = x.to_vector(),
                     .batch = static_cast<plain::Size>(x.shape()[0]),
                     .steps = x.shape().rank() == 3 ? static_cast<plain::Size>(x.shape()[1]) : 0,
                     .features = static_cast<plain::Size>(x.shape().back())};
  if (mask.shape().rank() == 2) {
    for (const double counts : mask.to_vector()) batch.mask.push_back(counts != 0 ? 1 : 0);
  }
  return batch;
}

std::vector<plain::Array> plain_arrays(const std::vector<Tensor>& tensors) {
  std::vector<plain::Array> arrays;
  for (const Tensor& t : tensors) arrays.push_back(t.to_vector());
  return arrays;
}

}  // namespace rondo::test
