// Writing HDF5 that every libhdf5 from 1.8 on reads, and so every Keras: groups, data sets of numbers, attributes.
//
//   hdf5::Writer file;
//   hdf5::GroupWriter& vars = file.root().group("layers/lstm/cell/vars");
//   vars.attribute("name", "lstm_cell");
//   vars.dataset("0", Shape{5, 40}, std::span<const float>(kernel));
//   file.write([&](std::span<const std::byte> piece) { stream.write(...); });
//
// Names may be paths; groups on the way are made. What is written is a function of what was put in, to the byte: no
// times, and attributes and names in alphabetical order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <rondo/shape.hpp>

namespace rondo::hdf5 {

// Where the bytes of a file go, piece by piece.
using Sink = std::function<void(std::span<const std::byte>)>;

enum class NumberType { float32, float64, int32, int64 };

// A value beside a group or data set.
struct AttributeValue {
  enum class Kind { text, texts, float64, int64 };

  Kind kind = Kind::text;
  std::vector<std::string> texts = {};
  double real = 0;
  std::int64_t integer = 0;
};

class ObjectWriter {
 public:
  // One text of any length. Each of these replaces an attribute of the same name. FileError for a text with a byte of
  // 0.
  void attribute(const std::string& name, std::string_view text);
  // An array of texts. An object's header has room for 64 KB an attribute: long lists are cut into name0, name1, ... by
  // who writes them, as Keras does at 64512 bytes; `write` throws a FileError for a longer one. An array takes the
  // length of its longest text for each (bytes_of).
  void attribute(const std::string& name, const std::vector<std::string>& texts);
  void attribute(const std::string& name, double number);
  void attribute(const std::string& name, std::int64_t number);

  const std::map<std::string, AttributeValue>& attributes() const { return attributes_; }

  // What an array of texts takes.
  static std::size_t bytes_of(const std::vector<std::string>& texts);

 private:
  std::map<std::string, AttributeValue> attributes_;
};

class DatasetWriter : public ObjectWriter {
 public:
  // Gives the numbers when they are written, in one piece or several.
  using Numbers = std::function<void(const Sink& sink)>;

  DatasetWriter(const Shape& shape, NumberType type, Numbers numbers);

  const Shape& shape() const { return shape_; }
  NumberType type() const { return type_; }
  std::uint64_t bytes() const;
  // FileError where they are not as many as the shape says.
  void write(const Sink& sink) const;

 private:
  Shape shape_;
  NumberType type_;
  Numbers numbers_;
};

class GroupWriter : public ObjectWriter {
 public:
  // The group of that path below this one, made where there is none. FileError where a data set stands there.
  GroupWriter& group(std::string_view path);

  // Numbers that stay the caller's until the file is written. ShapeError where they are not as many as the shape says,
  // FileError where there is something of that name.
  DatasetWriter& dataset(std::string_view path, const Shape& shape, std::span<const float> numbers);
  DatasetWriter& dataset(std::string_view path, const Shape& shape, std::span<const double> numbers);
  DatasetWriter& dataset(std::string_view path, const Shape& shape, std::span<const std::int32_t> numbers);
  DatasetWriter& dataset(std::string_view path, const Shape& shape, std::span<const std::int64_t> numbers);
  // Numbers that are made when it is their turn, so that never all of them are in memory.
  DatasetWriter& dataset(std::string_view path, const Shape& shape, NumberType type, DatasetWriter::Numbers numbers);

  const std::map<std::string, std::unique_ptr<GroupWriter>, std::less<>>& groups() const { return groups_; }
  const std::map<std::string, DatasetWriter, std::less<>>& datasets() const { return datasets_; }

 private:
  std::map<std::string, std::unique_ptr<GroupWriter>, std::less<>> groups_;
  std::map<std::string, DatasetWriter, std::less<>> datasets_;
};

class Writer {
 public:
  GroupWriter& root() { return root_; }

  // The whole file, in pieces; numbers are handed on as they stand. May be called several times, and gives the same
  // bytes. FileError where an attribute is too long.
  void write(const Sink& sink) const;
  // The same into a file, as a whole or not at all (core::write_file).
  void save(const std::string& path) const;
  std::vector<std::byte> bytes() const;

 private:
  GroupWriter root_;
};

}  // namespace rondo::hdf5
