// What describes a group or data set: a list of messages, each of a type.
#pragma once

#include <cstdint>
#include <vector>

#include "formats/hdf5/cursor.hpp"

namespace rondo::hdf5 {

enum class MessageType : std::uint16_t {
  dataspace = 0x01,
  link_info = 0x02,
  datatype = 0x03,
  fill_value = 0x05,
  link = 0x06,
  external_files = 0x07,
  layout = 0x08,
  group_info = 0x0a,
  filters = 0x0b,
  attribute = 0x0c,
  continuation = 0x10,
  symbol_table = 0x11,
  attribute_info = 0x15,
  last_known = 0x18,
};

struct Message {
  MessageType type;
  bool shared;            // stands elsewhere: a committed datatype, or the table of shared messages
  std::uint64_t address;  // of its content
  std::uint32_t size;
};

class ObjectHeader {
 public:
  ObjectHeader(const Place& place, std::uint64_t address);

  std::uint64_t address() const { return address_; }
  const std::vector<Message>& messages() const { return messages_; }
  // The first one of a type, or null.
  const Message* find(MessageType type) const;

 private:
  std::uint64_t address_;
  std::vector<Message> messages_;
};

// The content of a message. FileError for one that is shared, which is not read.
Cursor open(const Place& place, std::string_view what, const Message& message);

}  // namespace rondo::hdf5
