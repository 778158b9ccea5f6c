#include "formats/keras/config.hpp"

#include <algorithm>

#include <rondo/error.hpp>
#include <rondo/keras_compat.hpp>

#include "core/fields.hpp"
#include "core/names.hpp"
#include "training/from_config.hpp"
#include "training/model_node.hpp"

namespace rondo::keras {

namespace {

using training::HeadOptions;
using training::ModelNode;
using training::node_of;

// ---- writing -------------------------------------------------------------------------------------------------------

// One thing for each output: alone where there is one output.
template <class Of>
Json of_outputs(const std::vector<HeadOptions>& heads, const Of& of) {
  if (heads.size() == 1) return of(heads.front());
  Json all = Json::array();
  for (const HeadOptions& head : heads) all.push_back(of(head));
  return all;
}

Json metrics_of(const HeadOptions& head, std::size_t begin, std::size_t end) {
  Json metrics = Json::array();
  for (std::size_t i = begin; i < end; ++i) metrics.push_back(training::to_config(head.metrics[i]));
  return metrics;
}

// As it is now: the learning rate may have been set. What Keras 3 does not have stands beside its configuration, which
// it would refuse with it.
Json config_of(const training::OptimizerState& optimizer) {
  const detail::OptimizerImpl& rule = optimizer.rule();
  Json config = rule.config(), own = Json::object();
  if (config.at("learning_rate").is_number()) config["learning_rate"] = optimizer.learning_rate();
  for (const char* key : {"exclude_from_weight_decay", "epsilon_outside_root", "schedule_decay"}) {
    if (!config.contains(key)) continue;
    own[key] = config[key];
    config.erase(key);
  }
  Json all = core::serialize("keras.optimizers", rule.class_name(), config);
  if (!own.empty()) all[kOwnOptions] = own;
  return all;
}

Json compile_config(const training::Compiled& compiled) {
  const std::vector<HeadOptions>& heads = compiled.heads;
  const bool is_usual = heads.size() == 1 && heads[0].loss_weight == 1;
  const Json weights = is_usual ? Json() : of_outputs(heads, [](const HeadOptions& h) { return Json(h.loss_weight); });
  return {
      {"optimizer", config_of(compiled.optimizer)},
      {"loss", of_outputs(heads, [](const HeadOptions& h) { return h.loss ? training::to_config(*h.loss) : Json(); })},
      {"loss_weights", weights},
      {"metrics", of_outputs(heads, [](const HeadOptions& h) { return metrics_of(h, 0, h.unweighted_metrics); })},
      {"weighted_metrics",
       of_outputs(heads, [](const HeadOptions& h) { return metrics_of(h, h.unweighted_metrics, h.metrics.size()); })},
      {"run_eagerly", false},
      {"steps_per_execution", 1},
      {"jit_compile", false}};
}

// ---- reading -------------------------------------------------------------------------------------------------------

// What is there for each output, in the order of the outputs: given for all, in a list, or by their names.
std::vector<Json> by_output(const Json& given, const std::vector<std::string>& outputs, const char* key) {
  if (given.is_object() && !given.contains("class_name")) {
    std::vector<Json> all;
    for (const std::string& name : outputs) all.push_back(given.value(name, Json()));
    return all;
  }
  if (!given.is_array()) return std::vector<Json>(outputs.size(), given);
  if (given.size() != outputs.size()) {
    throw ConfigError(std::string("compile_config: ") + key + " is given for " + std::to_string(given.size()) +
                      " outputs; the model has " + quoted_list(outputs));
  }
  return {given.begin(), given.end()};
}

Losses losses_from(const Json& config, const std::vector<std::string>& outputs) {
  if (config.is_null()) return {};
  std::vector<Loss> losses;
  for (const Json& loss : by_output(config, outputs, "loss")) losses.push_back(training::loss_from_config(loss));
  return losses;
}

std::vector<Metric> metrics_from(const Json& config) {
  if (config.is_null()) return {};
  std::vector<Metric> metrics;
  for (const Json& metric : config.is_array() ? config : Json::array({config})) {
    if (!metric.is_null()) metrics.push_back(training::metric_from_config(metric));
  }
  return metrics;
}

Metrics metrics_from(const Json& config, const std::vector<std::string>& outputs, const char* key) {
  if (config.is_null()) return {};
  const auto is_list = [](const Json& value) { return value.is_array(); };
  const bool is_list_of_metrics = config.is_array() && std::ranges::none_of(config, is_list);
  if (outputs.size() == 1 && is_list_of_metrics) return metrics_from(config);
  std::vector<std::vector<Metric>> all;
  const bool is_for_each =
      is_list_of_metrics && (config.empty() || detail::keras_defaults().metrics_are_for_each_output);
  const std::vector<Json> given =
      is_for_each ? std::vector<Json>(outputs.size(), config) : by_output(config, outputs, key);
  for (const Json& of_output : given) all.push_back(metrics_from(of_output));
  return Metrics::of_each(all);
}

LossWeights loss_weights_from(const Json& config, const std::vector<std::string>& outputs) {
  if (config.is_null()) return {};
  std::vector<double> weights;
  for (const Json& weight : by_output(config, outputs, "loss_weights")) {
    weights.push_back(weight.is_null() ? 1.0 : weight.get<double>());
  }
  return weights;
}

// Where some version of Keras has its classes.
bool is_keras_module(const std::string& module) {
  const std::string first = module.substr(0, module.find('.'));
  return first == "keras" || first == "tf_keras" || first == "tensorflow" || first == "builtins";
}

// ---- JSON ----------------------------------------------------------------------------------------------------------

// Goes over a text before it is made into objects, which takes memory, and time that grows with the square of an
// object's size.
class LimitsOfJson final : public Json::json_sax_t {
 public:
  LimitsOfJson(const std::string& where, std::size_t most_values) : where_(where), most_values_(most_values) {}

  bool null() override { return value(); }
  bool boolean(bool) override { return value(); }
  bool number_integer(number_integer_t) override { return value(); }
  bool number_unsigned(number_unsigned_t) override { return value(); }
  bool number_float(number_float_t, const string_t&) override { return value(); }
  bool string(string_t&) override { return value(); }
  bool binary(binary_t&) override { return value(); }
  bool start_array(std::size_t) override { return begin(); }
  bool end_array() override { return end(); }
  bool start_object(std::size_t) override { return begin(); }
  bool end_object() override { return end(); }
  bool key(string_t&) override {
    if (++keys_.back() > kMostKeys) fail("has an object of more than " + std::to_string(kMostKeys) + " values");
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& error) override {
    throw FileError(where_ + " is no JSON: " + error.what());
  }

 private:
  static constexpr std::size_t kDeepest = 100, kMostKeys = 256;

  bool value() {
    if (++values_ > most_values_) fail("has more than " + std::to_string(most_values_) + " values");
    return true;
  }
  bool begin() {
    if (keys_.size() == kDeepest) fail("is nested more than " + std::to_string(kDeepest) + " deep");
    keys_.push_back(0);
    return value();
  }
  bool end() {
    keys_.pop_back();
    return true;
  }
  [[noreturn]] void fail(const std::string& why) const { throw FileError(where_ + ": its JSON " + why); }

  const std::string& where_;
  std::size_t most_values_, values_ = 0;
  std::vector<std::size_t> keys_;  // of each object or array that is open
};

}  // namespace

Json parse_config(std::string_view text, const std::string& where, const JsonLimits& limits) {
  if (text.size() > limits.bytes) {
    throw FileError(where + ": its JSON has " + std::to_string(text.size()) + " bytes; at most " +
                    std::to_string(limits.bytes) + " are read");
  }
  LimitsOfJson check(where, limits.values);
  (void)Json::sax_parse(text, &check);
  Json config = Json::parse(text);
  if (config.is_object()) return config;
  throw FileError(where + ": its JSON is no object, but begins with " + std::string(text.substr(0, 20)));
}

void refuse_foreign(const Json& config) {
  if (!config.is_structured()) return;
  if (config.is_object() && config.contains("class_name")) {
    const Json module = config.value("module", Json()), registered = config.value("registered_name", Json());
    const bool is_foreign = (module.is_string() && !is_keras_module(module.get<std::string>())) ||
                            (registered.is_string() && registered.get<std::string>().find('>') != std::string::npos);
    if (is_foreign) {
      throw ConfigError(
          "it has a class or function that is not Keras's own: " + core::value_text(config["class_name"]) +
          " of the module " + core::value_text(module) + ", registered as " + core::value_text(registered));
    }
  }
  for (const Json& part : config) refuse_foreign(part);
}

Json config_of(const Model& model) {
  const ModelNode& node = node_of(model);
  Json config = core::serialize(node.keras_module(), node.class_name(), node.config());
  if (const training::Compiled* compiled = node.compiled_if_any()) config["compile_config"] = compile_config(*compiled);
  return config;
}

void compile_from(const Json& config, const Model& model) {
  const std::vector<std::string> outputs = node_of(model).output_names();
  const auto given = [&](const char* key) { return config.value(key, Json()); };
  CompileOptions options;
  options.optimizer = training::optimizer_from_config(config.at("optimizer"));
  options.loss = losses_from(given("loss"), outputs);
  options.loss_weights = loss_weights_from(given("loss_weights"), outputs);
  options.metrics = metrics_from(given("metrics"), outputs, "metrics");
  options.weighted_metrics = metrics_from(given("weighted_metrics"), outputs, "weighted_metrics");
  model.compile(options);
}

}  // namespace rondo::keras
