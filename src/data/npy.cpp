#include <rondo/npy.hpp>

#include "core/dispatch.hpp"
#include "core/file_bytes.hpp"
#include "data/npy_format.hpp"

namespace rondo {

Tensor read_npy(const std::string& path) {
  const core::FileBytes file(path);
  return data::tensor_of_npy(file.bytes(), path);
}

void write_npy(const std::string& path, const Tensor& tensor) {
  const std::string header = data::npy_header_of(tensor);
  core::with_elements(tensor, [&](auto elements) {
    core::write_file(path, {std::as_bytes(std::span(header)), std::as_bytes(elements)});
  });
}

}  // namespace rondo
