#include "formats/hdf5/datatype.hpp"

#include <array>

#include "formats/hdf5/cursor.hpp"

namespace rondo::hdf5 {

namespace {

using Kind = Datatype::Kind;

constexpr std::array<std::string_view, 11> kClasses = {"integers",     "floating-point numbers",
                                                       "times",        "texts",
                                                       "bit fields",   "opaque bytes",
                                                       "compound",     "references",
                                                       "enumerations", "sequences of variable length",
                                                       "arrays"};

std::string number_name(std::string_view family, const Datatype& type) {
  return std::string(family) + std::to_string(8 * type.size) +
         (type.big_endian && type.size > 1 ? " (big-endian)" : "");
}

void read_integer(Cursor& cursor, std::uint32_t bits, Datatype& type) {
  type.big_endian = (bits & 1) != 0;
  type.is_signed = (bits & 8) != 0;
  type.name = number_name(type.is_signed ? "int" : "uint", type);
  const int offset = cursor.u16(), precision = cursor.u16();
  const bool whole = offset == 0 && precision == static_cast<int>(8 * type.size);
  const bool known = type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8;
  if (whole && known) type.kind = Kind::integer;
  if (!whole) type.name = "integers of " + std::to_string(precision) + " bits";
}

// Where sign, exponent and mantissa lie.
struct FloatFormat {
  int size, sign, exponent_at, exponent_bits, mantissa_at, mantissa_bits;
  std::uint32_t bias;
  bool operator==(const FloatFormat&) const = default;
};

constexpr FloatFormat kFloat32{4, 31, 23, 8, 0, 23, 127};
constexpr FloatFormat kFloat64{8, 63, 52, 11, 0, 52, 1023};

void read_floating(Cursor& cursor, std::uint32_t bits, Datatype& type) {
  type.big_endian = (bits & 1) != 0;
  type.is_signed = true;
  type.name = number_name("float", type);
  cursor.skip(2 + 2);  // the first bit and their number
  FloatFormat format{};
  format.size = static_cast<int>(type.size);
  format.sign = static_cast<int>(bits >> 8 & 0xff);
  format.exponent_at = cursor.u8();
  format.exponent_bits = cursor.u8();
  format.mantissa_at = cursor.u8();
  format.mantissa_bits = cursor.u8();
  format.bias = cursor.u32();
  const bool ordered = (bits & 0x40) == 0;    // neither low nor high byte first: VAX
  const bool implied = (bits >> 4 & 3) == 2;  // the mantissa's highest bit is not stored
  if (ordered && implied && (format == kFloat32 || format == kFloat64)) {
    type.kind = Kind::floating;
  } else if (type.size == 4 || type.size == 8) {
    type.name += " of another format than IEEE's";
  }
}

void read_text(Cursor& cursor, std::uint32_t padding, Datatype& type) {
  if (padding > 2) cursor.fail("texts are said to be padded in the way " + std::to_string(padding));
  type.padding = static_cast<Datatype::Padding>(padding);
}

void read_variable(Cursor& cursor, std::uint32_t bits, Datatype& type) {
  if ((bits & 15) != 1) return;  // sequences
  read_text(cursor, bits >> 4 & 15, type);
  if (type.size != 4 + cursor.place().image->address_size + 4) {
    cursor.fail("texts of variable length are said to take " + std::to_string(type.size) + " bytes each");
  }
  type.kind = Kind::variable_text;
  type.name = "texts of variable length";
}

Datatype read_type(Cursor& cursor, bool in_enumeration) {
  const int class_and_version = cursor.u8();
  const int number = class_and_version & 15;
  const auto bits = static_cast<std::uint32_t>(cursor.number(3));
  Datatype type;
  type.size = cursor.u32();
  if (number >= static_cast<int>(kClasses.size())) {
    cursor.fail("there is no class " + std::to_string(number) + " of types");
  }
  type.name = kClasses[static_cast<std::size_t>(number)];
  if (type.size == 0) cursor.fail("elements are said to have no bytes");
  switch (number) {
    case 0: read_integer(cursor, bits, type); break;
    case 1: read_floating(cursor, bits, type); break;
    case 3:
      read_text(cursor, bits & 15, type);
      type.kind = Kind::fixed_text;
      break;
    case 8: {  // h5py's truth values: an enumeration of integers
      if (in_enumeration) cursor.fail("an enumeration is said to consist of enumerations");
      const Datatype base = read_type(cursor, true);
      if (base.size == type.size && base.kind == Kind::integer) type = base;
      break;
    }
    case 9: read_variable(cursor, bits, type); break;
    default: break;
  }
  return type;
}

}  // namespace

Datatype read_datatype(Cursor& cursor) { return read_type(cursor, false); }

}  // namespace rondo::hdf5
