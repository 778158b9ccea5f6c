// A model's file in memory, whichever form it has.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <rondo/error.hpp>
#include <rondo/inspection.hpp>

#include "core/file_bytes.hpp"
#include "core/names.hpp"
#include "formats/hdf5/file.hpp"
#include "formats/keras/config.hpp"
#include "formats/zip/zip.hpp"

namespace rondo::keras {

inline constexpr const char* kMetadata = "metadata.json";
inline constexpr const char* kConfig = "config.json";
inline constexpr const char* kWeights = "model.weights.h5";

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

// Functions throw a FileError for what does not hold; to be called within in_file.
class ModelBytes {
 public:
  // Reads the file.
  explicit ModelBytes(const std::string& path) : path_(path), file_(path), bytes_(file_->bytes()) {}
  // Of one that is in memory, and stays there; the path is for messages.
  ModelBytes(core::Bytes bytes, const std::string& path, const hdf5::ReadOptions& reading)
      : path_(path), bytes_(bytes), reading_(reading) {}

  const std::string& path() const { return path_; }
  core::Bytes bytes() const { return bytes_; }
  // FileError where it is neither an archive nor HDF5.
  ModelFileKind kind() const;
  // The version of Keras that it says it was written by; "" where it does not.
  std::string version();
  // The text of the layers' configuration, of a .keras archive.
  std::string archived_config();
  // The HDF5 in it, or which it is. Its bytes are this object's.
  hdf5::File hdf5();

 private:
  bool is_archive() const;
  const zip::Reader& archive();
  core::Bytes weights();

  std::string path_;
  std::optional<core::FileBytes> file_;
  core::Bytes bytes_;
  hdf5::ReadOptions reading_ = {};
  std::optional<zip::Reader> archive_;
  std::vector<std::byte> memory_;  // of a compressed entry
  std::optional<core::Bytes> weights_;
};

}  // namespace rondo::keras
