// Models and weights to files and back.
#include "formats/keras/model_file.hpp"

#include <filesystem>

#include "core/access.hpp"
#include "core/keras_compat.hpp"
#include "core/names.hpp"
#include "formats/hdf5/file.hpp"
#include "formats/hdf5/writer.hpp"
#include "formats/keras/config.hpp"
#include "formats/keras/legacy.hpp"
#include "formats/keras/model_bytes.hpp"
#include "formats/keras/optimizer.hpp"
#include "formats/keras/upgrade.hpp"
#include "formats/keras/variables.hpp"
#include "formats/keras/verification.hpp"
#include "formats/zip/zip.hpp"
#include "graph/loading.hpp"
#include "training/from_config.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace {

using core::Bytes;
using keras::in_file;
using keras::Json;

// Of a model that is made from a text, which has none.
constexpr std::size_t kMostWeights = std::size_t{1} << 30;

const graph::LayerNode& built_node(const Model& model, const char* call) {
  if (!model.built()) {
    throw StateError(model.node()->where() + ": " + call +
                     " needs weights, which come with the first input shape: give the first layer .input_shape, or fit "
                     "or predict first");
  }
  return *model.node();
}

// What goes wrong in a text of model_from_json.
template <class F>
auto in_text(const F& f) {
  try {
    return f();
  } catch (const ShapeError& error) {
    throw ShapeError(one_line(error.what()));
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw ConfigError(one_line(error.what()));
  } catch (const Json::exception& error) {
    throw ConfigError("model_from_json: the configuration is not as Keras writes it: " + one_line(error.what()));
  }
}

// ---- writing -------------------------------------------------------------------------------------------------------

// What becomes of masks in a model: whether there is a layer where they begin, one that hands them on, one that does
// not.
struct Masks {
  bool begin = false, go_on = false, end = false;

  void look_at(const graph::LayerNode& node) {
    begin = begin || node.class_name() == "Masking";
    if (const std::optional<bool> on = node.hands_mask_on()) (*on ? go_on : end) = true;
    for (const auto& child : node.children()) look_at(*child);
  }
};

// Of Keras, whose form our files have.
constexpr const char* kUsualVersion = "3.15.1";
std::string version_for(const Model& model) {
  Masks masks;
  masks.look_at(*model.node());
  if (masks.begin && masks.go_on && masks.end) {
    throw ConfigError(
        model.node()->where() +
        ": some of its layers hand masks on and some do not, as in Keras before 3.16 and since; a file is "
        "of one version");
  }
  return masks.end ? "3.16.0" : kUsualVersion;
}

void check_target(const std::string& path, const SaveOptions& options) {
  std::error_code none;
  if (options.overwrite || !std::filesystem::exists(std::filesystem::symlink_status(path, none))) return;
  throw FileError("'" + path + "' is there already, and .overwrite is false");
}

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

void save_keras(const Model& model, const std::string& path) {
  hdf5::Writer file;
  keras::write_variables(*model.node(), file.root());
  keras::write_optimizer(model, file.root());
  keras::write_verification(model, file.root());
  const std::string metadata = Json{{"keras_version", version_for(model)}}.dump(),
                    config = keras::config_of(model).dump();
  zip::Writer archive;
  archive.add(keras::kMetadata, bytes_of(metadata));
  archive.add(keras::kConfig, bytes_of(config));
  archive.add(keras::kWeights, [&](const hdf5::Sink& put) { file.write(put); });
  archive.write(path);
}

void save_legacy(const Model& model, const std::string& path) {
  Json config = keras::config_of(model);
  hdf5::Writer file;
  hdf5::GroupWriter& root = file.root();
  const std::string version = version_for(model);
  root.attribute("keras_version", version);
  root.attribute("backend", "rondo");
  if (config.contains("compile_config")) {
    Json training = config["compile_config"];
    training["optimizer_config"] = training["optimizer"];
    training.erase("optimizer");
    root.attribute("training_config", training.dump());
    config.erase("compile_config");
  }
  root.attribute("model_config", config.dump());
  hdf5::GroupWriter& weights = root.group("model_weights");
  weights.attribute("keras_version", version);
  weights.attribute("backend", "rondo");
  keras::write_legacy_weights(*model.node(), weights);
  keras::write_legacy_optimizer(model, root);
  keras::write_verification(model, root);
  file.save(path);
}

// ---- reading -------------------------------------------------------------------------------------------------------

// A model of the configuration, for weights that a file of so many bytes has.
Model model_of(const Json& config, std::size_t bytes) {
  keras::refuse_foreign(config);
  const graph::Loading loading(graph::FirstWeights::from_file, graph::Loading::bytes_for(bytes));
  Model model = training::model_from_config(keras::upgraded_model(config));
  if (!model.built()) throw FileError("it does not say what shape the model's data have");
  return model;
}

void compile(const Model& model, const Json& config) {
  try {
    keras::refuse_foreign(config);
    keras::compile_from(keras::upgraded_compile_config(config), model);
  } catch (const ConfigError& error) {
    throw FileError(std::string(error.what()) +
                    ". To load the model without what it was compiled with: .compile = false");
  }
}

Model load_keras(keras::ModelBytes& file, const LoadOptions& options) {
  const core::WithKerasDefaults defaults(core::keras_defaults_of(file.version()));
  Json config = keras::parse_config(file.archived_config(), file.path() + ": " + keras::kConfig);
  const Json compile_config = config.value("compile_config", Json());
  config.erase("compile_config");
  Model model = model_of(config, file.bytes().size());
  const hdf5::Group root = file.hdf5().root();
  keras::read_variables(root, *model.node(), /*skip_mismatch=*/false);
  if (options.compile && compile_config.contains("optimizer")) {
    compile(model, compile_config);
    keras::read_optimizer(root, model);
  }
  return model;
}

Model load_legacy(keras::ModelBytes& file, const LoadOptions& options) {
  const hdf5::Group root = file.hdf5().root();
  const std::string version = file.version(), &path = file.path();
  const core::WithKerasDefaults defaults(core::keras_defaults_of(version.empty() ? "1" : version));
  Model model = model_of(keras::parse_config(root.attribute("model_config").text(), path + ": model_config"),
                         file.bytes().size());
  keras::read_legacy_weights(root.group("model_weights"), *model.node(), {});
  if (options.compile && root.has_attribute("training_config")) {
    compile(model, keras::parse_config(root.attribute("training_config").text(), path + ": training_config"));
    keras::read_legacy_optimizer(root, model, detail::keras_defaults());
  }
  return model;
}

Model load(keras::ModelBytes& file, const LoadOptions& options) {
  return in_file(file.path(), [&] {
    switch (file.kind()) {
      case ModelFileKind::keras: return load_keras(file, options);
      case ModelFileKind::h5: return load_legacy(file, options);
      case ModelFileKind::weights:
      case ModelFileKind::legacy_weights: break;
    }
    throw FileError("it has no model_config, so weights alone; make the model and call its load_weights");
  });
}

std::vector<std::string> read_weights(const hdf5::Group& root, const graph::LayerNode& node,
                                      const LoadWeightsOptions& options) {
  const keras::LegacyOptions legacy{options.by_name, options.skip_mismatch};
  if (keras::has_layer_names(root)) return keras::read_legacy_weights(root, node, legacy);
  if (root.contains("model_weights") && keras::has_layer_names(root.group("model_weights"))) {
    return keras::read_legacy_weights(root.group("model_weights"), node, legacy);
  }
  if (options.by_name) {
    throw ConfigError("load_weights: .by_name is for files of Keras 2 (.h5); this one has no names of layers");
  }
  return keras::read_variables(root, node, options.skip_mismatch);
}

}  // namespace

void Model::save(const std::string& path, const SaveOptions& options) const {
  built_node(*this, "save");
  check_target(path, options);
  if (path.ends_with(".keras")) return save_keras(*this, path);
  if ((path.ends_with(".h5") || path.ends_with(".hdf5")) && !path.ends_with(".weights.h5"))
    return save_legacy(*this, path);
  throw ConfigError("save: '" + path + "' must end in .keras, or in .h5 for the older format" +
                    (path.ends_with(".weights.h5") ? "; save_weights writes weights alone" : ""));
}

void Model::save_weights(const std::string& path, const SaveOptions& options) const {
  const graph::LayerNode& node = built_node(*this, "save_weights");
  if (!path.ends_with(".weights.h5")) throw ConfigError("save_weights: '" + path + "' must end in .weights.h5");
  check_target(path, options);
  hdf5::Writer file;
  keras::write_variables(node, file.root());
  file.save(path);
}

std::vector<std::string> Model::load_weights(const std::string& path, const LoadWeightsOptions& options) const {
  const graph::LayerNode& node = built_node(*this, "load_weights");
  keras::ModelBytes file(path);
  return in_file(path, [&] { return read_weights(file.hdf5().root(), node, options); });
}

std::string Model::to_json() const {
  Json config = keras::config_of(*this);
  // Keras writes no version into this text, which is read as before 3.16.
  if (const std::string version = version_for(*this); version != kUsualVersion) config["keras_version"] = version;
  return config.dump();
}

Model keras::load_model(core::Bytes bytes, const std::string& path, const LoadOptions& options,
                        const hdf5::ReadOptions& reading) {
  ModelBytes file(bytes, path, reading);
  return load(file, options);
}

Model load_model(const std::string& path, const LoadOptions& options) {
  keras::ModelBytes file(path);
  return load(file, options);
}

Model model_from_json(const std::string& json) {
  return in_text([&] {
    const Json config = keras::parse_config(json, "model_from_json");
    const core::WithKerasDefaults defaults(core::keras_defaults_of(config.value("keras_version", "")));
    keras::refuse_foreign(config);
    const graph::Loading loading(graph::FirstWeights::drawn, kMostWeights);
    Model model = training::model_from_config(keras::upgraded_model(config));
    const Json compile_config = config.value("compile_config", Json());
    if (compile_config.contains("optimizer"))
      keras::compile_from(keras::upgraded_compile_config(compile_config), model);
    return model;
  });
}

Model clone_model(const Model& model) {
  return detail::Access::make<Model>(detail::Access::make<Layer>(model.node()->copy()));
}

}  // namespace rondo
