// Looking into model files.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <rondo/inspection.hpp>
#include <rondo/saving.hpp>

#include "core/keras_compat.hpp"
#include "formats/keras/legacy.hpp"
#include "formats/keras/model_bytes.hpp"
#include "formats/keras/model_file.hpp"
#include "formats/keras/variables.hpp"
#include "formats/keras/verification.hpp"
#include "graph/loading.hpp"
#include "training/model_node.hpp"

namespace rondo {

namespace {

// Where bits depend on the processor: a hundredth is four times the distance of neighbours in bfloat16.
constexpr double kMixedTolerance = 0.01;

// ---- weights alone -------------------------------------------------------------------------------------------------

// Takes weights from a file that may claim anything: not more numbers than its bytes can hold, nor more objects than
// models have.
class WeightReader {
 public:
  explicit WeightReader(std::size_t file_bytes) : bytes_left_(graph::Loading::bytes_for(file_bytes)) {}

  void read_keras_3(const hdf5::Group& group, const std::string& path, int depth) {
    if (depth > kDeepest) throw FileError("its groups are nested more than " + std::to_string(kDeepest) + " deep");
    const bool holds_weights = path == "vars" || path.ends_with("/vars");
    for (const std::string& name : group.names()) {
      count_object();
      const std::string below = path.empty() ? name : path + "/" + name;
      if (!group.is_group(name)) {
        if (holds_weights) add(below, group.dataset(name));
      } else if (name != "seed_generator" && below != "optimizer" && below != "metrics") {
        read_keras_3(group.group(name), below, depth + 1);
      }
    }
  }

  void read_legacy(const hdf5::Group& root) {
    for (const std::string& layer : keras::texts_of(root, "layer_names")) {
      const hdf5::Group group = root.group(layer);
      for (const std::string& weight : keras::texts_of(group, "weight_names")) {
        count_object();
        add(layer + "/" + weight, group.dataset(weight));
      }
    }
  }

  std::vector<NamedWeight> take() {
    std::ranges::stable_sort(weights_, {}, &NamedWeight::name);
    return std::move(weights_);
  }

 private:
  static constexpr int kDeepest = 60, kMostObjects = 100'000;

  void count_object() {
    if (++objects_ > kMostObjects) {
      throw FileError("it has more than " + std::to_string(kMostObjects) + " groups and data sets");
    }
  }

  void add(const std::string& name, const hdf5::Dataset& dataset) {
    const bool is_float32 = dataset.type().kind == hdf5::Datatype::Kind::floating && dataset.type().size == 4;
    const std::size_t element = is_float32 ? sizeof(float) : sizeof(double);
    const auto elements = static_cast<std::size_t>(dataset.elements());
    if (elements > bytes_left_ / element) throw FileError("'" + name + "' has more numbers than the file can hold");
    bytes_left_ -= elements * element;
    weights_.push_back({name, keras::tensor_of(dataset, is_float32 ? DType::float32 : DType::float64)});
  }

  std::size_t bytes_left_;
  int objects_ = 0;
  std::vector<NamedWeight> weights_;
};

// ---- comparison ----------------------------------------------------------------------------------------------------

bool computes_in_bfloat16(const graph::LayerNode& node) {
  return node.policy().mixed_bfloat16() ||
         std::ranges::any_of(node.children(), [](const auto& child) { return computes_in_bfloat16(*child); });
}

VerifiedOutput compared(const std::string& name, const Tensor& here, const Tensor& there, double tolerance) {
  VerifiedOutput result{.name = name, .shape = there.shape(), .identical = true, .passed = true};
  const std::vector<double> a = here.to_vector(), b = there.to_vector();
  for (std::size_t i = 0; i < b.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (a[i] == b[i] && std::signbit(a[i]) == std::signbit(b[i])) continue;
    result.identical = false;
    const double distance = std::abs(a[i] - b[i]);
    const bool is_number = std::isfinite(distance);
    result.passed = result.passed && is_number && distance <= tolerance * std::max(1.0, std::abs(b[i]));
    result.largest_difference =
        std::max(result.largest_difference, is_number ? distance : std::numeric_limits<double>::infinity());
  }
  if (tolerance == 0) result.passed = result.identical;
  return result;
}

}  // namespace

std::string to_string(ModelFileKind kind) {
  switch (kind) {
    case ModelFileKind::keras: return "keras";
    case ModelFileKind::h5: return "h5";
    case ModelFileKind::weights: return "weights.h5";
    case ModelFileKind::legacy_weights: break;
  }
  return "weights of Keras 2 in .h5";
}

ModelFileInfo inspect_file(const std::string& path) {
  keras::ModelBytes file(path);
  return keras::in_file(path, [&] {
    ModelFileInfo info{.kind = file.kind(), .keras_version = file.version(), .bytes = file.bytes().size()};
    const bool is_old = info.keras_version.empty() && info.kind == ModelFileKind::h5;
    info.keras_compat = core::keras_defaults_of(is_old ? "1" : info.keras_version).version;
    info.has_verification = file.hdf5().root().contains(keras::kVerification);
    return info;
  });
}

std::vector<NamedWeight> read_weights(const std::string& path) {
  keras::ModelBytes file(path);
  return keras::in_file(path, [&] {
    WeightReader reader(file.bytes().size());
    const hdf5::Group root = file.hdf5().root();
    switch (file.kind()) {
      case ModelFileKind::keras:
      case ModelFileKind::h5:
        throw FileError("it is a whole model; load_model reads it, and get_weights returns its weights");
      case ModelFileKind::weights: reader.read_keras_3(root, "", 0); break;
      case ModelFileKind::legacy_weights:
        reader.read_legacy(keras::has_layer_names(root) ? root : root.group("model_weights"));
        break;
    }
    return reader.take();
  });
}

bool Verification::passed() const {
  return std::ranges::all_of(outputs, [](const VerifiedOutput& output) { return output.passed; });
}

Verification verify_file(const std::string& path) {
  keras::ModelBytes file(path);
  const Model model = keras::load_model(file.bytes(), path, {.compile = false});
  return keras::in_file(path, [&] {
    const keras::KeptPredictions kept = keras::read_verification(file.hdf5().root(), model);
    const auto here = keras::predictions(model, kept.inputs);
    if (!here) throw FileError("the model has code of its user's inside, which is not run to verify it");
    const double tolerance = computes_in_bfloat16(*model.node()) ? kMixedTolerance : 0.0;
    Verification result{kept.rondo_version, tolerance, {}};
    const std::vector<std::string> names = training::node_of(model).output_names();
    for (std::size_t i = 0; i < here->size(); ++i) {
      result.outputs.push_back(compared(names[i], (*here)[i], kept.outputs[i], tolerance));
    }
    return result;
  });
}

}  // namespace rondo
