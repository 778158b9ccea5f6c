// From a tree of groups to the bytes of a file: the superblock, the numbers of all data sets, the long texts, and last
// the headers of all objects, each behind those that it refers to.
//
// The forms are the newest that libhdf5 1.8 reads: superblock 2, headers of version 2, links in the headers. They need
// no trees and no heaps of names, so a group is a list.
#include <algorithm>
#include <array>
#include <bit>

#include <rondo/error.hpp>

#include "core/atomic_file.hpp"
#include "formats/hdf5/cursor.hpp"
#include "formats/hdf5/encoder.hpp"
#include "formats/hdf5/object_header.hpp"
#include "formats/hdf5/writer.hpp"

namespace rondo::hdf5 {

namespace {

static_assert(std::endian::native == std::endian::little);  // numbers go out as they stand

constexpr std::uint64_t kSuperblockBytes = 48;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 128; });
}

// Texts are marked as UTF-8 only where they need it: h5py 2 gives those as str, for which Keras before 2.4 is not
// ready.
int charset(std::string_view text) { return is_ascii(text) ? 0 : 1; }

int charset(const std::vector<std::string>& texts) {
  return std::ranges::all_of(texts, [](const std::string& text) { return is_ascii(text); }) ? 0 : 1;
}

// ---- types and shapes

void encode_floating(Encoder& to, std::uint64_t bytes, int exponent_bits, int mantissa_bits, std::uint64_t bias) {
  to.u8(0x11);  // class 1, version 1
  to.u8(0x20);  // little-endian, the mantissa's highest bit is not stored
  to.u8(static_cast<int>(8 * bytes - 1));
  to.u8(0);
  to.u32(bytes);
  to.u16(0);
  to.u16(8 * bytes);
  to.u8(mantissa_bits);
  to.u8(exponent_bits);
  to.u8(0);
  to.u8(mantissa_bits);
  to.u32(bias);
}

void encode_integer(Encoder& to, std::uint64_t bytes, bool is_signed) {
  to.u8(0x10);
  to.number(is_signed ? 8 : 0, 3);
  to.u32(bytes);
  to.u16(0);
  to.u16(8 * bytes);
}

void encode_type(Encoder& to, NumberType type) {
  switch (type) {
    case NumberType::float32: return encode_floating(to, 4, 8, 23, 127);
    case NumberType::float64: return encode_floating(to, 8, 11, 52, 1023);
    case NumberType::int32: return encode_integer(to, 4, true);
    case NumberType::int64: return encode_integer(to, 8, true);
  }
}

void encode_fixed_text(Encoder& to, std::uint64_t bytes, int set) {
  to.u8(0x13);
  to.number(static_cast<std::uint64_t>(1 | set << 4), 3);  // filled up with zeros
  to.u32(bytes);
}

void encode_variable_text(Encoder& to, int set) {
  to.u8(0x19);
  to.number(static_cast<std::uint64_t>(1 | set << 8), 3);
  to.u32(16);  // length, collection, number
  encode_integer(to, 1, false);
}

void encode_space(Encoder& to, const Shape& shape) {
  to.u8(2);
  to.u8(static_cast<int>(shape.rank()));
  to.u8(0);                          // it does not grow
  to.u8(shape.rank() == 0 ? 0 : 1);  // a scalar, or not
  for (const Index size : shape) to.u64(static_cast<std::uint64_t>(size));
}

// ---- long texts

struct TextPlace {
  std::uint64_t collection = 0;
  std::uint64_t number = 0;
};

// Collections of texts, one behind the other.
class Heap {
 public:
  explicit Heap(std::uint64_t address) : address_(address) {}

  TextPlace add(std::string_view text) {
    constexpr std::uint64_t kMostTexts = 60000;
    if (number_ == kMostTexts) close();
    collection_.u16(++number_);
    collection_.u16(0);
    collection_.u32(0);
    collection_.u64(text.size());
    collection_.text(text);
    collection_.zeros(to_eight(text.size()));
    return {address_ + all_.size(), number_};
  }

  // Ends the last collection.
  const Encoder& finish() {
    if (number_ > 0) close();
    return all_;
  }

 private:
  void close() {
    constexpr std::uint64_t kSmallest = 4096, kPrefix = 16;
    const std::uint64_t used = kPrefix + collection_.size();
    const std::uint64_t size = std::max(kSmallest, used + kPrefix);
    all_.text("GCOL");
    all_.u32(1);
    all_.u64(size);
    all_.append(collection_.bytes());
    all_.u64(0);  // piece 0: what is free
    all_.u64(size - used);
    all_.zeros(size - used - kPrefix);
    collection_ = {};
    number_ = 0;
  }

  std::uint64_t address_;
  Encoder all_, collection_;
  std::uint64_t number_ = 0;
};

// ---- headers

class HeaderEncoder {
 public:
  void message(MessageType type, const Encoder& content, const std::string& what) {
    if (content.size() > 0xffff) {
      throw FileError(what + " has " + std::to_string(content.size()) +
                      " bytes, but a message of HDF5 has 65535 at most; cut the list into parts, as Keras does");
    }
    messages_.u8(static_cast<int>(type));
    messages_.u16(content.size());
    messages_.u8(0);
    messages_.append(content.bytes());
  }

  Encoder finish() const {
    Encoder header;
    header.text("OHDR");
    header.u8(2);
    header.u8(2);  // the size has four bytes
    header.u32(messages_.size());
    header.append(messages_.bytes());
    header.u32(checksum(header.bytes()));
    return header;
  }

 private:
  Encoder messages_;
};

// Walks the tree and gives everything its place.
class FileLayout {
 public:
  explicit FileLayout(const GroupWriter& root) : root_(root), heap_(kSuperblockBytes) {
    place_numbers(root);
    heap_ = Heap(end_);
    place_texts(root);
    end_ += heap_.finish().size();
    root_address_ = add_group(root);
  }

  // Bytes of the file.
  std::size_t size() const { return end_; }

  void write(const Sink& sink) {
    sink(superblock().bytes());
    write_numbers(root_, sink);
    sink(heap_.finish().bytes());
    sink(headers_.bytes());
  }

 private:
  void place_numbers(const GroupWriter& group) {
    for (const auto& [name, dataset] : group.datasets()) {
      if (dataset.bytes() == 0) continue;
      numbers_[&dataset] = end_;
      end_ += dataset.bytes() + to_eight(dataset.bytes());
    }
    for (const auto& [name, child] : group.groups()) place_numbers(*child);
  }

  void write_numbers(const GroupWriter& group, const Sink& sink) const {
    constexpr std::array<std::byte, 8> kZeros{};
    for (const auto& [name, dataset] : group.datasets()) {
      if (dataset.bytes() == 0) continue;
      dataset.write(sink);
      sink(std::span(kZeros).first(to_eight(dataset.bytes())));
    }
    for (const auto& [name, child] : group.groups()) write_numbers(*child, sink);
  }

  void place_texts_of(const ObjectWriter& object) {
    for (const auto& [name, value] : object.attributes()) {
      if (value.kind == AttributeValue::Kind::text) texts_[&value] = heap_.add(value.texts[0]);
    }
  }

  void place_texts(const GroupWriter& group) {
    place_texts_of(group);
    for (const auto& [name, dataset] : group.datasets()) place_texts_of(dataset);
    for (const auto& [name, child] : group.groups()) place_texts(*child);
  }

  // The address of what is added to the headers.
  std::uint64_t add(const HeaderEncoder& header) {
    const std::uint64_t address = end_;
    const Encoder encoded = header.finish();
    headers_.append(encoded.bytes());
    headers_.zeros(to_eight(encoded.size()));
    end_ += encoded.size() + to_eight(encoded.size());
    return address;
  }

  std::uint64_t add_group(const GroupWriter& group) {
    std::map<std::string_view, std::uint64_t> children;
    for (const auto& [name, dataset] : group.datasets()) children[name] = add_dataset(dataset);
    for (const auto& [name, child] : group.groups()) children[name] = add_group(*child);

    HeaderEncoder header;
    Encoder link_info;
    link_info.u16(0);
    link_info.u64(kNowhere);  // no heap of links,
    link_info.u64(kNowhere);  // and no tree
    header.message(MessageType::link_info, link_info, "the list of links");
    Encoder group_info;
    group_info.u16(0);
    header.message(MessageType::group_info, group_info, "the description of a group");
    for (const auto& [name, address] : children) header.message(MessageType::link, link(name, address), "a link");
    add_attributes(header, group);
    return add(header);
  }

  static Encoder link(std::string_view name, std::uint64_t address) {
    Encoder link;
    const int set = charset(name);
    link.u8(1);
    link.u8(1 | set << 4);  // the length has two bytes
    if (set != 0) link.u8(set);
    link.u16(name.size());
    link.text(name);
    link.u64(address);
    return link;
  }

  std::uint64_t add_dataset(const DatasetWriter& dataset) {
    HeaderEncoder header;
    Encoder space, type, fill, layout;
    encode_space(space, dataset.shape());
    header.message(MessageType::dataspace, space, "a shape");
    encode_type(type, dataset.type());
    header.message(MessageType::datatype, type, "a type");
    fill.u8(3);
    fill.u8(0x0a);  // memory is taken when numbers are written; nothing stands for those that are not
    header.message(MessageType::fill_value, fill, "what stands for missing numbers");
    layout.u8(3);
    layout.u8(1);  // in one piece
    layout.u64(dataset.bytes() == 0 ? kNowhere : numbers_.at(&dataset));
    layout.u64(dataset.bytes());
    header.message(MessageType::layout, layout, "a layout");
    add_attributes(header, dataset);
    return add(header);
  }

  void add_attributes(HeaderEncoder& header, const ObjectWriter& object) const {
    if (!object.attributes().empty()) {  // without it libhdf5 finds them, but counts none
      Encoder info;
      info.u16(0);
      info.u64(kNowhere);  // no heap of attributes,
      info.u64(kNowhere);  // and no tree
      header.message(MessageType::attribute_info, info, "the list of attributes");
    }
    for (const auto& [name, value] : object.attributes()) {
      header.message(MessageType::attribute, attribute(name, value), "the attribute " + quoted(name));
    }
  }

  Encoder attribute(const std::string& name, const AttributeValue& value) const {
    Encoder type, space, data;
    encode_value(value, type, space, data);
    Encoder message;
    message.u8(3);
    message.u8(0);
    message.u16(name.size() + 1);
    message.u16(type.size());
    message.u16(space.size());
    message.u8(charset(name));
    message.text(name);
    message.u8(0);
    message.append(type.bytes());
    message.append(space.bytes());
    message.append(data.bytes());
    return message;
  }

  void encode_value(const AttributeValue& value, Encoder& type, Encoder& space, Encoder& data) const {
    switch (value.kind) {
      case AttributeValue::Kind::text: {
        const TextPlace& place = texts_.at(&value);
        encode_variable_text(type, charset(value.texts[0]));
        data.u32(value.texts[0].size());
        data.u64(place.collection);
        data.u32(place.number);
        break;
      }
      case AttributeValue::Kind::texts: {
        const std::size_t bytes = value.texts.empty() ? 1 : ObjectWriter::bytes_of(value.texts) / value.texts.size();
        encode_fixed_text(type, bytes, charset(value.texts));
        for (const std::string& text : value.texts) {
          data.text(text);
          data.zeros(bytes - text.size());
        }
        return encode_space(space, Shape{value.texts.size()});
      }
      case AttributeValue::Kind::float64:
        encode_type(type, NumberType::float64);
        data.u64(std::bit_cast<std::uint64_t>(value.real));
        break;
      case AttributeValue::Kind::int64:
        encode_type(type, NumberType::int64);
        data.u64(static_cast<std::uint64_t>(value.integer));
        break;
    }
    encode_space(space, Shape{});
  }

  Encoder superblock() const {
    Encoder block;
    block.text("\x89HDF\r\n\x1a\n");
    block.u8(2);
    block.u8(8);  // bytes of an address
    block.u8(8);  // and of a length
    block.u8(0);
    block.u64(0);         // addresses count from the beginning
    block.u64(kNowhere);  // no extension
    block.u64(end_);
    block.u64(root_address_);
    block.u32(checksum(block.bytes()));
    return block;
  }

  const GroupWriter& root_;
  std::uint64_t end_ = kSuperblockBytes;
  std::uint64_t root_address_ = 0;
  std::map<const DatasetWriter*, std::uint64_t> numbers_;
  Heap heap_;
  std::map<const AttributeValue*, TextPlace> texts_;
  Encoder headers_;
};

}  // namespace

void Writer::write(const Sink& sink) const { FileLayout(root_).write(sink); }

void Writer::save(const std::string& path) const {
  core::NewFile file(path);
  write([&](std::span<const std::byte> piece) { file.append(piece); });
  file.keep();
}

std::vector<std::byte> Writer::bytes() const {
  FileLayout layout(root_);
  std::vector<std::byte> all;
  all.reserve(layout.size());
  layout.write([&](std::span<const std::byte> piece) { all.insert(all.end(), piece.begin(), piece.end()); });
  return all;
}

}  // namespace rondo::hdf5
