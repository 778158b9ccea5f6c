// Models and weights to files and back.
#include "formats/keras/model_file.hpp"

#include <filesystem>

#include "core/access.hpp"
#include "core/file_bytes.hpp"
#include "core/keras_compat.hpp"
#include "core/names.hpp"
#include "formats/hdf5/file.hpp"
#include "formats/hdf5/writer.hpp"
#include "formats/keras/config.hpp"
#include "formats/keras/legacy.hpp"
#include "formats/keras/optimizer.hpp"
#include "formats/keras/upgrade.hpp"
#include "formats/keras/variables.hpp"
#include "formats/zip/records.hpp"
#include "formats/zip/zip.hpp"
#include "graph/loading.hpp"
#include "training/from_config.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace {

using core::Bytes;
using keras::Json;

constexpr const char* kMetadata = "metadata.json";
constexpr const char* kConfig = "config.json";
constexpr const char* kWeights = "model.weights.h5";
constexpr const char* kVersion = "3.15.1";  // of Keras, whose form our files have

constexpr std::size_t kLargestMetadata = std::size_t{1} << 16;
// Weights stand in a file once. Packed they take up to 16 times their bytes, where layers have a single unit.
constexpr std::size_t kPacked = 16, kSmallModel = std::size_t{1} << 24;
// Weights hardly become less by compressing them; those that do are zeros, or made to fill a memory.
constexpr std::size_t kMostCompressed = 32;
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

// What goes wrong in a file is a FileError that names it.
template <class F>
auto in_file(const std::string& path, const F& f) {
  const std::string where = "'" + path + "': ";
  try {
    return f();
  } catch (const FileError& error) {
    const std::string what = error.what();
    throw FileError((what.find(path) == std::string::npos ? where : "") + one_line(what));
  } catch (const Error& error) {
    throw FileError(where + one_line(error.what()));
  } catch (const Json::exception& error) {
    throw FileError(where + "its configuration is not as Keras writes it: " + one_line(error.what()));
  }
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

void check_target(const std::string& path, const SaveOptions& options) {
  if (options.overwrite || !std::filesystem::exists(path)) return;
  throw FileError("'" + path + "' is there already, and .overwrite is false");
}

Bytes bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

void save_keras(const Model& model, const std::string& path) {
  hdf5::Writer file;
  keras::write_variables(*model.node(), file.root());
  keras::write_optimizer(model, file.root());
  const std::vector<std::byte> weights = file.bytes();
  const std::string metadata = Json{{"keras_version", kVersion}}.dump(), config = keras::config_of(model).dump();
  zip::Writer archive;
  archive.add(kMetadata, bytes_of(metadata));
  archive.add(kConfig, bytes_of(config));
  archive.add(kWeights, weights);
  archive.write(path);
}

void save_legacy(const Model& model, const std::string& path) {
  Json config = keras::config_of(model);
  hdf5::Writer file;
  hdf5::GroupWriter& root = file.root();
  root.attribute("keras_version", kVersion);
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
  weights.attribute("keras_version", kVersion);
  weights.attribute("backend", "rondo");
  keras::write_legacy_weights(*model.node(), weights);
  keras::write_legacy_optimizer(model, root);
  core::write_file(path, {file.bytes()});
}

// ---- reading -------------------------------------------------------------------------------------------------------

// A model of the configuration, for weights that a file of so many bytes has.
Model model_of(const Json& config, std::size_t bytes) {
  keras::refuse_foreign(config);
  const graph::Loading loading(graph::FirstWeights::from_file, kSmallModel + kPacked * bytes);
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

std::string version_of(const zip::Reader& archive, const std::string& path) {
  if (!archive.contains(kMetadata)) return "";
  std::vector<std::byte> memory;
  return keras::parse_config(zip::text(archive.read(kMetadata, kLargestMetadata, memory)), path + ": " + kMetadata)
      .value("keras_version", "");
}

// Of an archive of so many bytes.
Bytes weights_in(const zip::Reader& archive, std::size_t bytes, std::vector<std::byte>& memory) {
  return archive.read(kWeights, kSmallModel + kMostCompressed * bytes, memory);
}

Model load_keras(Bytes bytes, const std::string& path, const LoadOptions& options, const hdf5::ReadOptions& reading) {
  const zip::Reader archive(bytes, path);
  const core::WithKerasDefaults defaults(core::keras_defaults_of(version_of(archive, path)));
  std::vector<std::byte> text_memory, memory;
  Json config =
      keras::parse_config(zip::text(archive.read(kConfig, keras::kLargestConfig, text_memory)), path + ": " + kConfig);
  const Json compile_config = config.value("compile_config", Json());
  config.erase("compile_config");
  const Bytes weights = weights_in(archive, bytes.size(), memory);
  const Model model = model_of(config, bytes.size());
  const hdf5::File file(weights, path + ": " + kWeights, reading);
  keras::read_variables(file.root(), *model.node(), /*skip_mismatch=*/false);
  if (options.compile && compile_config.contains("optimizer")) {
    compile(model, compile_config);
    keras::read_optimizer(file.root(), model);
  }
  return model;
}

Model load_legacy(Bytes bytes, const std::string& path, const LoadOptions& options, const hdf5::ReadOptions& reading) {
  const hdf5::File file(bytes, path, reading);
  const hdf5::Group root = file.root();
  if (!root.has_attribute("model_config")) {
    throw FileError("it has no model_config, so weights alone; make the model and call its load_weights");
  }
  const std::string version = root.has_attribute("keras_version") ? root.attribute("keras_version").text() : "1";
  const core::WithKerasDefaults defaults(core::keras_defaults_of(version));
  const Model model =
      model_of(keras::parse_config(root.attribute("model_config").text(), path + ": model_config"), bytes.size());
  keras::read_legacy_weights(root.group("model_weights"), *model.node(), {});
  if (options.compile && root.has_attribute("training_config")) {
    compile(model, keras::parse_config(root.attribute("training_config").text(), path + ": training_config"));
    keras::read_legacy_optimizer(root, model, detail::keras_defaults());
  }
  return model;
}

bool is_zip(Bytes bytes) { return bytes.size() >= 2 && bytes[0] == std::byte{'P'} && bytes[1] == std::byte{'K'}; }

std::vector<std::string> read_weights(const hdf5::Group& root, const graph::LayerNode& node,
                                      const LoadWeightsOptions& options) {
  const keras::LegacyOptions legacy{options.by_name, options.skip_mismatch};
  const auto has_names = [](const hdf5::Group& group) {
    return group.has_attribute("layer_names") || group.has_attribute("layer_names0");
  };
  if (has_names(root)) return keras::read_legacy_weights(root, node, legacy);
  if (root.contains("model_weights") && has_names(root.group("model_weights"))) {
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
  core::write_file(path, {file.bytes()});
}

std::vector<std::string> Model::load_weights(const std::string& path, const LoadWeightsOptions& options) const {
  const graph::LayerNode& node = built_node(*this, "load_weights");
  const core::FileBytes file(path);
  return in_file(path, [&] {
    std::vector<std::byte> memory;
    const Bytes bytes =
        is_zip(file.bytes()) ? weights_in(zip::Reader(file.bytes(), path), file.bytes().size(), memory) : file.bytes();
    return read_weights(hdf5::File(bytes, path).root(), node, options);
  });
}

std::string Model::to_json() const { return keras::config_of(*this).dump(); }

Model keras::load_model(Bytes bytes, const std::string& path, const LoadOptions& options,
                        const hdf5::ReadOptions& reading) {
  return in_file(path, [&] {
    if (is_zip(bytes)) return load_keras(bytes, path, options, reading);
    if (hdf5::is_hdf5(bytes)) return load_legacy(bytes, path, options, reading);
    throw FileError(bytes.empty() ? "it is empty" : "it is no model: neither a .keras archive nor HDF5");
  });
}

Model load_model(const std::string& path, const LoadOptions& options) {
  return keras::load_model(core::FileBytes(path).bytes(), path, options);
}

Model model_from_json(const std::string& text) {
  return in_text([&] {
    const Json config = keras::parse_config(text, "model_from_json");
    const core::WithKerasDefaults defaults(core::keras_defaults_of(config.value("keras_version", "")));
    keras::refuse_foreign(config);
    const graph::Loading loading(graph::FirstWeights::drawn, kMostWeights);
    const Model model = training::model_from_config(keras::upgraded_model(config));
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
