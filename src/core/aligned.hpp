// A block of memory aligned for vectors and cache lines.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "core/sizes.hpp"

namespace rondo {

class AlignedBytes {
 public:
  static constexpr std::size_t kAlignment = 128;
  // Blocks of this size or more ask for huge pages: a step that walks megabytes in strides of a row would otherwise
  // wait for page tables.
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  AlignedBytes() = default;
  // Zeros. MemoryError where there is not so much memory; `what` says what it is for.
  explicit AlignedBytes(std::size_t size, std::string_view what = "the memory of a model")
      : AlignedBytes(size, what, ForOverwrite()) {
    std::memset(data_.get(), 0, size);
  }
  // As it comes, for those who write all of it.
  struct ForOverwrite {};
  AlignedBytes(std::size_t size, std::string_view what, ForOverwrite)
      : data_(allocating(
                  static_cast<Index>(size),
                  [size] { return static_cast<std::byte*>(::operator new(size == 0 ? 1 : size, alignment(size))); },
                  [what] { return what; }),
              Free{alignment(size)}),
        size_(size) {
#if defined(__linux__)
    if (size >= kHugePage) (void)madvise(data_.get(), size, MADV_HUGEPAGE);
#endif
  }

  std::byte* data() const { return data_.get(); }
  std::size_t size() const { return size_; }

 private:
  static std::align_val_t alignment(std::size_t size) {
    return std::align_val_t{size >= kHugePage ? kHugePage : kAlignment};
  }
  struct Free {
    std::align_val_t alignment;
    void operator()(std::byte* p) const { ::operator delete(p, alignment); }
  };
  std::unique_ptr<std::byte, Free> data_{nullptr, Free{std::align_val_t{kAlignment}}};
  std::size_t size_ = 0;
};

}  // namespace rondo
