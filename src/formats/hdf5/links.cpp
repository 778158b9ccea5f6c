#include "formats/hdf5/links.hpp"

#include <algorithm>
#include <string>

#include "formats/hdf5/dense_tree.hpp"
#include "formats/hdf5/fractal_heap.hpp"
#include "formats/hdf5/symbol_table.hpp"

namespace rondo::hdf5 {

namespace {

Link read_link(Cursor cursor) {
  cursor.expect_version(1, 1);
  const int flags = cursor.u8();
  const int type = (flags & 8) != 0 ? cursor.u8() : 0;
  if ((flags & 4) != 0) cursor.skip(8);   // the order of creation
  if ((flags & 16) != 0) cursor.skip(1);  // ASCII or UTF-8
  Link link;
  link.name = cursor.text(cursor.number(1 << (flags & 3)));
  switch (type) {
    case 0: link.address = cursor.address(); break;
    case 1:
      link.kind = Link::Kind::soft;
      link.target = cursor.text(cursor.number(2));
      break;
    case 64: link.kind = Link::Kind::external; break;
    default: link.kind = Link::Kind::unknown; break;
  }
  return link;
}

// More than a few links stand in a heap of their own.
void read_dense(const Place& place, Cursor info, std::vector<Link>& links) {
  info.expect_version(0, 0);
  if ((info.u8() & 1) != 0) info.skip(8);  // the order of creation goes up to here
  const std::uint64_t heap_address = info.address();
  const std::uint64_t tree = info.address();
  if (heap_address == kNowhere) return;
  FractalHeap heap(place, heap_address);
  walk_dense_tree(place, tree, RecordKind::links, [&](Cursor& record) {
    record.skip(4);  // the name's hash
    const auto [address, size] = heap.find(Cursor(place, "a link's identifier", record.position(), heap.id_bytes()));
    links.push_back(read_link(Cursor(place, "a link", address, size)));
  });
}

void read_new(const Place& place, const ObjectHeader& header, std::vector<Link>& links) {
  for (const Message& message : header.messages()) {
    if (message.type == MessageType::link) links.push_back(read_link(open(place, "a link", message)));
  }
  if (const Message* info = header.find(MessageType::link_info)) {
    read_dense(place, open(place, "the list of links", *info), links);
  }
}

void check_names(const Place& place, const std::vector<Link>& links) {
  for (std::size_t i = 0; i < links.size(); ++i) {
    const std::string_view name = links[i].name;
    if (name.empty() || name.size() > kLongestName) {
      place.fail("a name of " + std::to_string(name.size()) + " bytes is in this group; names have 1 to " +
                 std::to_string(kLongestName));
    }
    if (i > 0 && name == links[i - 1].name) place.fail("the name " + quoted(name) + " is twice in this group");
  }
}

}  // namespace

bool is_group(const ObjectHeader& header) {
  return header.find(MessageType::symbol_table) != nullptr || header.find(MessageType::link_info) != nullptr ||
         header.find(MessageType::group_info) != nullptr || header.find(MessageType::link) != nullptr;
}

std::vector<Link> read_links(const Place& place, const ObjectHeader& header) {
  std::vector<Link> links;
  read_new(place, header, links);
  if (const Message* message = header.find(MessageType::symbol_table)) {
    Cursor cursor = open(place, "the symbol table", *message);
    const std::uint64_t tree = cursor.address();
    read_symbol_table(place, tree, cursor.address(), links);
  }
  // Long names are refused before they are compared, which would take long.
  check_names(place, links);
  std::ranges::sort(links, {}, &Link::name);
  check_names(place, links);
  return links;
}

}  // namespace rondo::hdf5
