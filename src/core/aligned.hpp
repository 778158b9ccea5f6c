// A zeroed block of memory aligned for vectors and cache lines.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>

namespace rondo {

class AlignedBytes {
 public:
  static constexpr std::size_t kAlignment = 128;

  AlignedBytes() = default;
  explicit AlignedBytes(std::size_t size)
      : data_(static_cast<std::byte*>(::operator new(size == 0 ? 1 : size, std::align_val_t{kAlignment}))),
        size_(size) {
    std::memset(data_.get(), 0, size);
  }

  std::byte* data() const { return data_.get(); }
  std::size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(std::byte* p) const { ::operator delete(p, std::align_val_t{kAlignment}); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace rondo
