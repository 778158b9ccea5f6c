// NumPy's .npz: a zip archive with a .npy file for each array.
#include <limits>

#include <rondo/error.hpp>
#include <rondo/npy.hpp>

#include "core/dispatch.hpp"
#include "core/file_bytes.hpp"
#include "data/npy_format.hpp"
#include "formats/zip/zip.hpp"

namespace rondo {

namespace {

constexpr std::string_view kEnding = ".npy";
constexpr std::size_t kLongestName = 65000;

std::string array_name(const std::string& entry, const std::string& path) {
  if (entry.ends_with(kEnding)) return entry.substr(0, entry.size() - kEnding.size());
  throw FileError("'" + path + "': its entry '" + entry + "' is no array: arrays end in .npy");
}

}  // namespace

NamedTensors read_npz(const std::string& path) {
  const core::FileBytes file(path);
  const zip::Reader archive(file.bytes(), path);
  NamedTensors tensors;
  for (const std::string& entry : archive.names()) {
    const std::string name = array_name(entry, path);
    std::vector<std::byte> memory;
    const core::Bytes array = archive.read(entry, std::numeric_limits<std::size_t>::max(), memory);
    tensors.add(name, data::tensor_of_npy(array, path + "', array '" + name));
  }
  return tensors;
}

void write_npz(const std::string& path, const NamedTensors& tensors) {
  std::vector<std::string> headers;
  headers.reserve(tensors.size());  // the archive keeps their addresses
  zip::Writer archive;
  for (const auto& [name, tensor] : tensors) {
    if (name.empty() || name.size() > kLongestName) {
      throw ConfigError("write_npz: the name of an array has " + std::to_string(name.size()) +
                        " bytes; it must have 1 to " + std::to_string(kLongestName));
    }
    headers.push_back(data::npy_header_of(tensor));
    const std::string entry = name + std::string(kEnding);
    core::with_elements(tensor, [&](auto elements) {
      archive.add(entry, {std::as_bytes(std::span(headers.back())), std::as_bytes(elements)});
    });
  }
  archive.write(path);
}

}  // namespace rondo
