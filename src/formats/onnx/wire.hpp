// The wire format of Protocol Buffers, as far as ONNX uses it: a message is a row of fields, each a number and a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/atomic_file.hpp"

namespace rondo::onnx {

using core::Bytes;

// Walks over the fields of one message, which is not trusted: whatever would leave it, and a value of another kind than
// the field has, is a FileError that names the message (`what`: "a NodeProto") and the byte in it. Messages inside are
// handed out as bytes, so no file can make it go deeper than its caller does. Bytes and text must live as long as the
// reader.
class WireReader {
 public:
  WireReader(Bytes message, std::string_view what) : bytes_(message), what_(what) {}

  // Goes on to the next field; false at the end of the message.
  bool next();
  std::uint64_t field() const { return field_; }

  // The value of the field.
  std::int64_t integer() const;
  float number() const;
  Bytes bytes() const;
  // Of at most 4096 bytes without control characters, so that it may stand in a message.
  std::string name() const;
  // Adds one value, or a packed row of them.
  void add_to(std::vector<std::int64_t>& integers) const;
  void add_to(std::vector<float>& numbers) const;
  void add_to(std::vector<double>& numbers) const;

  [[noreturn]] void fail(std::string_view why) const;

 private:
  enum class Kind { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

  std::uint64_t varint();
  Bytes take(std::uint64_t count);
  std::uint64_t fixed(std::size_t count);
  void require(Kind kind) const;
  template <class T>
  void add_numbers(std::vector<T>& numbers, Kind kind) const;

  Bytes bytes_;
  std::string_view what_;
  std::size_t at_ = 0;
  std::uint64_t field_ = 0, value_ = 0;
  Kind kind_ = Kind::varint;
  Bytes payload_;
};

}  // namespace rondo::onnx
