// Reading HDF5: the part of the format that Keras and h5py write (docs/formats.md says which; anything else is refused
// by its name).
//
//   const hdf5::File file(bytes, "model.weights.h5");
//   const hdf5::Dataset kernel = file.root().dataset("layers/lstm/cell/vars/0");
//   std::vector<float> numbers(5 * 40);
//   if (kernel.shape() == Shape{5, 40}) kernel.read_into(std::span(numbers));
//
// The file's bytes stay the caller's, who may have read or mapped them: they must stay as they are while a File or
// something of it is used. Nothing is copied but names, texts and the numbers that are asked for.
//
// A file is taken for hostile. Every address and length is checked against the bytes that there are, no size that it
// declares makes anything be allocated, nothing is read twice for one answer, and all answers of a File together are
// bounded by a multiple of the file's size. What does not hold is a FileError that says what, at which byte, in which
// object. One thread at a time asks a File and what is of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <rondo/shape.hpp>

#include "formats/hdf5/dataspace.hpp"
#include "formats/hdf5/datatype.hpp"
#include "formats/hdf5/image.hpp"
#include "formats/hdf5/layout.hpp"
#include "formats/hdf5/links.hpp"
#include "formats/hdf5/object_header.hpp"

namespace rondo::hdf5 {

// A small value beside a group's or data set's content: text, numbers, or an array of either.
class Attribute {
 public:
  // `value` stands where its bytes begin. FileError where there are too few.
  Attribute(const Place& place, std::string name, Datatype type, const Shape& shape, Cursor value);

  const std::string& name() const { return name_; }
  // () for one value. An empty one (h5py.Empty) has the shape (0,).
  const Shape& shape() const { return shape_; }
  const Datatype& type() const { return type_; }
  bool is_text() const { return type_.is_text(); }

  // The one text, or all of them in order. An array without elements holds no texts, whatever its type: Keras writes
  // an empty list of names as numbers. FileError where it holds something else.
  std::string text() const;
  std::vector<std::string> texts() const;

  // The one number, or all of them in order. FileError where it holds something else.
  double number() const;
  std::vector<double> numbers() const;

 private:
  Place place_;
  std::string name_;
  Datatype type_;
  Shape shape_;
  std::uint64_t address_;  // of its bytes
  std::span<const std::byte> bytes_;
};

// What groups and data sets have in common.
class Object {
 public:
  // From the root on: "/layers/lstm", "/" for the root itself.
  const std::string& path() const { return place_.path; }

  // In alphabetical order.
  std::vector<std::string> attribute_names() const;
  bool has_attribute(std::string_view name) const;
  // FileError, with the names that there are, where there is none of that name.
  Attribute attribute(std::string_view name) const;

 protected:
  Object(Place place, ObjectHeader header) : place_(std::move(place)), header_(std::move(header)) {}

  Place place_;
  ObjectHeader header_;

 private:
  std::vector<Message> attribute_messages() const;
};

// Numbers in an array.
class Dataset : public Object {
 public:
  Dataset(Place place, ObjectHeader header);

  const Shape& shape() const { return space_.shape; }
  const Datatype& type() const { return type_; }
  // FileError where 64 bits cannot count them.
  Index elements() const;

  // All numbers in C order, converted to the type asked for. FileError where `to` has another size than elements(), the
  // numbers are of a type that is not read, or they are not all in the file. Integers come from integers only, and only
  // those that fit; float and double from any number.
  void read_into(std::span<float> to) const;
  void read_into(std::span<double> to) const;
  void read_into(std::span<std::int64_t> to) const;
  // The bytes of all numbers as they stand in the file, where that is in one piece, as floating-point numbers of so
  // many bytes in the byte order of x86; empty where it is not. FileError where they are not all in the file.
  std::span<const std::byte> in_place(std::size_t bytes_of_number) const;

 private:
  template <class T>
  void read(std::span<T> to) const;
  Layout read_layout() const;
  std::span<const std::byte> in_one_piece(const Layout& layout) const;

  Dataspace space_;
  Datatype type_;
};

// A folder of groups and data sets.
class Group : public Object {
 public:
  Group(Place place, ObjectHeader header);

  // What is in it, in alphabetical order ("10" before "2").
  std::vector<std::string> names() const;
  bool contains(std::string_view name) const;

  // Below this one: "cell/vars/0", one name or several. FileError where there is none, it is of the other kind, or the
  // way leads through a soft or external link.
  Group group(std::string_view path) const;
  Dataset dataset(std::string_view path) const;
  // Whether it is a group there, and no data set. The same errors.
  bool is_group(std::string_view path) const;

 private:
  ObjectHeader open(std::string_view path, Place& place) const;

  std::vector<Link> links_;  // by name
};

struct ReadOptions {
  // Whether structures that carry a checksum must have the right one. The fuzz program does without.
  bool verify_checksums = true;
};

// A file whose bytes are in memory. `name` is for messages.
class File {
 public:
  explicit File(std::span<const std::byte> bytes, std::string name = "HDF5 file", const ReadOptions& options = {});

  Group root() const;

 private:
  std::shared_ptr<const Image> image_;
};

// Whether bytes begin as an HDF5 file does. (Keras 2 wrote HDF5 also where the name ends in .keras.)
bool is_hdf5(std::span<const std::byte> bytes);

}  // namespace rondo::hdf5
