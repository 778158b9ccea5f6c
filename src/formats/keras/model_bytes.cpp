#include "formats/keras/model_bytes.hpp"

#include "formats/keras/legacy.hpp"
#include "formats/zip/records.hpp"

namespace rondo::keras {

namespace {

constexpr std::size_t kLargestMetadata = std::size_t{1} << 16;
// Weights hardly become less by compressing them; those that do are zeros, or made to fill a memory.
constexpr std::size_t kSmallModel = std::size_t{1} << 24, kMostCompressed = 32;

}  // namespace

bool ModelBytes::is_archive() const {
  const core::Bytes all = bytes();
  return all.size() >= 2 && all[0] == std::byte{'P'} && all[1] == std::byte{'K'};
}

ModelFileKind ModelBytes::kind() const {
  if (is_archive()) return ModelFileKind::keras;
  if (!hdf5::is_hdf5(bytes())) {
    throw FileError(bytes().empty() ? "it is empty" : "it is no model: neither a .keras archive nor HDF5");
  }
  const hdf5::Group root = hdf5::File(bytes(), path_, reading_).root();
  if (root.has_attribute("model_config")) return ModelFileKind::h5;
  const bool is_legacy = has_layer_names(root) || root.contains("model_weights");
  return is_legacy ? ModelFileKind::legacy_weights : ModelFileKind::weights;
}

const zip::Reader& ModelBytes::archive() {
  if (!archive_) archive_.emplace(bytes(), path_);
  return *archive_;
}

std::string ModelBytes::version() {
  if (is_archive()) {
    const zip::Reader& zip = archive();
    if (!zip.contains(kMetadata)) return "";
    std::vector<std::byte> memory;
    return parse_config(zip::text(zip.read(kMetadata, kLargestMetadata, memory)), path_ + ": " + kMetadata)
        .value("keras_version", "");
  }
  const hdf5::Group root = hdf5::File(bytes(), path_, reading_).root();
  return root.has_attribute("keras_version") ? root.attribute("keras_version").text() : "";
}

std::string ModelBytes::archived_config() {
  std::vector<std::byte> memory;
  return zip::text(archive().read(kConfig, kLargestConfig, memory));
}

core::Bytes ModelBytes::weights() {
  if (!is_archive()) return bytes();
  if (!weights_) weights_ = archive().read(kWeights, kSmallModel + kMostCompressed * bytes().size(), memory_);
  return *weights_;
}

hdf5::File ModelBytes::hdf5() {
  return hdf5::File(weights(), is_archive() ? path_ + ": " + kWeights : path_, reading_);
}

}  // namespace rondo::keras
