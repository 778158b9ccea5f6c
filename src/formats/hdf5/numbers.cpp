#include "formats/hdf5/numbers.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

namespace rondo::hdf5 {

namespace {

static_assert(std::endian::native == std::endian::little);

template <class From, class To>
void convert_each(const Place& place, bool big_endian, const std::byte* from, std::span<To> to) {
  if constexpr (std::is_same_v<From, To>) {
    if (!big_endian) {
      if (!to.empty()) std::memcpy(to.data(), from, to.size_bytes());
      return;
    }
  }
  for (To& number : to) {
    std::array<std::byte, sizeof(From)> bytes;
    std::memcpy(bytes.data(), from, sizeof(From));
    from += sizeof(From);
    if (big_endian) std::ranges::reverse(bytes);
    const From value = std::bit_cast<From>(bytes);
    if constexpr (std::is_integral_v<From> && std::is_integral_v<To>) {
      if (!std::in_range<To>(value)) place.fail("the integer " + std::to_string(value) + " is beyond 63 bits");
    }
    number = static_cast<To>(value);  // NOLINT(bugprone-signed-char-misuse): int8 is a number here
  }
}

template <class To>
void convert_all(const Place& place, const Datatype& type, std::span<const std::byte> from, std::span<To> to) {
  check_numbers(place, type, std::is_integral_v<To>);
  if (from.size() / type.size < to.size()) place.fail("there are fewer numbers than expected");
  const auto as = [&]<class From>(From) { convert_each<From>(place, type.big_endian, from.data(), to); };
  if (type.kind == Datatype::Kind::floating) {
    if constexpr (!std::is_integral_v<To>) type.size == 4 ? as(float{}) : as(double{});
    return;
  }
  switch (type.size) {
    case 1: type.is_signed ? as(std::int8_t{}) : as(std::uint8_t{}); break;
    case 2: type.is_signed ? as(std::int16_t{}) : as(std::uint16_t{}); break;
    case 4: type.is_signed ? as(std::int32_t{}) : as(std::uint32_t{}); break;
    default: type.is_signed ? as(std::int64_t{}) : as(std::uint64_t{}); break;
  }
}

}  // namespace

void check_numbers(const Place& place, const Datatype& type, bool to_integers) {
  if (!type.is_number()) {
    place.fail("its elements are " + type.name +
               "; read are float32, float64 and integers: save the numbers in one of these types");
  }
  if (to_integers && type.kind == Datatype::Kind::floating) {
    place.fail("its elements are " + type.name + " where integers are expected");
  }
}

void convert(const Place& place, const Datatype& type, std::span<const std::byte> from, std::span<float> to) {
  convert_all(place, type, from, to);
}

void convert(const Place& place, const Datatype& type, std::span<const std::byte> from, std::span<double> to) {
  convert_all(place, type, from, to);
}

void convert(const Place& place, const Datatype& type, std::span<const std::byte> from, std::span<std::int64_t> to) {
  convert_all(place, type, from, to);
}

}  // namespace rondo::hdf5
