// Any bytes are rows of a .npy file or a FileError; the rows are as many as the header says, and those read are
// numbers.
#include <cstdint>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

#include <rondo/rows.hpp>

#include "fuzz/promises.hpp"

namespace {

using namespace rondo;
using fuzz::require;

// A file without a place on a disk.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
    require(descriptor_ >= 0 && ::write(descriptor_, data, size) == static_cast<ssize_t>(size), "the file is written");
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

void check_rows(const Rows& rows, std::size_t size) {
  const Index elements = rows.sample().elements();
  require(elements > 0, "a row has numbers");
  require(rows.count() >= 0 && rows.count() <= static_cast<Index>(size) / elements, "all rows are in the file");
  for (const DType dtype : {DType::float32, DType::float64}) {
    if (rows.dtype() != dtype || rows.count() == 0) continue;
    Tensor to = Tensor::zeros(rows.sample().prepend(2), dtype);
    rows.read(std::vector<Index>{0, rows.count() - 1}, to);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const MemoryFile file(data, size);
  (void)fuzz::succeeds<FileError>([&] { check_rows(Rows::npy(file.path()), size); });
  return 0;
}
