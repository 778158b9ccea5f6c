// Rows of NumPy's files (format 1.0 to 3.0: a header of text, then the array). Read where they are wanted rather than
// mapped into memory: the pages of a mapping count as the process's own, and a file that gets shorter would end it.
#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include <rondo/error.hpp>

#include "core/names.hpp"
#include "core/sizes.hpp"
#include "data/rows_impl.hpp"

namespace rondo::detail {

namespace {

static_assert(std::endian::native == std::endian::little);

class File {
 public:
  explicit File(const std::string& path) : path_(path), descriptor_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0) fail(system_error_text(errno));
    struct stat status {};
    if (fstat(descriptor_, &status) != 0) fail(system_error_text(errno));
    if (!S_ISREG(status.st_mode)) fail("it is no file");
    size_ = status.st_size;
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::int64_t size() const { return size_; }
  [[noreturn]] void fail(const std::string& why) const { throw FileError("'" + path_ + "': " + one_line(why)); }

  void read(std::int64_t offset, std::size_t bytes, char* to) const {
    while (bytes > 0) {
      const ssize_t got = pread(descriptor_, to, bytes, offset);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) fail(system_error_text(errno));
      if (got == 0) fail("it has become shorter while it was read");
      offset += got;
      to += got;
      bytes -= static_cast<std::size_t>(got);
    }
  }

 private:
  std::string path_;
  int descriptor_;
  std::int64_t size_ = 0;
};

struct Header {
  std::string type;
  std::vector<Index> shape;
  std::int64_t first = 0;  // byte of the array
};

// The value behind a key of the header's dictionary, up to what ends it.
std::string value_of(const File& file, const std::string& header, const std::string& key, char end) {
  const std::size_t at = header.find("'" + key + "':");
  const std::size_t stop = at == std::string::npos ? at : header.find(end, at + key.size() + 3);
  if (stop == std::string::npos) file.fail("its header has no '" + key + "'; it is no array of NumPy's");
  std::string value = header.substr(at + key.size() + 3, stop - at - key.size() - 3);
  std::erase_if(value, [](char c) { return c == ' ' || c == '\'' || c == '('; });
  return value;
}

std::vector<Index> shape_of(const File& file, const std::string& text) {
  std::vector<Index> sizes;
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  while (at < end) {
    Index size = 0;
    const auto [stop, error] = std::from_chars(at, end, size);
    if (error != std::errc() || size < 0) file.fail("its header has the shape (" + text + ")");
    sizes.push_back(size);
    at = stop < end && *stop == ',' ? stop + 1 : stop;
    if (stop < end && *stop != ',') file.fail("its header has the shape (" + text + ")");
  }
  return sizes;
}

Header header_of(const File& file) {
  constexpr std::size_t kStart = 12, kLongest = 65536;
  std::array<char, kStart> start{};
  if (file.size() < static_cast<std::int64_t>(kStart)) file.fail("it is too short for an array of NumPy's");
  file.read(0, start.size(), start.data());
  if (std::memcmp(start.data(), "\x93NUMPY", 6) != 0)
    file.fail("it is no .npy file: it does not begin with \\x93NUMPY");
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(start[i]); };
  const bool is_first_version = byte(6) == 1;
  if (byte(6) < 1 || byte(6) > 3) file.fail("its format version is " + std::to_string(byte(6)) + "; 1 to 3 are known");
  const std::size_t begin = is_first_version ? 10 : 12;
  const std::size_t length =
      is_first_version ? byte(8) | byte(9) << 8 : byte(8) | byte(9) << 8 | byte(10) << 16 | std::size_t{byte(11)} << 24;
  if (length > kLongest || begin + length > static_cast<std::size_t>(file.size())) {
    file.fail("its header is said to have " + std::to_string(length) + " bytes");
  }
  std::string text(length, ' ');
  file.read(static_cast<std::int64_t>(begin), length, text.data());
  if (value_of(file, text, "fortran_order", ',') != "False") {
    file.fail("its array is in Fortran order, column by column; save np.ascontiguousarray(array)");
  }
  return {value_of(file, text, "descr", ','), shape_of(file, value_of(file, text, "shape", ')')),
          static_cast<std::int64_t>(begin + length)};
}

template <class From>
class NpyRows final : public TypedRows<NpyRows<From>> {
 public:
  NpyRows(std::unique_ptr<File> file, std::int64_t first, Index count, const Shape& sample, DType dtype)
      : TypedRows<NpyRows<From>>(count, sample, dtype), file_(std::move(file)), first_(first) {}

  template <class T>
  void copy(Index first, Index count, T* to) const {
    const Index elements = count * this->elements();
    std::int64_t at = first_ + first * this->elements() * static_cast<Index>(sizeof(From));
    if constexpr (std::is_same_v<From, T>) {
      file_->read(at, static_cast<std::size_t>(elements) * sizeof(T), reinterpret_cast<char*>(to));
    } else {
      std::array<From, 4096> piece;
      for (Index done = 0; done < elements;) {
        const auto now = std::min(static_cast<Index>(piece.size()), elements - done);
        const std::size_t bytes = static_cast<std::size_t>(now) * sizeof(From);
        file_->read(at, bytes, reinterpret_cast<char*>(piece.data()));
        to = std::transform(piece.begin(), piece.begin() + now, to, [](From v) { return static_cast<T>(v); });
        at += static_cast<std::int64_t>(bytes);
        done += now;
      }
    }
  }

 private:
  std::unique_ptr<File> file_;
  std::int64_t first_;
};

template <class From>
std::shared_ptr<const RowsImpl> rows_of(std::unique_ptr<File> file, const Header& header, DType dtype) {
  const Index count = header.shape[0];
  Shape sample;
  Size bytes = static_cast<Index>(sizeof(From));
  bytes = bytes * count;
  if (header.shape.size() > Shape::kMaxRank)
    file->fail("its array has " + std::to_string(header.shape.size()) + " axes");
  for (std::size_t i = 1; i < header.shape.size(); ++i) {
    sample = sample.append(header.shape[i]);
    bytes = bytes * header.shape[i];
  }
  const Index there = file->size() - header.first;
  if (!bytes.known() || bytes.count("bytes") > there) {
    file->fail("its header says that there are more numbers than the " + std::to_string(there) +
               " bytes behind it can be: it was cut off, or is none of NumPy's");
  }
  if (!Size::product(sample.dims()).known()) file->fail("a row has more numbers than can be counted");
  if (sample.elements() == 0) file->fail("its rows have no numbers: the shape is " + to_string(sample.prepend(count)));
  return std::make_shared<NpyRows<From>>(std::move(file), header.first, count, sample, dtype);
}

}  // namespace

std::shared_ptr<const RowsImpl> npy_rows(const std::string& path) {
  auto file = std::make_unique<File>(path);
  const Header header = header_of(*file);
  if (header.shape.empty()) file->fail("it holds a scalar; the first axis must be the rows");
  const std::string& type = header.type;
  const auto rows = [&]<class From>(From, DType dtype) { return rows_of<From>(std::move(file), header, dtype); };
  if (type == "<f4") return rows(float{}, DType::float32);
  if (type == "<f8") return rows(double{}, DType::float64);
  if (type == "|u1" || type == "|b1") return rows(std::uint8_t{}, DType::float32);
  if (type == "|i1") return rows(std::int8_t{}, DType::float32);
  if (type == "<u2") return rows(std::uint16_t{}, DType::float32);
  if (type == "<i2") return rows(std::int16_t{}, DType::float32);
  if (type == "<u4") return rows(std::uint32_t{}, DType::float64);
  if (type == "<i4") return rows(std::int32_t{}, DType::float64);
  if (type == "<u8") return rows(std::uint64_t{}, DType::float64);
  if (type == "<i8") return rows(std::int64_t{}, DType::float64);
  file->fail("its numbers are of the type '" + type +
             "'; known are floating-point numbers of 4 and 8 bytes, integers and truth values, little-endian: save "
             "array.astype(np.float32)");
}

}  // namespace rondo::detail
