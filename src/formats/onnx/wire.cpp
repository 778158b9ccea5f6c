#include "formats/onnx/wire.hpp"

#include <algorithm>
#include <bit>
#include <span>
#include <type_traits>

#include <rondo/error.hpp>

#include "core/little_endian.hpp"

namespace rondo::onnx {

namespace {

constexpr std::size_t kLongestName = 4096;

}  // namespace

void WireReader::fail(std::string_view why) const {
  throw FileError(std::string(what_) + " is damaged at its byte " + std::to_string(at_) + ": " + std::string(why));
}

Bytes WireReader::take(std::uint64_t count) {
  if (count > bytes_.size() - at_) {
    fail(std::to_string(count) + " bytes should follow, but it ends after " + std::to_string(bytes_.size() - at_));
  }
  const Bytes taken = bytes_.subspan(at_, count);
  at_ += count;
  return taken;
}

std::uint64_t WireReader::fixed(std::size_t count) { return core::little_endian(take(count)); }

// Seven bits a byte, the lowest first.
std::uint64_t WireReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint64_t byte = fixed(1);
    if (shift == 63 && byte > 1) fail("a number has more than 64 bits");
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  fail("a number does not end");
}

bool WireReader::next() {
  if (at_ == bytes_.size()) return false;
  const std::uint64_t key = varint();
  field_ = key >> 3;
  if (field_ == 0 || field_ > 0x1fffffff) fail("there is no field " + std::to_string(field_));
  switch (key & 7) {
    case 0: value_ = varint(); break;
    case 1: value_ = fixed(8); break;
    case 2: payload_ = take(varint()); break;
    case 5: value_ = fixed(4); break;
    default: fail("a field is of kind " + std::to_string(key & 7) + ", which ONNX does not use");
  }
  kind_ = static_cast<Kind>(key & 7);
  return true;
}

void WireReader::require(Kind kind) const {
  if (kind_ != kind) fail("field " + std::to_string(field_) + " is of another kind than in ONNX");
}

std::int64_t WireReader::integer() const {
  require(Kind::varint);
  return static_cast<std::int64_t>(value_);
}

float WireReader::number() const {
  require(Kind::fixed32);
  return std::bit_cast<float>(static_cast<std::uint32_t>(value_));
}

Bytes WireReader::bytes() const {
  require(Kind::bytes);
  return payload_;
}

std::string WireReader::name() const {
  const Bytes text = bytes();
  if (text.size() > kLongestName) fail("a name has " + std::to_string(text.size()) + " bytes");
  std::string name(reinterpret_cast<const char*>(text.data()), text.size());
  if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    fail("a name has control characters");
  }
  return name;
}

void WireReader::add_to(std::vector<std::int64_t>& integers) const {
  if (kind_ != Kind::bytes) {
    integers.push_back(integer());
    return;
  }
  WireReader packed(payload_, what_);
  while (packed.at_ < payload_.size()) integers.push_back(static_cast<std::int64_t>(packed.varint()));
}

template <class T>
void WireReader::add_numbers(std::vector<T>& numbers, Kind kind) const {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  if (kind_ != Kind::bytes) {
    require(kind);
    numbers.push_back(std::bit_cast<T>(static_cast<Bits>(value_)));
    return;
  }
  if (payload_.size() % sizeof(T) != 0) fail("a row of numbers has half of one");
  for (std::size_t i = 0; i < payload_.size(); i += sizeof(T)) {
    numbers.push_back(std::bit_cast<T>(static_cast<Bits>(core::little_endian(payload_.subspan(i, sizeof(T))))));
  }
}

void WireReader::add_to(std::vector<float>& numbers) const { add_numbers(numbers, Kind::fixed32); }
void WireReader::add_to(std::vector<double>& numbers) const { add_numbers(numbers, Kind::fixed64); }

}  // namespace rondo::onnx
