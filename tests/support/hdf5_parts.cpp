#include "support/hdf5_parts.hpp"

namespace rondo::test {

namespace {

constexpr std::uint64_t kNowhere = hdf5::kNowhere;

}  // namespace

std::uint64_t Hdf5Parts::add(const Encoder& part) {
  const std::uint64_t address = here();
  parts_.append(part.bytes());
  parts_.zeros(hdf5::to_eight(parts_.size()));
  return address;
}

std::vector<std::byte> Hdf5Parts::file(std::uint64_t root) const {
  Encoder file = text("\x89HDF\r\n\x1a\n");
  file.append(numbers({{0, 5}, {8, 1}, {8, 1}, {0, 1}, {4, 2}, {16, 2}, {0, 4}}).bytes());
  file.append(numbers({{0, 8}, {kNowhere, 8}, {here(), 8}, {kNowhere, 8}}).bytes());
  file.append(numbers({{0, 8}, {root, 8}, {0, 8}, {0, 8}, {0, 8}}).bytes());
  file.append(parts_.bytes());
  return file.bytes();
}

Encoder numbers(const Numbers& values) {
  Encoder encoder;
  for (const auto& [value, bytes] : values) {
    if (bytes <= 8) encoder.number(value, bytes);
  }
  return encoder;
}

Encoder operator+(Encoder a, const Encoder& b) {
  a.append(b.bytes());
  return a;
}

Encoder text(std::string_view text) {
  Encoder encoder;
  encoder.text(text);
  return encoder;
}

Encoder message(MessageType type, const Encoder& content) {
  const std::uint64_t padding = hdf5::to_eight(content.size());
  Encoder message = numbers({{static_cast<std::uint64_t>(type), 2}, {content.size() + padding, 2}, {0, 4}}) + content;
  message.zeros(padding);
  return message;
}

Encoder header(const Encoder& messages) { return header(messages, messages.size()); }

Encoder header(const Encoder& messages, std::uint64_t length) {
  return numbers({{1, 1}, {0, 1}, {1, 2}, {1, 4}, {length, 4}, {0, 4}}) + messages;
}

Encoder link(std::string_view name, std::uint64_t address) {
  return message(MessageType::link, numbers({{1, 1}, {1, 1}, {name.size(), 2}}) + text(name) + numbers({{address, 8}}));
}

Encoder soft_link(std::string_view name, std::string_view target) {
  return message(MessageType::link, numbers({{1, 1}, {9, 1}, {1, 1}, {name.size(), 2}}) + text(name) +
                                        numbers({{target.size(), 2}}) + text(target));
}

Encoder external_link(std::string_view name) {
  return message(MessageType::link, numbers({{1, 1}, {9, 1}, {64, 1}, {name.size(), 2}}) + text(name) +
                                        numbers({{10, 2}}) + text(std::string_view("\0o.h5\0/x\0\0", 10)));
}

Encoder continuation(std::uint64_t address, std::uint64_t length) {
  return message(MessageType::continuation, numbers({{address, 8}, {length, 8}}));
}

Encoder symbol_table(std::uint64_t tree, std::uint64_t heap) {
  return message(MessageType::symbol_table, numbers({{tree, 8}, {heap, 8}}));
}

Encoder local_heap(std::uint64_t here, const std::string& texts) {
  return text("HEAP") + numbers({{0, 4}, {texts.size(), 8}, {1, 8}, {here + 32, 8}}) + text(texts);
}

Encoder tree_node(int kind, int level, const std::vector<std::uint64_t>& children, int key_bytes) {
  Encoder node = text("TREE");
  node.u8(kind);
  node.u8(level);
  node.u16(children.size());
  node.u64(kNowhere);
  node.u64(kNowhere);
  for (const std::uint64_t child : children) {
    node.zeros(static_cast<std::uint64_t>(key_bytes));
    node.u64(child);
  }
  node.zeros(static_cast<std::uint64_t>(key_bytes));
  return node;
}

Encoder names(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& offsets_and_headers) {
  Encoder node = text("SNOD") + numbers({{1, 2}, {offsets_and_headers.size(), 2}});
  for (const auto& [offset, address] : offsets_and_headers) {
    node.append(numbers({{offset, 8}, {address, 8}, {0, 8}, {0, 8}, {0, 8}}).bytes());
  }
  return node;
}

Encoder space(const std::vector<std::uint64_t>& shape) {
  Encoder content = numbers({{1, 1}, {shape.size(), 1}, {0, 6}});
  for (const std::uint64_t size : shape) content.u64(size);
  return message(MessageType::dataspace, content);
}

Encoder float32() {
  return message(
      MessageType::datatype,
      numbers({{0x11, 1}, {0x1f20, 3}, {4, 4}, {0, 2}, {32, 2}, {23, 1}, {8, 1}, {0, 1}, {23, 1}, {127, 4}}));
}

Encoder contiguous(std::uint64_t address, std::uint64_t bytes) {
  return message(MessageType::layout, numbers({{3, 1}, {1, 1}, {address, 8}, {bytes, 8}}));
}

Encoder chunked(std::uint64_t tree, const std::vector<std::uint64_t>& chunk) {
  Encoder content = numbers({{3, 1}, {2, 1}, {chunk.size() + 1, 1}, {tree, 8}});
  for (const std::uint64_t size : chunk) content.u32(size);
  content.u32(4);
  return message(MessageType::layout, content);
}

Encoder filter(int id) {
  return message(MessageType::filters,
                 numbers({{1, 1}, {1, 1}, {0, 6}, {static_cast<std::uint64_t>(id), 2}, {0, 2}, {0, 2}, {0, 2}}));
}

Encoder chunk_leaf(const std::vector<StoredChunk>& chunks) {
  Encoder node = text("TREE") + numbers({{1, 1}, {0, 1}, {chunks.size(), 2}, {kNowhere, 8}, {kNowhere, 8}});
  for (const auto& [first, bytes, address] : chunks) {
    node.append(numbers({{bytes, 4}, {0, 4}, {first, 8}, {0, 8}, {address, 8}}).bytes());
  }
  return node + numbers({{0, 8}, {0, 8}, {0, 8}});
}

Encoder variable_texts(std::string_view name, std::uint64_t count, const Encoder& elements) {
  const Encoder type = numbers({{0x19, 1}, {1, 3}, {16, 4}, {0x10, 4}, {1, 4}, {0, 2}, {8, 2}});
  const Encoder shape = numbers({{2, 1}, {1, 1}, {0, 1}, {1, 1}, {count, 8}});
  return message(MessageType::attribute,
                 numbers({{3, 1}, {0, 1}, {name.size(), 2}, {type.size(), 2}, {shape.size(), 2}, {0, 1}}) + text(name) +
                     type + shape + elements);
}

Encoder global_heap(std::uint64_t size, std::uint64_t piece_bytes, const std::string& piece) {
  return text("GCOL") + numbers({{1, 4}, {size, 8}, {1, 2}, {0, 2}, {0, 4}, {piece_bytes, 8}}) + text(piece);
}

}  // namespace rondo::test
