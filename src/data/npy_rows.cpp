// Rows of NumPy's files. Read where they are wanted rather than mapped into memory: the pages of a mapping count as the
// process's own, and a file that gets shorter would end it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <rondo/error.hpp>

#include "core/file.hpp"
#include "core/sizes.hpp"
#include "data/npy_format.hpp"
#include "data/rows_impl.hpp"

namespace rondo::detail {

namespace {

using data::fail_npy;
using data::NpyHeader;

NpyHeader header_of(const core::File& file) {
  std::vector<std::byte> start(std::min(static_cast<std::size_t>(file.size()), data::kLongestNpyHeader));
  file.read(0, start.size(), start.data());
  NpyHeader header = data::read_npy_header(start, file.path());
  if (header.is_fortran) {
    fail_npy(file.path(), "its array is in Fortran order, column by column; save np.ascontiguousarray(array)");
  }
  return header;
}

template <class From>
class NpyRows final : public TypedRows<NpyRows<From>> {
 public:
  NpyRows(std::unique_ptr<core::File> file, std::int64_t first, Index count, const Shape& sample, DType dtype)
      : TypedRows<NpyRows<From>>(count, sample, dtype), file_(std::move(file)), first_(first) {}

  template <class T>
  void copy(Index first, Index count, T* to) const {
    const Index elements = count * this->elements();
    std::int64_t at = first_ + first * this->elements() * static_cast<Index>(sizeof(From));
    if constexpr (std::is_same_v<From, T>) {
      file_->read(at, static_cast<std::size_t>(elements) * sizeof(T), to);
    } else {
      std::array<From, 4096> piece;
      for (Index done = 0; done < elements;) {
        const auto now = std::min(static_cast<Index>(piece.size()), elements - done);
        const std::size_t bytes = static_cast<std::size_t>(now) * sizeof(From);
        file_->read(at, bytes, piece.data());
        for (Index i = 0; i < now; ++i) {
          const From number = piece[static_cast<std::size_t>(i)];
          data::require_exact(number, static_cast<std::size_t>(first * this->elements() + done + i), file_->path());
          *to++ = static_cast<T>(number);
        }
        at += static_cast<std::int64_t>(bytes);
        done += now;
      }
    }
  }

 private:
  std::unique_ptr<core::File> file_;
  std::int64_t first_;
};

template <class From>
std::shared_ptr<const RowsImpl> rows_of(std::unique_ptr<core::File> file, const NpyHeader& header, DType dtype) {
  const std::string& path = file->path();
  if (header.shape.empty()) fail_npy(path, "it holds a scalar; the first axis must be the rows");
  (void)data::checked_npy_elements(header, sizeof(From), static_cast<std::uint64_t>(file->size()), path);
  const Shape shape(header.shape), sample = shape.from(1);
  const Size of_row = Size::product(sample.dims());
  if (!of_row.known() || of_row.count("elements") == 0)
    fail_npy(path, "its rows have no numbers: the shape is " + to_string(shape));
  return std::make_shared<NpyRows<From>>(std::move(file), static_cast<std::int64_t>(header.begin), shape[0], sample,
                                         dtype);
}

}  // namespace

std::shared_ptr<const RowsImpl> npy_rows(const std::string& path) {
  auto file = std::make_unique<core::File>(path);
  const NpyHeader header = header_of(*file);
  return data::with_npy_type(
      path, header.type, [&]<class From>(From, DType dtype) { return rows_of<From>(std::move(file), header, dtype); });
}

}  // namespace rondo::detail
