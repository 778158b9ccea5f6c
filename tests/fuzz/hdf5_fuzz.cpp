// Any bytes are an HDF5 file or an error of the family; what is read keeps its promises, and what is written of it is
// read back.
//
// Checksums are not verified, so that a change of one byte reaches what stands behind them.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fuzz/hdf5_copy.hpp"
#include "fuzz/hdf5_mutation.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size)
    __attribute__((weak));

using namespace rondo;
using fuzz::Hdf5Copy, fuzz::require, fuzz::succeeds;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  (void)succeeds<FileError>([&] {
    Hdf5Copy copy(hdf5::File(bytes, "input", {.verify_checksums = false}).root());
    std::vector<std::byte> written;
    if (!succeeds<FileError>([&] { written = copy.writer().bytes(); })) return;  // a long name for an attribute
    bool reads_back = succeeds<FileError>([&] {
      Hdf5Copy again(hdf5::File(written, "written").root());
      require(again.writer().bytes() == written, "what is written is read back");
    });
    require(reads_back, "what is written is a file");
  });
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  if (size < 16 || seed % 5 == 0) return LLVMFuzzerMutate(data, size, max_size);
  fuzz::Hdf5Mutation({data, size}, seed).apply();
  return size;
}
