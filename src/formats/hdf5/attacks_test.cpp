// Files made to do harm. Each must be an error that says what is wrong, in under 50 ms and 64 MB.
#include <functional>
#include <gtest/gtest.h>
#include <zlib.h>

#include <rondo/error.hpp>

#include "formats/hdf5/file.hpp"
#include "support/harm.hpp"
#include "support/hdf5_listing.hpp"
#include "support/hdf5_parts.hpp"
#include "support/instrumented.hpp"

namespace rondo::hdf5 {
namespace {

using namespace test;  // the parts

using Action = std::function<void(const Group& root)>;

void list(const Group& root) { (void)root.names(); }

Action read_numbers(const std::string& path, std::size_t count) {
  return [=](const Group& root) {
    std::vector<float> numbers(count);
    root.dataset(path).read_into(std::span(numbers));
  };
}

Action read_texts(const std::string& name) {
  return [=](const Group& root) { (void)root.attribute(name).texts(); };
}

// What the file is an error of: its text.
std::string refusal(const std::vector<std::byte>& bytes, const Action& action) {
  return test::refusal([&] { action(File(bytes, "bad.h5").root()); });
}

void expect_refused(const std::vector<std::byte>& bytes, const Action& action, const std::vector<std::string>& parts) {
  expect_parts(refusal(bytes, action), parts);
}

// A file whose root has one data set of float32, "w", with these messages besides its type.
std::vector<std::byte> file_with_dataset(Hdf5Parts& parts, const Encoder& messages) {
  const std::uint64_t dataset = parts.add(header(float32() + messages));
  return parts.file(parts.add(header(link("w", dataset))));
}

// ---- other files

TEST(Hdf5Attacks, ExternalStorageIsRefusedByName) {
  Hdf5Parts parts;
  const Encoder list = message(MessageType::external_files, numbers({{1, 1}, {0, 3}, {1, 2}, {1, 2}, {96, 8}}));
  expect_refused(file_with_dataset(parts, space({3}) + contiguous(kNowhere, 12) + list), read_numbers("w", 3),
                 {"bad.h5", "'/w'", "external storage"});
}

TEST(Hdf5Attacks, ExternalLinksAreRefusedByNameWhereTheyAreFollowed) {
  Hdf5Parts parts;
  const std::uint64_t group = parts.add(header(message(MessageType::group_info, numbers({{0, 2}}))));
  const auto bytes = parts.file(parts.add(header(external_link("a") + link("b", group))));
  expect_refused(bytes, [](const Group& root) { (void)root.group("a"); }, {"'a' is an external link"});
  expect_refused(bytes, [](const Group& root) { (void)root.dataset("a/w"); }, {"'a' is an external link"});
  expect_refused(bytes, [](const Group& root) { (void)root.group("b"); }, {"no error"});
}

TEST(Hdf5Attacks, SoftLinksAreRefusedByNameWhereTheyAreFollowed) {
  Hdf5Parts parts;
  const auto bytes = parts.file(parts.add(header(soft_link("a", "/a"))));
  expect_refused(bytes, list, {"no error"});
  expect_refused(bytes, [](const Group& root) { (void)root.group("a"); }, {"'a' is a soft link (to '/a')"});
}

TEST(Hdf5Attacks, VirtualDataSetsAreRefusedByName) {
  Hdf5Parts parts;
  const Encoder layout = message(MessageType::layout, numbers({{4, 1}, {3, 1}, {96, 8}, {1, 4}}));
  expect_refused(file_with_dataset(parts, space({3}) + layout), read_numbers("w", 3), {"'/w'", "virtual data set"});
}

// ---- bombs

TEST(Hdf5Attacks, AShapeFarBeyondTheFileTakesNoMemory) {
  constexpr std::uint64_t kMany = std::uint64_t{1} << 40;
  for (const std::uint64_t stored : {std::uint64_t{12}, 4 * kMany}) {
    Hdf5Parts parts;
    const auto bytes = file_with_dataset(parts, space({kMany}) + contiguous(96, stored));
    expect_refused(bytes, read_numbers("w", 3), {"(1099511627776,)", "where 3 are expected"});
  }
}

TEST(Hdf5Attacks, AShapeThatCannotBeCountedIsAnError) {
  constexpr std::uint64_t kMany = std::uint64_t{1} << 62;
  Hdf5Parts parts;
  const auto bytes = file_with_dataset(parts, space({kMany, 4, 4}) + contiguous(96, 12));
  expect_refused(bytes, read_numbers("w", 0), {"more elements than can be counted"});
  Hdf5Parts other;
  expect_refused(file_with_dataset(other, space({UINT64_MAX - 1}) + contiguous(96, 12)), read_numbers("w", 3),
                 {"18446744073709551614 elements"});
}

TEST(Hdf5Attacks, NumbersThatAreNotThereAreAnError) {
  Hdf5Parts parts;
  const auto beyond = file_with_dataset(parts, space({1000}) + contiguous(96, 4000));
  expect_refused(beyond, read_numbers("w", 1000), {"its numbers", "byte 96", "cut off, or is damaged"});
  Hdf5Parts other;
  const auto less = file_with_dataset(other, space({10}) + contiguous(96, 4));
  expect_refused(less, read_numbers("w", 10), {"take 40 bytes, but there are 4"});
  Hdf5Parts wrapping;
  const auto around = file_with_dataset(wrapping, space({10}) + contiguous(UINT64_MAX - 7, 40));
  expect_refused(around, read_numbers("w", 10), {"the file ends"});
}

std::string deflated(const std::string& text) {
  uLongf size = compressBound(text.size());
  std::string result(size, '\0');
  compress2(reinterpret_cast<Bytef*>(result.data()), &size, reinterpret_cast<const Bytef*>(text.data()), text.size(),
            9);
  result.resize(size);
  return result;
}

TEST(Hdf5Attacks, AChunkThatGzipCannotFillTakesNoMemory) {
  Hdf5Parts parts;
  const std::string stored = deflated(std::string(4000, '\0'));
  const std::uint64_t data = parts.add(text(stored));
  const std::uint64_t tree = parts.add(chunk_leaf({{0, stored.size(), data}}));
  const auto bytes = file_with_dataset(parts, space({1000}) + chunked(tree, {4000000}) + filter(1));
  expect_refused(bytes, read_numbers("w", 1000), {"more than gzip can"});
  Hdf5Parts huge;
  const std::uint64_t leaf = huge.add(chunk_leaf({{0, stored.size(), 96}}));
  expect_refused(file_with_dataset(huge, space({1000}) + chunked(leaf, {UINT32_MAX}) + filter(1)),
                 read_numbers("w", 1000), {"more than the data set has"});
}

TEST(Hdf5Attacks, AChunkThatBecomesMoreOrLessIsAnError) {
  for (const std::size_t bytes_inside : {std::size_t{4001}, std::size_t{3999}, std::size_t{1} << 24}) {
    Hdf5Parts parts;
    const std::string stored = deflated(std::string(bytes_inside, '\0'));
    const std::uint64_t data = parts.add(text(stored));
    const std::uint64_t tree = parts.add(chunk_leaf({{0, stored.size(), data}}));
    const auto bytes = file_with_dataset(parts, space({1000}) + chunked(tree, {1000}) + filter(1));
    expect_refused(bytes, read_numbers("w", 1000), {"does not become its 4000 bytes"});
  }
}

TEST(Hdf5Attacks, ManyChunksOnTheSameBytesAreAnError) {
  Hdf5Parts parts;
  const std::string stored = deflated(std::string(400000, '\0'));
  const std::uint64_t data = parts.add(text(stored + std::string(4000, '\0')));
  std::vector<StoredChunk> chunks;
  for (std::uint64_t i = 0; i < 1000; ++i) chunks.push_back({100000 * i, stored.size() + 4000, data});
  const std::uint64_t tree = parts.add(chunk_leaf(chunks));
  const auto bytes = file_with_dataset(parts, space({1000000}) + chunked(tree, {100000}) + filter(1));
  expect_refused(bytes, read_numbers("w", 1000000), {"chunks lie on top of each other"});
}

TEST(Hdf5Attacks, ChunksThatAreMissingOrThereTwiceAreErrors) {
  Hdf5Parts parts;
  const std::uint64_t twice = parts.add(chunk_leaf({{0, 40, 96}, {0, 40, 96}}));
  expect_refused(file_with_dataset(parts, space({20}) + chunked(twice, {10})), read_numbers("w", 20),
                 {"a chunk twice"});
  Hdf5Parts other;
  const std::uint64_t one = other.add(chunk_leaf({{0, 40, 96}}));
  expect_refused(file_with_dataset(other, space({20}) + chunked(one, {10})), read_numbers("w", 20),
                 {"not all of its numbers were written"});
}

TEST(Hdf5Attacks, ChunksOfAnotherKindThanTheDataSetAreErrors) {
  const auto refused = [](const Encoder& shape, const std::vector<std::uint64_t>& chunk, std::uint64_t first) {
    Hdf5Parts parts;
    const std::uint64_t tree = parts.add(chunk_leaf({{first, 40, 96}}));
    return refusal(file_with_dataset(parts, shape + chunked(tree, chunk)), read_numbers("w", 10));
  };
  EXPECT_NE(refused(space({10}), {5, 2}, 0).find("other axes"), std::string::npos);
  EXPECT_NE(refused(space({10}), {0}, 0).find("no elements"), std::string::npos);
  EXPECT_NE(refused(space({10}), {10}, 3).find("begin at element 3"), std::string::npos);
  EXPECT_NE(refused(space({10}), {}, 0).find("0 axes"), std::string::npos);
  EXPECT_NE(refused(space({10}), {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0).find("9 axes"), std::string::npos);
}

TEST(Hdf5Attacks, ManyTextsOnTheSameBytesAreAnError) {
  Hdf5Parts parts;
  const std::string piece(1 << 20, 'x');
  const std::uint64_t heap = parts.add(global_heap(32 + piece.size(), piece.size(), piece));
  Encoder elements;
  for (int i = 0; i < 4000; ++i) elements.append(numbers({{piece.size(), 4}, {heap, 8}, {1, 4}}).bytes());
  const auto bytes = parts.file(parts.add(header(link("w", 0) + variable_texts("a", 4000, elements))));
  expect_refused(bytes, read_texts("a"), {"attribute 'a'", "the same text again and again"});
}

// ---- circles

TEST(Hdf5Attacks, AContinuationThatPointsToItselfIsAnError) {
  Hdf5Parts parts;
  const std::uint64_t root = parts.here();
  parts.add(header(continuation(root + 16, 24)));
  expect_refused(parts.file(root), list, {"byte 112", "circle"});
}

TEST(Hdf5Attacks, ContinuationsThatPointToEachOtherAreAnError) {
  Hdf5Parts parts;
  const std::uint64_t root = parts.here(), first = root + 48, second = first + 24;
  parts.add(header(continuation(first, 24) + Encoder()));
  while (parts.here() < first) parts.add(numbers({{0, 8}}));
  parts.add(continuation(second, 24));
  parts.add(continuation(first, 24));
  expect_refused(parts.file(root), list, {"circle"});
}

TEST(Hdf5Attacks, ANewContinuationThatPointsToItselfIsAnError) {
  Hdf5Parts parts;
  const std::uint64_t root = parts.here(), block = root + 32;
  Encoder start = text("OHDR") + numbers({{2, 1}, {0, 1}, {20, 1}, {0x10, 1}, {16, 2}, {0, 1}, {block, 8}, {28, 8}});
  start.u32(checksum(start.bytes()));
  parts.add(start);
  while (parts.here() < block) parts.add(numbers({{0, 8}}));
  Encoder again = text("OCHK") + numbers({{0x10, 1}, {16, 2}, {0, 1}, {block, 8}, {28, 8}});
  again.u32(checksum(again.bytes()));
  parts.add(again);
  expect_refused(parts.file(root), list, {"byte 128", "circle"});
}

// A root whose B-tree has these nodes, the first of which is at address `tree`.
std::vector<std::byte> file_with_tree(const std::function<void(Hdf5Parts&, std::uint64_t tree)>& add_nodes) {
  Hdf5Parts parts;
  const std::uint64_t heap = parts.add(local_heap(parts.here(), std::string("\0a\0b\0", 5)));
  const std::uint64_t root = parts.here(), tree = root + 40;
  parts.add(header(symbol_table(tree, heap)));
  add_nodes(parts, tree);
  return parts.file(root);
}

TEST(Hdf5Attacks, ATreeThatPointsToItselfIsAnError) {
  expect_refused(file_with_tree([](Hdf5Parts& parts, std::uint64_t tree) {
                   parts.add(tree_node(0, 1, {tree, tree}));
                 }),
                 list, {"a B-tree's node", "level 1"});
}

TEST(Hdf5Attacks, ATreeWhoseNodesAreThereAgainAndAgainIsAnError) {
  // Ten levels of nodes whose hundred children are the same: 10^20 paths.
  const auto bytes = file_with_tree([](Hdf5Parts& parts, std::uint64_t) {
    for (int level = 10; level >= 0; --level) {
      const std::uint64_t size = tree_node(0, 0, std::vector<std::uint64_t>(100)).size();
      parts.add(tree_node(0, level, std::vector<std::uint64_t>(100, parts.here() + size + to_eight(size))));
    }
    parts.add(names({{1, 96}}));
  });
  expect_refused(bytes, list, {"circle, or lies on top of others"});
}

TEST(Hdf5Attacks, AListOfNamesThatIsThereAgainAndAgainIsAnError) {
  const auto bytes = file_with_tree([](Hdf5Parts& parts, std::uint64_t tree) {
    const std::vector<std::uint64_t> children(60000, tree + to_eight(24 + 16 * 60000 + 8) + 24 + 16 * 60000 + 8);
    parts.add(tree_node(0, 0, children));
    std::vector<std::pair<std::uint64_t, std::uint64_t>> entries(60000, {1, 96});
    parts.add(names(entries));
  });
  expect_refused(bytes, list, {"circle, or lies on top of others"});
}

TEST(Hdf5Attacks, TreesThatAreTooDeepOrOfAnotherKindAreErrors) {
  const auto refused = [](const Encoder& node) {
    return refusal(file_with_tree([&](Hdf5Parts& parts, std::uint64_t) { parts.add(node); }), list);
  };
  EXPECT_NE(refused(tree_node(0, 255, {96})).find("level 255"), std::string::npos);
  EXPECT_NE(refused(tree_node(1, 0, {96})).find("another kind"), std::string::npos);
  EXPECT_NE(refused(text("TREE") + numbers({{0, 2}, {0xffff, 2}})).find("the file ends"), std::string::npos);
  EXPECT_NE(refused(tree_node(0, 0, {96})).find("should begin here with 'SNOD'"), std::string::npos);
}

TEST(Hdf5Attacks, AGroupThatContainsItselfIsOnlyAsDeepAsOneGoes) {
  Hdf5Parts parts;
  const std::uint64_t root = parts.here();
  parts.add(header(link("a", root) + link("b", root)));
  const auto bytes = parts.file(root);
  expect_refused(bytes, [](const Group& group) { EXPECT_EQ(group.group("a/b/a").path(), "/a/b/a"); }, {"no error"});
  std::string path = "a";
  for (int i = 0; i < 1000; ++i) path += "/a";
  expect_refused(bytes, [&](const Group& group) { (void)group.group(path); }, {"more than 64 groups"});
}

TEST(Hdf5Attacks, AnOldGroupThatContainsItselfIsOnlyAsDeepAsOneGoes) {
  Hdf5Parts parts;
  const std::uint64_t heap = parts.add(local_heap(parts.here(), std::string("\0a\0b\0", 5)));
  const std::uint64_t root = parts.here(), tree = root + 40, leaf = tree + 48;
  parts.add(header(symbol_table(tree, heap)));
  parts.add(tree_node(0, 0, {leaf}));
  parts.add(names({{1, root}, {3, root}}));
  expect_refused(parts.file(root), [](const Group& group) { EXPECT_EQ(group.group("a/b").names().size(), 2U); },
                 {"no error"});
}

// ---- heaps

TEST(Hdf5Attacks, LocalHeapsThatLieAreErrors) {
  const auto refused = [](const std::function<Encoder(std::uint64_t here)>& heap, std::uint64_t offset) {
    Hdf5Parts parts;
    const std::uint64_t at = parts.add(heap(parts.here()));
    const std::uint64_t leaf = parts.add(names({{offset, 96}}));
    const std::uint64_t tree = parts.add(tree_node(0, 0, {leaf}));
    return refusal(parts.file(parts.add(header(symbol_table(tree, at)))), list);
  };
  const auto good = [](std::uint64_t here) { return local_heap(here, "abcdefgh"); };
  EXPECT_NE(refused(good, 8).find("byte 8 of a local heap of 8"), std::string::npos);
  EXPECT_NE(refused(good, UINT64_MAX).find("local heap of 8"), std::string::npos);
  EXPECT_NE(refused(good, 1).find("does not end"), std::string::npos);
  const auto huge = [](std::uint64_t here) {
    return text("HEAP") + numbers({{0, 4}, {UINT64_MAX - 8, 8}, {1, 8}, {here, 8}});
  };
  EXPECT_NE(refused(huge, 1).find("the file ends"), std::string::npos);
  const auto elsewhere = [](std::uint64_t) { return text("HEAP") + numbers({{0, 4}, {8, 8}, {1, 8}, {kNowhere, 8}}); };
  EXPECT_NE(refused(elsewhere, 1).find("nowhere"), std::string::npos);
}

TEST(Hdf5Attacks, ManyLongNamesInALocalHeapTakeNoTime) {
  Hdf5Parts parts;
  const std::uint64_t heap = parts.add(local_heap(parts.here(), std::string(1 << 20, 'x') + '\0'));
  std::vector<std::pair<std::uint64_t, std::uint64_t>> entries;
  for (std::uint64_t i = 0; i < 20000; ++i) entries.emplace_back(i, 96);
  const std::uint64_t leaf = parts.add(names(entries));
  const std::uint64_t tree = parts.add(tree_node(0, 0, {leaf}));
  expect_refused(parts.file(parts.add(header(symbol_table(tree, heap)))), list,
                 {"a name begins here and does not end"});
}

TEST(Hdf5Attacks, GlobalHeapsThatLieAreErrors) {
  const auto refused = [](const Encoder& heap, std::uint64_t length, std::uint64_t number) {
    Hdf5Parts parts;
    const std::uint64_t at = parts.add(heap);
    const Encoder element = numbers({{length, 4}, {at, 8}, {number, 4}});
    return refusal(parts.file(parts.add(header(link("w", 0) + variable_texts("a", 1, element)))), read_texts("a"));
  };
  const Encoder good = global_heap(40, 8, "abcdefgh");
  EXPECT_EQ(refused(good, 8, 1), "no error");
  EXPECT_NE(refused(good, 9, 1).find("9 bytes is said to stand in 8"), std::string::npos);
  EXPECT_NE(refused(good, UINT32_MAX, 1).find("4294967295 bytes is said"), std::string::npos);
  EXPECT_NE(refused(good, 8, 2).find("no piece 2"), std::string::npos);
  EXPECT_NE(refused(global_heap(40, 9, "abcdefgh"), 8, 1).find("9 bytes should follow"), std::string::npos);
  EXPECT_NE(refused(global_heap(40, UINT64_MAX, "abcdefgh"), 8, 1).find("should follow"), std::string::npos);
  EXPECT_NE(refused(global_heap(8, 8, "abcdefgh"), 8, 1).find("is said to have 8 bytes"), std::string::npos);
  EXPECT_NE(refused(global_heap(UINT64_MAX, 8, "abcdefgh"), 8, 1).find("the file ends"), std::string::npos);
  EXPECT_NE(refused(text("HEAP"), 8, 1).find("should begin here with 'GCOL'"), std::string::npos);
}

TEST(Hdf5Attacks, AGlobalHeapWithPiecesInsideAnotherIsAnError) {
  Hdf5Parts parts;
  const std::uint64_t heap = parts.here();
  // The piece of the first collection is a collection whose own range goes on beyond it.
  parts.add(global_heap(4096, 64, "GCOL") + numbers({{1, 4}, {4000, 8}, {1, 2}, {0, 2}, {0, 4}, {8, 8}, {0, 8}}));
  while (parts.here() < heap + 4096) parts.add(numbers({{0, 8}}));
  const Encoder elements = numbers({{8, 4}, {heap, 8}, {1, 4}}) + numbers({{8, 4}, {heap + 32, 8}, {1, 4}});
  expect_refused(parts.file(parts.add(header(link("w", 0) + variable_texts("a", 2, elements)))), read_texts("a"),
                 {"lies on top of others"});
}

// ---- dense groups: a file of h5py's, changed

// The group with nine links that stand in a heap, after the leaf of its tree has been changed.
std::string dense_refusal(const std::function<void(std::byte* record)>& change) {
  std::vector<std::byte> bytes = bytes_of_file(std::string(RONDO_GOLDEN_DIR) + "/hdf5/dense_latest.h5");
  const std::string leaf("BTLF\0\5", 6);
  const auto start = std::as_bytes(std::span(leaf));
  const auto found = std::search(bytes.begin(), bytes.end(), start.begin(), start.end());
  change(&*found + leaf.size());
  try {
    const File file(bytes, "bad.h5", {.verify_checksums = false});
    (void)file.root().group("few").names();
    (void)file.root().group("many").names();
  } catch (const FileError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Hdf5Attacks, DenseGroupsThatLieAreErrors) {
  constexpr int kHash = 4, kRecord = 11;  // an identifier is its kind, four bytes of place, two of length
  EXPECT_EQ(dense_refusal([](std::byte*) {}), "no error");
  EXPECT_NE(dense_refusal([](std::byte* record) { std::copy_n(record, kRecord, record + kRecord); }).find("is twice"),
            std::string::npos);
  EXPECT_NE(dense_refusal([](std::byte* record) {
              std::fill_n(record + kHash + 1, 4, std::byte{255});
            }).find("is said to stand at byte 4294967295 of a block"),
            std::string::npos);
  EXPECT_NE(dense_refusal([](std::byte* record) {
              std::fill_n(record + kHash + 5, 2, std::byte{255});
            }).find("65535 bytes is said to stand"),
            std::string::npos);
  EXPECT_NE(dense_refusal([](std::byte* record) { record[kHash] = std::byte{0x20}; }).find("tiny object"),
            std::string::npos);
  EXPECT_NE(dense_refusal([](std::byte* record) { record[kHash] = std::byte{0x10}; }).find("nowhere"),
            std::string::npos);
}

TEST(Hdf5Attacks, ChunksThatBeginBehindTheFileAreAnError) {
  Hdf5Parts parts;
  const Encoder growing =
      message(MessageType::dataspace, numbers({{2, 1}, {1, 1}, {1, 1}, {1, 1}, {10, 8}, {1ULL << 60, 8}}));
  const Encoder implicit = message(
      MessageType::layout, numbers({{4, 1}, {2, 1}, {0, 1}, {2, 1}, {1, 1}, {1, 1}, {4, 1}, {2, 1}, {1ULL << 62, 8}}));
  expect_refused(file_with_dataset(parts, growing + implicit), read_numbers("w", 10), {"the chunks", "the file ends"});
}

// ---- headers and messages

TEST(Hdf5Attacks, HeadersThatLieAboutTheirLengthAreErrors) {
  const auto refused = [](const Encoder& root) {
    Hdf5Parts parts;
    return refusal(parts.file(parts.add(root)), list);
  };
  EXPECT_NE(refused(header(link("a", 96), UINT32_MAX)).find("4294967295 bytes"), std::string::npos);
  EXPECT_NE(refused(header(numbers({{6, 2}, {0xffff, 2}, {0, 4}}))).find("65535 bytes should follow"),
            std::string::npos);
  EXPECT_NE(refused(header(continuation(UINT64_MAX - 1, 24))).find("the file ends"), std::string::npos);
  EXPECT_NE(refused(header(continuation(104, UINT64_MAX))).find("the file ends"), std::string::npos);
  EXPECT_NE(refused(header(continuation(kNowhere, 8))).find("nowhere"), std::string::npos);
  EXPECT_NE(refused(numbers({{3, 1}, {0, 8}, {0, 8}})).find("version 3"), std::string::npos);
  EXPECT_NE(refused(text("OHDR") + numbers({{2, 1}, {3, 1}, {UINT64_MAX, 8}})).find("the file ends"),
            std::string::npos);
  EXPECT_NE(refused(header(Encoder())).find("it is no group"), std::string::npos);
  EXPECT_NE(refused(header(numbers({{0xff, 2}, {0, 2}, {0x80, 4}}))).find("type 255"), std::string::npos);
}

TEST(Hdf5Attacks, LinksThatLieAreErrors) {
  const auto refused = [](const Encoder& messages) {
    Hdf5Parts parts;
    return refusal(parts.file(parts.add(header(messages))), list);
  };
  const auto with_length = [](std::uint64_t length, int bytes, std::uint64_t flags) {
    return message(MessageType::link, numbers({{1, 1}, {flags, 1}, {length, bytes}}) + text("abc"));
  };
  EXPECT_NE(refused(with_length(200, 1, 0)).find("200 bytes should follow"), std::string::npos);
  EXPECT_NE(refused(with_length(UINT64_MAX, 8, 3)).find("bytes should follow"), std::string::npos);
  EXPECT_NE(refused(link("", 96)).find("a name of 0 bytes"), std::string::npos);
  EXPECT_NE(refused(link(std::string(5000, 'x'), 96)).find("a name of 5000 bytes"), std::string::npos);
  EXPECT_NE(refused(link("a", 96) + link("b", 96) + link("a", 96)).find("'a' is twice"), std::string::npos);
}

TEST(Hdf5Attacks, ObjectsThatAreNoneAreErrors) {
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{97}, std::uint64_t{100000}, UINT64_MAX - 3}) {
    Hdf5Parts parts;
    const auto bytes = parts.file(parts.add(header(link("w", address))));
    EXPECT_NE(refusal(bytes, read_numbers("w", 3)), "no error") << address;
  }
}

TEST(Hdf5Attacks, AttributesThatLieAreErrors) {
  const auto refused = [](const Encoder& attribute) {
    Hdf5Parts parts;
    return refusal(parts.file(parts.add(header(link("w", 0) + message(MessageType::attribute, attribute)))),
                   [](const Group& root) {
                     for (const std::string& name : root.attribute_names()) {
                       const Attribute found = root.attribute(name);
                       found.is_text() ? (void)found.texts() : (void)found.numbers();
                     }
                   });
  };
  const Encoder type = numbers({{0x13, 1}, {0, 3}, {8, 4}});
  const auto with = [&](std::uint64_t name, std::uint64_t type_bytes, std::uint64_t space_bytes, const Encoder& shape) {
    return numbers({{2, 1}, {0, 1}, {name, 2}, {type_bytes, 2}, {space_bytes, 2}}) + text("a") + type + shape;
  };
  const Encoder scalar = numbers({{2, 1}, {0, 1}, {0, 1}, {0, 1}});
  const auto array = [](std::uint64_t count) { return numbers({{2, 1}, {1, 1}, {0, 1}, {1, 1}, {count, 8}}); };
  EXPECT_EQ(refused(with(1, 8, 4, scalar) + text("12345678")), "no error");
  EXPECT_NE(refused(with(1, 8, 4, scalar)).find("should have 8 bytes"), std::string::npos);
  EXPECT_NE(refused(with(0xffff, 8, 4, scalar)).find("65535 bytes should follow"), std::string::npos);
  EXPECT_NE(refused(with(1, 0xffff, 4, scalar)).find("the file ends"), std::string::npos);
  EXPECT_NE(refused(with(1, 8, 2, scalar)).find("bytes should follow"), std::string::npos);
  EXPECT_NE(refused(with(1, 8, 12, array(1000)) + text("12345678")).find("(1000,) should have 8000"),
            std::string::npos);
  EXPECT_NE(refused(with(1, 8, 12, array(INT64_MAX))).find("bytes"), std::string::npos);
}

TEST(Hdf5Attacks, TypesAndShapesThatLieAreErrors) {
  const auto refused = [](const Encoder& type, const Encoder& shape) {
    Hdf5Parts parts;
    const std::uint64_t dataset = parts.add(
        header(message(MessageType::datatype, type) + message(MessageType::dataspace, shape) + contiguous(96, 64)));
    return refusal(parts.file(parts.add(header(link("w", dataset)))), read_numbers("w", 4));
  };
  const Encoder four = numbers({{2, 1}, {1, 1}, {0, 1}, {1, 1}, {4, 8}});
  const auto integers = [](std::uint64_t bytes, std::uint64_t offset, std::uint64_t precision) {
    return numbers({{0x10, 1}, {8, 3}, {bytes, 4}, {offset, 2}, {precision, 2}});
  };
  EXPECT_EQ(refused(integers(4, 0, 32), four), "no error");
  EXPECT_NE(refused(integers(0, 0, 32), four).find("no bytes"), std::string::npos);
  EXPECT_NE(refused(integers(3, 0, 24), four).find("int24"), std::string::npos);
  EXPECT_NE(refused(integers(4, 4, 12), four).find("integers of 12 bits"), std::string::npos);
  EXPECT_NE(refused(integers(UINT32_MAX, 0, 32), four).find("integers of 32 bits"), std::string::npos);
  EXPECT_NE(refused(numbers({{0x1f, 1}, {0, 3}, {4, 4}}), four).find("no class 15"), std::string::npos);
  EXPECT_NE(
      refused(numbers({{0x11, 1}, {0x0f20, 3}, {2, 4}, {0, 2}, {16, 2}, {10, 1}, {5, 1}, {0, 1}, {10, 1}, {15, 4}}),
              four)
          .find("float16"),
      std::string::npos);
  Encoder nested;
  for (int i = 0; i < 100; ++i) nested = nested + numbers({{0x18, 1}, {0, 3}, {4, 4}});
  EXPECT_NE(refused(nested, four).find("consist of enumerations"), std::string::npos);
  EXPECT_NE(refused(integers(4, 0, 32), numbers({{2, 1}, {9, 1}, {0, 1}, {1, 1}})).find("9 axes"), std::string::npos);
  EXPECT_NE(refused(integers(4, 0, 32), numbers({{2, 1}, {255, 1}, {0, 1}, {1, 1}})).find("255 axes"),
            std::string::npos);
  EXPECT_NE(refused(integers(4, 0, 32), numbers({{9, 1}, {1, 1}, {0, 6}})).find("version 9"), std::string::npos);
}

TEST(Hdf5Attacks, FiltersThatLieAreErrors) {
  const auto refused = [](const Encoder& filters) {
    Hdf5Parts parts;
    const std::uint64_t tree = parts.add(chunk_leaf({{0, 40, 96}}));
    const auto bytes =
        file_with_dataset(parts, space({10}) + chunked(tree, {10}) + message(MessageType::filters, filters));
    return refusal(bytes, read_numbers("w", 10));
  };
  EXPECT_NE(refused(numbers({{2, 1}, {255, 1}, {2, 2}})).find("should follow"), std::string::npos);
  EXPECT_NE(refused(numbers({{2, 1}, {1, 1}, {1, 2}, {0, 2}, {0xffff, 2}})).find("should follow"), std::string::npos);
  EXPECT_NE(refused(numbers({{2, 1}, {1, 1}, {4, 2}, {0, 2}, {0, 2}})).find("szip"), std::string::npos);
  EXPECT_NE(refused(numbers({{2, 1}, {1, 1}, {32000, 2}, {0, 2}, {0, 2}, {0, 2}})).find("lzf"), std::string::npos);
  EXPECT_NE(refused(numbers({{2, 1}, {1, 1}, {1, 2}, {0, 2}, {0, 2}})).find("does not become"), std::string::npos);
}

TEST(Hdf5Attacks, SuperblocksThatLieAreErrors) {
  const auto refused = [](std::size_t at, const Numbers& change) {
    Hdf5Parts parts;
    std::vector<std::byte> bytes = parts.file(parts.add(header(link("a", 96))));
    const Encoder encoded = numbers(change);
    std::ranges::copy(encoded.bytes(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
    return refusal(bytes, list);
  };
  EXPECT_NE(refused(8, {{7, 1}}).find("version 7"), std::string::npos);
  EXPECT_NE(refused(13, {{3, 1}}).find("addresses are said to have 3 bytes"), std::string::npos);
  EXPECT_NE(refused(14, {{16, 1}}).find("lengths are said to have 16 bytes"), std::string::npos);
  EXPECT_NE(refused(24, {{UINT64_MAX, 8}}).find("behind the end"), std::string::npos);
  EXPECT_NE(refused(24, {{100000, 8}}).find("behind the end"), std::string::npos);
  EXPECT_NE(refused(40, {{100000, 8}}).find("it was cut off"), std::string::npos);
  EXPECT_NE(refused(64, {{UINT64_MAX, 8}}).find("nowhere"), std::string::npos);
  EXPECT_NE(refused(64, {{100000, 8}}).find("the file ends"), std::string::npos);
  EXPECT_NE(refused(0, {{0, 8}}).find("it is no HDF5 file"), std::string::npos);
}

// ---- every damage of one byte

constexpr const char* kSeeds[] = {"/models/seed_k2_0_weights.h5", "/hdf5/user_block.h5", "/hdf5/user_block_latest.h5"};

std::vector<std::byte> seed(const char* name) { return bytes_of_file(std::string(RONDO_GOLDEN_DIR) + name); }

// Whether all of it can be read. That nothing is read outside of the bytes is the sanitizer's to see.
bool reads(std::span<const std::byte> bytes, const ReadOptions& options = {}) {
  try {
    return hdf5_listing(File(bytes, "cut.h5", options)).find(" refused") == std::string::npos;
  } catch (const FileError&) {
    return false;
  }
}

TEST(Hdf5Attacks, AFileCutOffAnywhereIsAnError) {
  for (const char* name : kSeeds) {
    const std::vector<std::byte> whole = seed(name);
    ASSERT_TRUE(reads(whole));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_FALSE(reads(cut)) << name << " of " << size << " bytes";
    }
  }
}

// As above, but the superblock says that the file ends there.
TEST(Hdf5Attacks, AFileCutOffAnywhereThatSaysSoIsAnErrorOrReads) {
  const std::vector<std::byte> whole = seed(kSeeds[0]);
  constexpr std::size_t kEnd = 40;
  int errors = 0;
  for (std::size_t size = kEnd + 8; size < whole.size(); size += all_or_some(1U, 7U)) {
    std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    Encoder end;
    end.u64(size);
    std::ranges::copy(end.bytes(), cut.begin() + kEnd);
    errors += reads(cut) ? 0 : 1;
  }
  EXPECT_GT(errors, 50);
}

TEST(Hdf5Attacks, AFileWithAnyByteChangedIsAnErrorOrReads) {
  for (const char* name : kSeeds) {
    const std::vector<std::byte> whole = seed(name);
    int errors = 0;
    const bool is_small = whole.size() < 4000;
    for (std::size_t i = 0; i < whole.size(); i += is_small ? 1 : all_or_some(3U, 13U)) {
      const auto next = static_cast<std::byte>(std::to_integer<int>(whole[i]) + 1);
      for (const std::byte changed : {std::byte{0}, std::byte{255}, next}) {
        std::vector<std::byte> bytes = whole;
        bytes[i] = changed;
        errors += reads(bytes, {.verify_checksums = false}) ? 0 : 1;
      }
    }
    EXPECT_GT(errors, 20) << name;
  }
}

TEST(Hdf5Attacks, AWrongChecksumIsAnError) {
  std::vector<std::byte> bytes = seed("/hdf5/user_block_latest.h5");
  bytes[1024 + 44] ^= std::byte{1};
  EXPECT_FALSE(reads(bytes));
  EXPECT_TRUE(reads(bytes, {.verify_checksums = false}));
}

}  // namespace
}  // namespace rondo::hdf5
