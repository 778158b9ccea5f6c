// rondo inspect: what is in a model file.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include <rondo/inspection.hpp>
#include <rondo/saving.hpp>

#include "commands.hpp"
#include "formats.hpp"
#include "given_model.hpp"
#include "text.hpp"

namespace rondo::cli {

namespace {

using Json = nlohmann::ordered_json;

struct InspectArguments {
  std::string file;
  bool weights = false, json = false;
};

constexpr const char* kInspectHelp =
    "\nThe hash is one of the weights' places, shapes and numbers: equal hashes are equal weights, on every machine,\n"
    "whether they are in .keras, .h5 or .weights.h5.\n"
    "\nExamples:\n"
    "  rondo inspect model.keras\n"
    "  rondo inspect --json model.keras | jq -r .weights_hash\n";

// ---- what there is to tell, as JSON --------------------------------------------------------------------------------

struct Statistics {
  double least = std::numeric_limits<double>::infinity(), most = -least, mean = 0;
};

// NaN where there is one.
Statistics statistics_of(const Tensor& tensor) {
  Statistics s;
  for (const double value : tensor.to_vector()) {
    s.least = std::isnan(value) || value < s.least ? value : s.least;
    s.most = std::isnan(value) || value > s.most ? value : s.most;
    s.mean += value;
  }
  s.mean /= static_cast<double>(tensor.size());
  if (std::isnan(s.mean)) s.least = s.most = s.mean;
  return s;
}

Json json_of(const Shape& shape) {
  Json sizes = Json::array();
  for (const Index size : shape) sizes.push_back(size == Shape::kUnknown ? Json() : Json(size));
  return sizes;
}

Json json_of(const std::vector<NamedWeight>& weights) {
  Json all = Json::array();
  for (const NamedWeight& weight : weights) {
    const Statistics s = statistics_of(weight.value);
    all.push_back({{"name", weight.name},
                   {"shape", json_of(weight.value.shape())},
                   {"dtype", std::string(to_string(weight.value.dtype()))},
                   {"min", s.least},
                   {"max", s.most},
                   {"mean", s.mean}});
  }
  return all;
}

std::vector<NamedWeight> weights_of(const Model& model) {
  std::vector<NamedWeight> weights;
  const std::vector<WeightInfo> infos = model.weights();
  std::vector<Tensor> values = model.get_weights();
  for (std::size_t i = 0; i < infos.size(); ++i) weights.push_back({infos[i].path, std::move(values[i])});
  return weights;
}

Json shapes_of(const std::vector<Symbol>& symbols) {
  Json shapes = Json::array();
  for (const Symbol& symbol : symbols) shapes.push_back(json_of(symbol.shape()));
  return shapes;
}

Index count_of(const Model& model, bool trainable) {
  Index count = 0;
  for (const WeightInfo& weight : model.weights()) count += weight.trainable == trainable ? weight.shape.elements() : 0;
  return count;
}

// What the model was compiled with, and how far the optimizer has gone; null where it was not.
Json compiled_of(const Model& model) {
  const Json config = Json::parse(model.to_json());
  if (!config.contains("compile_config")) return {};
  Json compiled = config["compile_config"];
  for (const char* key : {"run_eagerly", "steps_per_execution", "jit_compile"}) compiled.erase(key);
  compiled["steps"] = static_cast<std::int64_t>(model.optimizer_variables().front().value());
  return compiled;
}

// ---- as text -------------------------------------------------------------------------------------------------------

// "Adam" of {class_name, config}; lists side by side, "none" where nothing is in them.
std::string in_short(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object() && json.contains("class_name")) return json["class_name"].get<std::string>();
  if (json.is_object() || json.is_array()) {
    std::string text;
    bool any = false;
    for (const Json& each : json) {
      const std::string part = in_short(each);
      any = any || part != "none";
      text += (text.empty() ? "" : ", ") + part;
    }
    return any ? text : "none";
  }
  return "none";
}

std::string rate_in_short(const Json& optimizer) {
  const Json rate = optimizer.value("config", Json::object()).value("learning_rate", Json());
  return rate.is_number() ? short_text(rate.get<double>()) : in_short(rate);
}

std::string compiled_in_short(const Json& compiled) {
  if (compiled.is_null()) return "no";
  std::string text = in_short(compiled["optimizer"]) + " (learning rate " + rate_in_short(compiled["optimizer"]) +
                     "), loss " + in_short(compiled["loss"]) + ", metrics " + in_short(compiled["metrics"]);
  if (in_short(compiled["weighted_metrics"]) != "none") text += ", weighted " + in_short(compiled["weighted_metrics"]);
  const auto steps = compiled["steps"].get<std::int64_t>();
  return text + "; " + std::to_string(steps) + (steps == 1 ? " step made" : " steps made");
}

std::string shapes_in_short(const std::vector<Symbol>& symbols) {
  std::string text;
  for (const Symbol& symbol : symbols) text += (text.empty() ? "" : ", ") + to_string(symbol.shape());
  return text;
}

void add_line(std::string& text, std::string title, const std::string& value) {
  title.resize(16, ' ');
  text += title + value + "\n";
}

std::string table_of(const std::vector<NamedWeight>& weights) {
  std::size_t name = 0, shape = 0;
  for (const NamedWeight& weight : weights) {
    name = std::max(name, weight.name.size());
    shape = std::max(shape, to_string(weight.value.shape()).size());
  }
  const auto padded = [](std::string text, std::size_t width) { return text.append(width + 2 - text.size(), ' '); };
  std::string text;
  for (const NamedWeight& weight : weights) {
    const Statistics s = statistics_of(weight.value);
    text += padded(weight.name, name) + padded(to_string(weight.value.shape()), shape) +
            std::string(to_string(weight.value.dtype())) + "  min " + padded(short_text(s.least), 12) + "max " +
            padded(short_text(s.most), 12) + "mean " + short_text(s.mean) + "\n";
  }
  return text;
}

// ---- the kinds of files --------------------------------------------------------------------------------------------

std::string what_it_is(ModelFileKind kind) {
  switch (kind) {
    case ModelFileKind::keras: return "keras: an archive as Keras 3 writes it";
    case ModelFileKind::h5: return "h5: a whole model in HDF5, as Keras 2 writes it";
    case ModelFileKind::weights: return "weights.h5: weights alone in HDF5, as Keras 3 writes them";
    case ModelFileKind::legacy_weights: break;
  }
  return "h5: weights alone in HDF5, as Keras 2 writes them";
}

bool is_whole(ModelFileKind kind) { return kind == ModelFileKind::keras || kind == ModelFileKind::h5; }

// What is known of a file before its model is read.
struct Facts {
  std::string text;
  Json json;
};

Facts facts_of(const GivenModel& given, std::uint64_t bytes, const std::string& format, const std::string& what) {
  Facts facts{{}, {{"file", given.name()}, {"bytes", bytes}, {"format", format}}};
  add_line(facts.text, "file", given.name() + ", " + std::to_string(bytes) + " bytes");
  add_line(facts.text, "format", what);
  return facts;
}

Facts facts_of(const GivenModel& given, const ModelFileInfo& info) {
  Facts facts = facts_of(given, info.bytes, to_string(info.kind), what_it_is(info.kind));
  facts.json["keras_version"] = info.keras_version.empty() ? Json() : Json(info.keras_version);
  facts.json["keras_compat"] = info.keras_compat;
  facts.json["verification"] = info.has_verification;
  const std::string version = info.keras_version.empty() ? "it does not say" : "Keras " + info.keras_version;
  add_line(facts.text, "version",
           version + (is_whole(info.kind) ? "; read as set_keras_compat(\"" + info.keras_compat + "\") says" : ""));
  if (is_whole(info.kind)) {
    add_line(facts.text, "verification", info.has_verification ? "there: rondo verify compares" : "none in it");
  }
  return facts;
}

// Of another program's file.
Facts facts_of(const GivenModel& given, const Format& format) {
  return facts_of(given, size_of_file(given.name()), format.ending, format.ending + ": " + format.what);
}

// The model with what it was compiled with; without that where it cannot be read, which `unread` then tells.
Model load(const GivenModel& given, std::string& unread) {
  try {
    return given.load(/*compile=*/true);
  } catch (const Failure& failure) {
    Model model = given.load(/*compile=*/false);
    unread = failure.what();
    return model;
  }
}

// (A file's name may have bytes that are no UTF-8.)
std::string text_of(const Json& all) { return all.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

void show_model(const GivenModel& given, const Facts& facts, const InspectArguments& o) {
  std::string unread;
  if (!o.json) print(facts.text);  // what is known of a file whose model is not read
  const Model model = load(given, unread);
  const Json compiled = compiled_of(model);
  const std::string hash = weights_hash(model);
  if (o.json) {
    Json all = facts.json;
    all["model"] = {{"class", model.class_name()},
                    {"name", model.name()},
                    {"dtype", std::string(to_string(model.dtype()))},
                    {"inputs", shapes_of(model.inputs())},
                    {"outputs", shapes_of(model.outputs())},
                    {"parameters", model.count_params()},
                    {"trainable_parameters", count_of(model, true)}};
    all["compiled"] = compiled;
    if (!unread.empty()) all["compiled_unread"] = unread;
    all["weights_hash"] = hash;
    if (o.weights) all["weights"] = json_of(weights_of(model));
    return print(text_of(all));
  }
  std::string text;
  add_line(text, "inputs", shapes_in_short(model.inputs()));
  add_line(text, "outputs", shapes_in_short(model.outputs()));
  add_line(text, "compiled with", unread.empty() ? compiled_in_short(compiled) : "not read: " + unread);
  add_line(text, "weights", hash);
  text += "\n" + model.summary_text();
  if (o.weights) text += "\n" + table_of(weights_of(model));
  print(text);
}

void show_weights(const GivenModel& given, const Facts& facts, const InspectArguments& o) {
  const std::vector<NamedWeight> weights = given.read([](const std::string& path) { return read_weights(path); });
  Index parameters = 0;
  for (const NamedWeight& weight : weights) parameters += weight.value.size();
  const std::string hash = weights_hash(weights);
  if (o.json) {
    Json all = facts.json;
    all["parameters"] = parameters;
    all["weights_hash"] = hash;
    if (o.weights) all["weights"] = json_of(weights);
    return print(text_of(all));
  }
  std::string text = facts.text;
  add_line(text, "parameters", std::to_string(parameters) + " in " + std::to_string(weights.size()) + " weights");
  add_line(text, "weights", hash);
  if (o.weights) text += "\n" + table_of(weights);
  print(text);
}

int run_inspect(const InspectArguments& o) {
  const GivenModel given(o.file);
  if (const Format* format = format_read_by_name(o.file)) {
    show_model(given, facts_of(given, *format), o);
    return kDone;
  }
  const ModelFileInfo info = given.read([](const std::string& path) { return inspect_file(path); });
  const Facts facts = facts_of(given, info);
  is_whole(info.kind) ? show_model(given, facts, o) : show_weights(given, facts, o);
  return kDone;
}

}  // namespace

void add_inspect(CLI::App& program, Command& chosen) {
  const auto options = std::make_shared<InspectArguments>();
  CLI::App* command = program.add_subcommand("inspect", "tell what is in a model file");
  command
      ->add_option("FILE", options->file,
                   "a .keras, .h5 or .weights.h5 file, .onnx, .rtneural.json or .nam; - is standard input")
      ->required();
  command->add_flag("--weights", options->weights, "list the weights: shape, smallest, largest, mean");
  command->add_flag("--json", options->json, "for machines");
  command->footer(kInspectHelp);
  command->callback([options, &chosen] { chosen = [options] { return run_inspect(*options); }; });
}

}  // namespace rondo::cli
