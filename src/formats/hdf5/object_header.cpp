#include "formats/hdf5/object_header.hpp"

#include <algorithm>
#include <set>
#include <string>

namespace rondo::hdf5 {

namespace {

constexpr std::string_view kHeader = "the object's header";
constexpr std::string_view kMore = "the continuation of the object's header";

struct Block {
  std::uint64_t address, length;
};

// Reads messages block by block: those of the header, then those of each continuation that was met.
class Reader {
 public:
  explicit Reader(const Place& place) : place_(place), walk_(place) {}

  std::vector<Message> read(std::uint64_t address) {
    visited_.insert(address);
    if (Cursor(place_, kHeader, address, 4).text(4) == "OHDR") {
      read_new(address);
    } else {
      read_old(address);
    }
    return std::move(messages_);
  }

 private:
  void read_old(std::uint64_t address) {
    Cursor start = walk_.open(kHeader, address, 16);
    start.expect_version(1, 1);
    start.skip(1 + 2 + 4);  // number of messages, references to the object
    const std::uint64_t length = start.u32();
    read_messages(walk_.open(kHeader, address + 16, length), /*prefix=*/8, false);
    while (!more_.empty()) {
      const Block block = next_block();
      read_messages(walk_.open(kMore, block.address, block.length), 8, false);
    }
  }

  void read_new(std::uint64_t address) {
    Cursor start(place_, kHeader, address, place_.image->bytes.size() - address);
    start.expect_signature("OHDR");
    start.expect_version(2, 2);
    const int flags = start.u8();
    if ((flags & 0x20) != 0) start.skip(16);  // times
    if ((flags & 0x10) != 0) start.skip(4);   // when attributes are stored densely
    const std::uint64_t length = start.number(1 << (flags & 3));
    const int prefix = (flags & 4) != 0 ? 6 : 4;  // with the order of creation, or without
    read_guarded(kHeader, address, start.position(), length, prefix);
    while (!more_.empty()) {
      const Block block = next_block();
      Cursor(place_, kMore, block.address, block.length).expect_signature("OCHK");
      if (block.length < 8) place_.fail(block.address, "the continuation of the object's header is too short");
      read_guarded(kMore, block.address, block.address + 4, block.length - 8, prefix);
    }
  }

  void read_guarded(std::string_view what, std::uint64_t begin, std::uint64_t first, std::uint64_t length, int prefix) {
    read_messages(walk_.open(what, first, length), prefix, true);
    Cursor end(place_, what, first + length, 4);
    check_sum(end, begin);
  }

  Block next_block() {
    const Block block = more_.back();
    more_.pop_back();
    if (!visited_.insert(block.address).second) {
      place_.fail(block.address, "the continuations of the object's header lead in a circle");
    }
    return block;
  }

  void read_messages(Cursor cursor, int prefix, bool is_new) {
    while (cursor.left() >= static_cast<std::size_t>(prefix)) {
      const int type = is_new ? cursor.u8() : cursor.u16();
      const auto size = static_cast<std::uint32_t>(cursor.u16());
      const int flags = cursor.u8();
      cursor.skip(static_cast<std::uint64_t>(is_new ? prefix - 4 : 3));
      if (type > static_cast<int>(MessageType::last_known) && (flags & 0x80) != 0) {
        cursor.refuse("a message of type " + std::to_string(type) + " that must be understood");
      }
      const Message message{static_cast<MessageType>(type), (flags & 2) != 0, cursor.position(), size};
      cursor.skip(size);
      if (message.type == MessageType::continuation) {
        Cursor content = open(place_, kMore, message);
        const std::uint64_t address = content.address();
        more_.push_back({address, content.length()});
      } else {
        messages_.push_back(message);
      }
    }
  }

  const Place& place_;
  Walk walk_;
  std::vector<Message> messages_;
  std::vector<Block> more_;
  std::set<std::uint64_t> visited_;
};

}  // namespace

ObjectHeader::ObjectHeader(const Place& place, std::uint64_t address)
    : address_(address), messages_(Reader(place).read(address)) {}

const Message* ObjectHeader::find(MessageType type) const {
  const auto found = std::ranges::find(messages_, type, &Message::type);
  return found == messages_.end() ? nullptr : &*found;
}

Cursor open(const Place& place, std::string_view what, const Message& message) {
  Cursor cursor(place, what, message.address, message.size);
  if (message.shared) cursor.refuse("a message that is shared among objects (a committed datatype)");
  return cursor;
}

}  // namespace rondo::hdf5
