// What a file will hold; how it becomes bytes is in file_layout.cpp.
#include "formats/hdf5/writer.hpp"

#include <algorithm>

#include <rondo/error.hpp>

#include "formats/hdf5/image.hpp"

namespace rondo::hdf5 {

namespace {

// The last name of a path, and what leads there.
struct Path {
  std::string_view way, name;
};

Path split_last(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? Path{{}, path} : Path{path.substr(0, slash), path.substr(slash + 1)};
}

std::string checked_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name == "." || name.find('\0') != std::string_view::npos) {
    throw FileError("HDF5 has no name " + quoted(name) + ": a name has 1 to " + std::to_string(kLongestName) +
                    " bytes, none of which is 0, and is not '.'");
  }
  return std::string(name);
}

// Texts end with a byte of 0, or are filled up with them.
void check_text(const std::string& name, std::string_view text) {
  if (text.find('\0') == std::string_view::npos) return;
  throw FileError("the attribute " + quoted(name) +
                  " cannot hold a text with a byte of 0, behind which readers see nothing");
}

std::uint64_t element_bytes(NumberType type) {
  return type == NumberType::float64 || type == NumberType::int64 ? 8 : 4;
}

template <class T>
DatasetWriter::Numbers checked(const Shape& shape, std::span<const T> numbers) {
  if (static_cast<std::uint64_t>(shape.elements()) != numbers.size()) {
    throw ShapeError("a data set of shape " + to_string(shape) + " cannot hold " + std::to_string(numbers.size()) +
                     " numbers");
  }
  return [bytes = std::as_bytes(numbers)](const Sink& sink) { sink(bytes); };
}

}  // namespace

void ObjectWriter::attribute(const std::string& name, std::string_view text) {
  check_text(name, text);
  attributes_[checked_name(name)] = {AttributeValue::Kind::text, {std::string(text)}};
}

void ObjectWriter::attribute(const std::string& name, const std::vector<std::string>& texts) {
  for (const std::string& text : texts) check_text(name, text);
  attributes_[checked_name(name)] = {AttributeValue::Kind::texts, texts};
}

void ObjectWriter::attribute(const std::string& name, double number) {
  attributes_[checked_name(name)] = {AttributeValue::Kind::float64, {}, number};
}

void ObjectWriter::attribute(const std::string& name, std::int64_t number) {
  attributes_[checked_name(name)] = {AttributeValue::Kind::int64, {}, 0, number};
}

std::size_t ObjectWriter::bytes_of(const std::vector<std::string>& texts) {
  std::size_t longest = 1;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  return longest * texts.size();
}

DatasetWriter::DatasetWriter(const Shape& shape, NumberType type, Numbers numbers)
    : shape_(shape), type_(type), numbers_(std::move(numbers)) {}

std::uint64_t DatasetWriter::bytes() const {
  return static_cast<std::uint64_t>(shape_.elements()) * element_bytes(type_);
}

void DatasetWriter::write(const Sink& sink) const {
  std::uint64_t given = 0;
  numbers_([&](std::span<const std::byte> piece) {
    given += piece.size();
    sink(piece);
  });
  if (given == bytes()) return;
  throw FileError("a data set of shape " + to_string(shape_) + " was given " + std::to_string(given) +
                  " bytes instead of " + std::to_string(bytes()));
}

GroupWriter& GroupWriter::group(std::string_view path) {
  const auto [way, name] = split_last(path);
  if (!way.empty()) return group(way).group(name);
  if (datasets_.contains(name)) throw FileError(quoted(name) + " is a data set already, and cannot be a group as well");
  std::unique_ptr<GroupWriter>& group = groups_[checked_name(name)];
  if (!group) group = std::make_unique<GroupWriter>();
  return *group;
}

DatasetWriter& GroupWriter::dataset(std::string_view path, const Shape& shape, std::span<const float> numbers) {
  return dataset(path, shape, NumberType::float32, checked(shape, numbers));
}

DatasetWriter& GroupWriter::dataset(std::string_view path, const Shape& shape, std::span<const double> numbers) {
  return dataset(path, shape, NumberType::float64, checked(shape, numbers));
}

DatasetWriter& GroupWriter::dataset(std::string_view path, const Shape& shape, std::span<const std::int32_t> numbers) {
  return dataset(path, shape, NumberType::int32, checked(shape, numbers));
}

DatasetWriter& GroupWriter::dataset(std::string_view path, const Shape& shape, std::span<const std::int64_t> numbers) {
  return dataset(path, shape, NumberType::int64, checked(shape, numbers));
}

DatasetWriter& GroupWriter::dataset(std::string_view path, const Shape& shape, NumberType type,
                                    DatasetWriter::Numbers numbers) {
  const auto [way, name] = split_last(path);
  if (!way.empty()) return group(way).dataset(name, shape, type, std::move(numbers));
  if (groups_.contains(name) || datasets_.contains(name)) {
    throw FileError("there is something named " + quoted(name) + " in this group already");
  }
  return datasets_.emplace(checked_name(name), DatasetWriter(shape, type, std::move(numbers))).first->second;
}

}  // namespace rondo::hdf5
