// Attributes: a name, a type, a shape and a few bytes in an object's header.
#include <algorithm>
#include <iterator>
#include <string>

#include "core/sizes.hpp"
#include "formats/hdf5/dense_tree.hpp"
#include "formats/hdf5/file.hpp"
#include "formats/hdf5/fractal_heap.hpp"
#include "formats/hdf5/heaps.hpp"
#include "formats/hdf5/numbers.hpp"

namespace rondo::hdf5 {

namespace {

constexpr std::string_view kAttribute = "an attribute";

std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string_view without_padding(std::string_view text, Datatype::Padding padding) {
  if (padding == Datatype::Padding::zero_terminated) return text.substr(0, text.find('\0'));
  const char filler = padding == Datatype::Padding::blanks ? ' ' : '\0';
  while (!text.empty() && text.back() == filler) text.remove_suffix(1);
  return text;
}

// An element refers to its text by length, collection and number.
std::string_view variable_text(GlobalHeap& heap, Cursor element) {
  const std::uint64_t length = element.u32();
  const std::uint64_t collection = element.address();
  const std::uint32_t number = element.u32();
  if (length == 0) return {};
  const std::span<const std::byte> piece = heap.piece(collection, number);
  if (length > piece.size()) {
    element.fail("a text of " + std::to_string(length) + " bytes is said to stand in " + std::to_string(piece.size()));
  }
  return as_text(piece.first(length));
}

// The parts of an attribute's message; in version 1 each is filled up to a multiple of 8 bytes.
class AttributeReader {
 public:
  AttributeReader(const Place& place, const Message& message)
      : place_(place), cursor_(open(place, kAttribute, message)) {
    version_ = cursor_.expect_version(1, 3);
    const int flags = cursor_.u8();
    if (version_ > 1 && flags != 0) cursor_.refuse("an attribute with a shared type (a committed datatype)");
    for (std::uint64_t& bytes : sizes_) bytes = cursor_.number(2);
    if (version_ == 3) cursor_.skip(1);  // ASCII or UTF-8
  }

  std::string_view name() {
    const std::string_view name = cursor_.text(sizes_[0]);
    pad(sizes_[0]);
    return name.substr(0, name.find('\0'));
  }

  Attribute rest(std::string_view name) {
    Cursor type = part(sizes_[1]);
    const Datatype datatype = read_datatype(type);
    Cursor space = part(sizes_[2]);
    const Dataspace dataspace = read_dataspace(space);
    return {place_, std::string(name), datatype, dataspace.shape, cursor_};
  }

 private:
  void pad(std::uint64_t bytes) {
    if (version_ == 1) cursor_.skip((8 - bytes % 8) % 8);
  }
  Cursor part(std::uint64_t bytes) {
    Cursor part(place_, kAttribute, cursor_.position(), bytes);
    cursor_.skip(bytes);
    pad(bytes);
    return part;
  }

  const Place& place_;
  Cursor cursor_;
  int version_ = 0;
  std::uint64_t sizes_[3] = {};  // of name, type and shape
};

}  // namespace

Attribute::Attribute(const Place& place, std::string name, Datatype type, const Shape& shape, Cursor value)
    : place_(place), name_(std::move(name)), type_(std::move(type)), shape_(shape), address_(value.position()) {
  const Size size = Size::product(shape_.dims()) * static_cast<Index>(type_.size);
  if (!size.known() || static_cast<std::uint64_t>(size.count("bytes")) > value.left()) {
    value.fail("the attribute " + quoted(name_) + " of shape " + to_string(shape_) + " should have " + size.text() +
               " bytes, but " + std::to_string(value.left()) + " follow");
  }
  bytes_ = value.take(static_cast<std::uint64_t>(size.count("bytes")));
}

std::string Attribute::text() const {
  std::vector<std::string> all = texts();
  if (all.size() != 1) {
    place_.fail("the attribute " + quoted(name_) + " has " + std::to_string(all.size()) + " texts instead of one");
  }
  return std::move(all[0]);
}

std::vector<std::string> Attribute::texts() const {
  if (bytes_.empty()) return {};
  if (!is_text()) place_.fail("the attribute " + quoted(name_) + " holds " + type_.name + " instead of text");
  std::vector<std::string> all;
  GlobalHeap heap(place_);
  place_.spend(bytes_.size() / type_.size * sizeof(std::string));
  std::uint64_t left = place_.image->bytes.size();  // texts do not share their bytes
  for (std::size_t at = 0; at < bytes_.size(); at += type_.size) {
    const bool is_here = type_.kind == Datatype::Kind::fixed_text;
    std::string_view text = is_here ? as_text(bytes_.subspan(at, type_.size))
                                    : variable_text(heap, Cursor(place_, kAttribute, address_ + at, type_.size));
    text = without_padding(text, type_.padding);
    if (text.size() > left) place_.fail("the attribute " + quoted(name_) + " has the same text again and again");
    left -= text.size();
    all.emplace_back(text);
  }
  return all;
}

double Attribute::number() const {
  const std::vector<double> all = numbers();
  if (all.size() != 1) {
    place_.fail("the attribute " + quoted(name_) + " has " + std::to_string(all.size()) + " numbers instead of one");
  }
  return all[0];
}

std::vector<double> Attribute::numbers() const {
  if (!type_.is_number())
    place_.fail("the attribute " + quoted(name_) + " holds " + type_.name + " instead of numbers");
  std::vector<double> all(bytes_.size() / type_.size);
  convert(place_, type_, bytes_, all);
  return all;
}

// Those of the header, and those in a heap, where there are more than a few.
std::vector<Message> Object::attribute_messages() const {
  place_.spend(header_.messages().size() * sizeof(Message));
  std::vector<Message> messages;
  std::ranges::copy_if(header_.messages(), std::back_inserter(messages),
                       [](const Message& message) { return message.type == MessageType::attribute; });
  const Message* info = header_.find(MessageType::attribute_info);
  if (info == nullptr) return messages;

  Cursor cursor = open(place_, "the list of attributes", *info);
  cursor.expect_version(0, 0);
  if ((cursor.u8() & 1) != 0) cursor.skip(2);  // the order of creation goes up to here
  const std::uint64_t heap_address = cursor.address();
  const std::uint64_t tree = cursor.address();
  if (heap_address == kNowhere) return messages;
  FractalHeap heap(place_, heap_address);
  walk_dense_tree(place_, tree, RecordKind::attributes, [&](Cursor& record) {
    const auto [address, size] =
        heap.find(Cursor(place_, "an attribute's identifier", record.position(), heap.id_bytes()));
    record.skip(heap.id_bytes());
    const bool shared = (record.u8() & 2) != 0;
    messages.push_back({MessageType::attribute, shared, address, static_cast<std::uint32_t>(size)});
  });
  return messages;
}

std::vector<std::string> Object::attribute_names() const {
  std::vector<std::string> names;
  for (const Message& message : attribute_messages()) names.emplace_back(AttributeReader(place_, message).name());
  std::ranges::sort(names);
  return names;
}

bool Object::has_attribute(std::string_view name) const {
  return std::ranges::any_of(attribute_messages(),
                             [&](const Message& message) { return AttributeReader(place_, message).name() == name; });
}

Attribute Object::attribute(std::string_view name) const {
  for (const Message& message : attribute_messages()) {
    AttributeReader reader(place_, message);
    if (reader.name() == name) return reader.rest(name);
  }
  std::string known;
  for (const std::string& other : attribute_names()) known += (known.empty() ? "; there is " : ", ") + quoted(other);
  place_.fail("there is no attribute " + quoted(name) + (known.empty() ? "; it has none" : known.substr(0, 1000)));
}

}  // namespace rondo::hdf5
