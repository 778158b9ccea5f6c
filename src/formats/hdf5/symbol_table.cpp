#include "formats/hdf5/symbol_table.hpp"

#include "formats/hdf5/btree.hpp"
#include "formats/hdf5/heaps.hpp"

namespace rondo::hdf5 {

namespace {

constexpr std::string_view kNameList = "a list of names (SNOD)";

Link read_entry(Cursor& cursor, const LocalHeap& heap) {
  constexpr std::uint32_t kSoft = 2;
  Link link;
  link.name = heap.text(cursor.address());
  link.address = cursor.address();
  const std::uint32_t kind = cursor.u32();
  cursor.skip(4);
  const auto target = cursor.u32();
  cursor.skip(12);
  if (kind == kSoft) {
    link.kind = Link::Kind::soft;
    link.target = heap.text(target);
  }
  return link;
}

void read_node(Walk& walk, std::uint64_t address, const LocalHeap& heap, std::vector<Link>& links) {
  Cursor start = walk.open(kNameList, address, 8);
  const Image& image = *start.place().image;
  start.expect_signature("SNOD");
  start.expect_version(1, 1);
  start.skip(1);
  const auto entries = static_cast<std::uint64_t>(start.u16());
  const std::uint64_t entry_bytes = 2 * image.address_size + 4 + 4 + 16;
  Cursor cursor = walk.open(kNameList, address + 8, entries * entry_bytes);
  for (std::uint64_t i = 0; i < entries; ++i) links.push_back(read_entry(cursor, heap));
}

}  // namespace

void read_symbol_table(const Place& place, std::uint64_t tree, std::uint64_t heap, std::vector<Link>& links) {
  const LocalHeap names(place, heap);
  Walk walk(place);
  walk_tree(walk, TreeKind::group, tree, place.image->length_size,
            [&](Cursor&, std::uint64_t node) { read_node(walk, node, names, links); });
}

}  // namespace rondo::hdf5
