// What the elements of a data set or attribute are.
#pragma once

#include <cstdint>
#include <string>

namespace rondo::hdf5 {

class Cursor;

struct Datatype {
  enum class Kind {
    integer,
    floating,       // IEEE's, of 4 or 8 bytes
    fixed_text,     // so many bytes each
    variable_text,  // in the global heap
    unread          // what Keras writes no numbers in
  };
  enum class Padding { zero_terminated, zeros, blanks };

  Kind kind = Kind::unread;
  std::uint32_t size = 0;  // bytes of an element
  bool is_signed = false;
  bool big_endian = false;
  Padding padding = Padding::zero_terminated;
  std::string name;  // "float32", "int64 (big-endian)", "complex numbers": for messages

  bool is_text() const { return kind == Kind::fixed_text || kind == Kind::variable_text; }
  bool is_number() const { return kind == Kind::integer || kind == Kind::floating; }
};

// A type that is not read is one of kind unread: what holds it may still be looked at.
Datatype read_datatype(Cursor& cursor);

}  // namespace rondo::hdf5
