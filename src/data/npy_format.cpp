#include "data/npy_format.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <cstring>
#include <optional>
#include <string_view>

#include <rondo/error.hpp>

#include "core/dispatch.hpp"
#include "core/sizes.hpp"

namespace rondo::data {

static_assert(std::endian::native == std::endian::little);

namespace {

// The begin of a text of the file's, for messages.
std::string shown(std::string_view text) {
  std::string begin(text.substr(0, 40));
  std::replace_if(
      begin.begin(), begin.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return begin;
}

}  // namespace

void fail_npy(const std::string& name, const std::string& why) { throw FileError("'" + name + "': " + why); }

void refuse_npy_type(const std::string& name, const std::string& code) {
  const std::string type = shown(code);
  if (type.find('O') != std::string::npos) {
    fail_npy(
        name,
        "its elements are objects of Python (type '" + type +
            "'), which NumPy keeps as pickle: a program that whoever reads it would run. Save an array of numbers");
  }
  fail_npy(name, "its numbers are of the type '" + type +
                     "'; known are floating-point numbers of 4 and 8 bytes, integers and truth values, little-endian: "
                     "save array.astype(np.float32)");
}

namespace {

// ---- the header ----------------------------------------------------------------------------------------------------

constexpr std::string_view kMagic = "\x93NUMPY";

// A dictionary as Python writes it, of these keys alone: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class Dictionary {
 public:
  Dictionary(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  NpyHeader read() {
    expect('{');
    while (!take('}')) {
      const std::string key = string();
      expect(':');
      value(key);
      if (!take(',') && next() != '}') fail("a comma");
    }
    if (next() != '\0') fail("nothing more");
    require(type_.has_value(), "descr");
    require(is_fortran_.has_value(), "fortran_order");
    require(shape_.has_value(), "shape");
    return {*type_, *is_fortran_, *shape_};
  }

 private:
  [[noreturn]] void fail(const std::string& expected) const {
    fail_npy(name_, "its header is no header of NumPy's: at byte " + std::to_string(at_) + " of its text " + expected +
                        " is expected");
  }
  void require(bool is_there, const std::string& key) const {
    if (!is_there) fail_npy(name_, "its header has no '" + key + "'; it is no array of NumPy's");
  }

  // The next character that is no blank; 0 at the end.
  char next() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (next() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(std::string("'") + c + "'");
  }
  bool take_word(std::string_view word) {
    next();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string string() {
    const char quote = next();
    if (quote != '\'' && quote != '"') fail("a text in quotes");
    const std::size_t begin = at_ + 1, end = text_.find(quote, begin);
    if (end == std::string_view::npos) fail("a text whose quotes end");
    at_ = end + 1;
    return std::string(text_.substr(begin, end - begin));
  }

  void value(const std::string& key) {
    if (key == "descr" && !type_) {
      if (next() == '[' || next() == '(') {
        fail_npy(name_, "its elements are records (a structured dtype); save each field as an array of its own");
      }
      type_ = string();
    } else if (key == "fortran_order" && !is_fortran_) {
      is_fortran_ = take_word("True");
      if (!*is_fortran_ && !take_word("False")) fail("True or False");
    } else if (key == "shape" && !shape_) {
      shape_ = sizes();
    } else {
      fail("no key '" + shown(key) + "', or not twice,");
    }
  }

  std::vector<Index> sizes() {
    expect('(');
    const std::size_t begin = at_;
    std::vector<Index> all;
    while (!take(')')) {
      next();
      const char* const from = text_.data() + at_;
      Index size = 0;
      const auto [stop, error] = std::from_chars(from, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) {
        fail_npy(name_, "its header has the shape (" + shown(text_.substr(begin)));
      }
      at_ += static_cast<std::size_t>(stop - from);
      take('L');  // of Python 2
      all.push_back(size);
      if (!take(',') && next() != ')') fail("a comma or ')'");
    }
    return all;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  std::optional<std::string> type_;
  std::optional<bool> is_fortran_;
  std::optional<std::vector<Index>> shape_;
};

}  // namespace

NpyHeader read_npy_header(core::Bytes start, const std::string& name) {
  const std::string_view text(reinterpret_cast<const char*>(start.data()), start.size());
  if (!text.starts_with(kMagic)) fail_npy(name, "it is no .npy file: it does not begin with \\x93NUMPY");
  if (text.size() < 12) fail_npy(name, "it is too short for an array of NumPy's");
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(start[i]); };
  const std::size_t version = byte(6), begin = version == 1 ? 10 : 12;
  if (version < 1 || version > 3) {
    fail_npy(name, "its format version is " + std::to_string(version) + "; 1 to 3 are known");
  }
  const std::size_t length = byte(8) | byte(9) << 8 | (version == 1 ? 0 : byte(10) << 16 | byte(11) << 24);
  if (length > kLongestNpyHeader - begin || length > text.size() - begin) {
    fail_npy(name, "its header is said to have " + std::to_string(length) + " bytes");
  }
  NpyHeader header = Dictionary(text.substr(begin, length), name).read();
  header.begin = begin + length;
  return header;
}

Index checked_npy_elements(const NpyHeader& header, std::size_t element_size, std::uint64_t file_size,
                           const std::string& name) {
  if (header.shape.size() > Shape::kMaxRank) {
    fail_npy(name, "its array has " + std::to_string(header.shape.size()) + " axes; a tensor has at most " +
                       std::to_string(Shape::kMaxRank));
  }
  const Size elements = Size::product(header.shape);
  const Size bytes = elements * static_cast<Index>(element_size);
  const std::uint64_t there = file_size - header.begin;
  if (!bytes.known() || static_cast<std::uint64_t>(bytes.count("bytes")) > there) {
    fail_npy(name, "its header says that there are more numbers than the " + std::to_string(there) +
                       " bytes behind it can be: it was cut off, or is none of NumPy's");
  }
  return elements.count("elements");
}

// ---- numbers -------------------------------------------------------------------------------------------------------

namespace {

// Of an array that stands column by column: where its elements belong, one after the other.
class ColumnOrder {
 public:
  explicit ColumnOrder(const Shape& shape) : shape_(shape) {
    Index stride = 1;
    for (std::size_t axis = size(); axis-- > 0; stride *= shape_.dims()[axis]) strides_[axis] = stride;
  }

  Index place() const { return place_; }
  void advance() {
    for (std::size_t axis = 0; axis < size(); ++axis) {
      place_ += strides_[axis];
      if (++index_[axis] < shape_.dims()[axis]) return;
      place_ -= strides_[axis] * shape_.dims()[axis];
      index_[axis] = 0;
    }
  }

 private:
  std::size_t size() const { return shape_.dims().size(); }

  Shape shape_;
  std::array<Index, Shape::kMaxRank> strides_{}, index_{};
  Index place_ = 0;
};

template <class From>
Tensor tensor_of(const NpyHeader& header, core::Bytes file, DType dtype, const std::string& name) {
  const auto count = static_cast<std::size_t>(checked_npy_elements(header, sizeof(From), file.size(), name));
  const std::byte* const from = file.data() + header.begin;
  const auto number = [&](std::size_t i) {
    From value;
    std::memcpy(&value, from + i * sizeof(From), sizeof(From));
    require_exact(value, i, name);
    return value;
  };
  Tensor tensor(Shape(header.shape), dtype);
  core::with_elements(tensor, [&](auto elements) {
    using To = typename decltype(elements)::value_type;
    if (header.is_fortran && count > 0) {
      ColumnOrder order(tensor.shape());
      for (std::size_t i = 0; i < count; ++i, order.advance()) {
        elements[static_cast<std::size_t>(order.place())] = static_cast<To>(number(i));
      }
    } else {
      for (std::size_t i = 0; i < count; ++i) elements[i] = static_cast<To>(number(i));
    }
  });
  return tensor;
}

}  // namespace

Tensor tensor_of_npy(core::Bytes file, const std::string& name) {
  const NpyHeader header = read_npy_header(file.first(std::min(file.size(), kLongestNpyHeader)), name);
  return with_npy_type(name, header.type,
                       [&]<class From>(From, DType dtype) { return tensor_of<From>(header, file, dtype, name); });
}

std::string npy_header_of(const Tensor& tensor) {
  const char* const type = tensor.dtype() == DType::float32 ? "<f4" : "<f8";
  std::string text =
      std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': " + to_string(tensor.shape()) + ", }";
  // So that the numbers begin at a multiple of 64 bytes.
  constexpr std::size_t kBefore = 10, kMultiple = 64;
  text.append(kMultiple - 1 - (kBefore + text.size()) % kMultiple, ' ');
  text += '\n';
  std::string header(kMagic);
  for (const std::size_t byte : {std::size_t{1}, std::size_t{0}, text.size() & 0xFF, text.size() >> 8}) {
    header += static_cast<char>(byte);
  }
  return header + text;
}

}  // namespace rondo::data
