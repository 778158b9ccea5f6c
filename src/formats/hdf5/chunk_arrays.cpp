#include "formats/hdf5/chunk_arrays.hpp"

#include <bit>
#include <string>

namespace rondo::hdf5 {

namespace {

// Reads elements, one after the other, and visits their chunks.
struct Elements {
  const Grid& grid;
  std::uint64_t chunk_bytes;
  bool filtered;
  std::uint64_t element_bytes;
  const std::function<void(const Chunk&)>& visit;
  std::uint64_t next = 0;  // number of the next one

  void read(Cursor& cursor, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) read_one(cursor);
  }

 private:
  void read_one(Cursor& cursor) {
    Chunk chunk;
    chunk.position = grid.position(next++);
    chunk.address = cursor.address();
    chunk.size = chunk_bytes;
    if (filtered) {
      const std::uint64_t size_bytes = element_bytes - cursor.place().image->address_size - 4;
      chunk.size = cursor.number(size_bytes);
      chunk.skipped = cursor.u32();
    }
    visit(chunk);
  }
};

// What both kinds of header begin with: signature, version, whether chunks went through filters, bytes of an element.
std::uint64_t read_element_bytes(Cursor& cursor, std::string_view signature, bool filtered) {
  cursor.expect_signature(signature);
  cursor.expect_version(0, 0);
  if ((cursor.u8() != 0) != filtered) cursor.fail("the index and the data set differ in whether there are filters");
  const std::uint64_t bytes = cursor.number(1);
  const std::uint64_t least = cursor.place().image->address_size + (filtered ? 4 + 1 : 0);
  if (bytes < least || bytes > least + (filtered ? 7 : 0)) {
    cursor.fail("its elements are said to have " + std::to_string(bytes) + " bytes");
  }
  return bytes;
}

// The start of a block: signature, version, kind, and the header that it belongs to.
void skip_block_start(Cursor& cursor, std::string_view signature) {
  cursor.expect_signature(signature);
  cursor.expect_version(0, 0);
  cursor.skip(1);
  cursor.address();
}

Cursor to_end(const Place& place, std::string_view what, std::uint64_t address) {
  const std::uint64_t size = place.image->bytes.size();
  return Cursor(place, what, address, address < size ? size - address : 1);
}

}  // namespace

void walk_fixed_array(const Place& place, const Grid& grid, std::uint64_t address, std::uint64_t chunk_bytes,
                      bool filtered, const std::function<void(const Chunk&)>& visit) {
  constexpr std::string_view kWhat = "the index of chunks (a fixed array)";
  Cursor header = to_end(place, kWhat, address);
  const std::uint64_t element_bytes = read_element_bytes(header, "FAHD", filtered);
  const int page_bits = header.u8();
  const std::uint64_t count = header.length();
  const std::uint64_t block = header.address();
  check_sum(header, address);
  if (count != grid.size(place)) header.fail("it has " + std::to_string(count) + " elements for the chunks there are");
  if (page_bits > 63) header.fail("its pages are said to have 2^" + std::to_string(page_bits) + " elements");

  Cursor cursor = to_end(place, kWhat, block);
  skip_block_start(cursor, "FADB");
  Elements elements{grid, chunk_bytes, filtered, element_bytes, visit};
  const std::uint64_t page = std::uint64_t{1} << page_bits;
  if (count <= page) {
    elements.read(cursor, count);
    check_sum(cursor, block);
    return;
  }
  const std::uint64_t pages = count / page + (count % page != 0 ? 1 : 0);
  const std::span<const std::byte> used = cursor.take(pages / 8 + (pages % 8 != 0 ? 1 : 0));
  check_sum(cursor, block);
  for (std::uint64_t i = 0; i < pages; ++i) {
    if ((std::to_integer<int>(used[i / 8]) >> (7 - i % 8) & 1) == 0) {
      cursor.refuse("a data set that was written in parts");
    }
    const std::uint64_t begin = cursor.position();
    elements.read(cursor, std::min(page, count - i * page));
    check_sum(cursor, begin);
  }
}

namespace {

// An array that grows: the first elements stand in the index block, the next ones in data blocks that it lists, the
// others in data blocks that super blocks list. Super block s has 2^(s / 2) data blocks of 2^((s + 1) / 2) times the
// smallest number of elements.
class ExtensibleArray {
 public:
  ExtensibleArray(const Place& place, const Grid& grid, std::uint64_t address, std::uint64_t chunk_bytes, bool filtered,
                  const std::function<void(const Chunk&)>& visit)
      : place_(place), walk_(place), elements_{grid, chunk_bytes, filtered, 0, visit} {
    Cursor header = to_end(place, kWhat, address);
    elements_.element_bytes = read_element_bytes(header, "EAHD", filtered);
    const int count_bits = header.u8();
    in_index_ = static_cast<std::uint64_t>(header.u8());
    smallest_block_ = static_cast<std::uint64_t>(header.u8());
    const auto pointers = static_cast<std::uint64_t>(header.u8());
    page_bits_ = header.u8();
    for (int i = 0; i < 4; ++i) header.length();  // how many blocks there are, and their sizes
    used_ = header.length();
    header.length();
    index_ = header.address();
    check_sum(header, address);
    if (!std::has_single_bit(smallest_block_) || !std::has_single_bit(pointers) || count_bits > 64 || page_bits_ > 63) {
      header.fail("its blocks are said to have sizes that are no powers of two");
    }
    offset_bytes_ = static_cast<std::uint64_t>((count_bits + 7) / 8);
    direct_super_blocks_ = 2 * (static_cast<int>(std::bit_width(pointers)) - 1);
    super_blocks_ = 1 + count_bits - (static_cast<int>(std::bit_width(smallest_block_)) - 1);
  }

  void walk() {
    Cursor cursor = to_end(place_, kWhat, index_);
    skip_block_start(cursor, "EAIB");
    elements_.read(cursor, std::min(used_, in_index_));
    if (used_ <= in_index_) return;
    for (int s = 0; s < direct_super_blocks_ && left() > 0; ++s) walk_data_blocks(cursor, s);
    for (int s = direct_super_blocks_; s < super_blocks_ && left() > 0; ++s) walk_super_block(cursor.address(), s);
  }

 private:
  static constexpr std::string_view kWhat = "the index of chunks (an extensible array)";

  std::uint64_t left() const { return used_ - elements_.next; }

  std::uint64_t block_start() const { return 4 + 1 + 1 + place_.image->address_size + offset_bytes_; }

  void walk_super_block(std::uint64_t address, int s) {
    Cursor cursor = to_end(place_, kWhat, address);
    skip_block_start(cursor, "EASB");
    cursor.skip(offset_bytes_);
    walk_data_blocks(cursor, s);
  }

  // The addresses of super block s.
  void walk_data_blocks(Cursor& addresses, int s) {
    const std::uint64_t elements = smallest_block_ << ((s + 1) / 2);
    if (elements > std::uint64_t{1} << page_bits_) addresses.refuse("a data set of so many chunks");
    for (std::uint64_t i = 0; i < std::uint64_t{1} << (s / 2) && left() > 0; ++i) {
      const std::uint64_t address = addresses.address();
      const std::uint64_t bytes = elements * elements_.element_bytes;
      Cursor cursor = walk_.open(kWhat, address, block_start() + bytes + 4);
      skip_block_start(cursor, "EADB");
      cursor.skip(offset_bytes_);
      const std::uint64_t stored = std::min(elements, left());
      elements_.read(cursor, stored);
      cursor.skip((elements - stored) * elements_.element_bytes);
      check_sum(cursor, address);
    }
  }

  const Place& place_;
  Walk walk_;
  Elements elements_;
  std::uint64_t in_index_ = 0, smallest_block_ = 0, used_ = 0, index_ = kNowhere, offset_bytes_ = 0;
  int page_bits_ = 0, direct_super_blocks_ = 0, super_blocks_ = 0;
};

}  // namespace

void walk_extensible_array(const Place& place, const Grid& grid, std::uint64_t address, std::uint64_t chunk_bytes,
                           bool filtered, const std::function<void(const Chunk&)>& visit) {
  ExtensibleArray(place, grid, address, chunk_bytes, filtered, visit).walk();
}

}  // namespace rondo::hdf5
