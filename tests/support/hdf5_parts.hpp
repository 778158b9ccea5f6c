// HDF5 files put together byte by byte, as no library would write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "formats/hdf5/encoder.hpp"
#include "formats/hdf5/image.hpp"
#include "formats/hdf5/object_header.hpp"

namespace rondo::test {

using hdf5::Encoder;
using hdf5::MessageType;

// Structures one behind the other, after a superblock of version 0.
class Hdf5Parts {
 public:
  static constexpr std::uint64_t kFirst = 96;

  // The address that the next one gets.
  std::uint64_t here() const { return kFirst + parts_.size(); }
  std::uint64_t add(const Encoder& part);
  std::vector<std::byte> file(std::uint64_t root) const;

 private:
  Encoder parts_;
};

using Numbers = std::vector<std::pair<std::uint64_t, int>>;

// {value, bytes} for each.
Encoder numbers(const Numbers& values);
Encoder operator+(Encoder a, const Encoder& b);
Encoder text(std::string_view text);

// A message of a header of version 1, and such a header, whose length may be another than that of its messages.
Encoder message(MessageType type, const Encoder& content);
Encoder header(const Encoder& messages);
Encoder header(const Encoder& messages, std::uint64_t length);

// Messages of groups.
Encoder link(std::string_view name, std::uint64_t address);
Encoder soft_link(std::string_view name, std::string_view target);
Encoder external_link(std::string_view name);
Encoder continuation(std::uint64_t address, std::uint64_t length);
Encoder symbol_table(std::uint64_t tree, std::uint64_t heap);

// Parts of old groups. A heap is followed by its texts, of which each ends with a byte of 0.
Encoder local_heap(std::uint64_t here, const std::string& texts);
Encoder tree_node(int kind, int level, const std::vector<std::uint64_t>& children, int key_bytes = 8);
Encoder names(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& offsets_and_headers);

// Messages of data sets of float32.
Encoder space(const std::vector<std::uint64_t>& shape);
Encoder float32();
Encoder contiguous(std::uint64_t address, std::uint64_t bytes);
Encoder chunked(std::uint64_t tree, const std::vector<std::uint64_t>& chunk);
Encoder filter(int id);
// A leaf of a tree of chunks along one axis: {first element, stored bytes, address} for each.
struct StoredChunk {
  std::uint64_t first, bytes, address;
};
Encoder chunk_leaf(const std::vector<StoredChunk>& chunks);

// An attribute of texts in a global heap, `count` of them, whose elements follow; and a heap with one piece.
Encoder variable_texts(std::string_view name, std::uint64_t count, const Encoder& elements);
Encoder global_heap(std::uint64_t size, std::uint64_t piece_bytes, const std::string& piece);

}  // namespace rondo::test
