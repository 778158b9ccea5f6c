#include "formats/zip/zip.hpp"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

#include <rondo/error.hpp>

#include "formats/zip/records.hpp"
#include "support/expect_error.hpp"
#include "support/zip_parts.hpp"

namespace rondo {
namespace {

using test::expect_error;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string path_of(const std::string& name) {
  return (std::filesystem::path(testing::TempDir()) / ("rondo_zip_" + std::to_string(getpid()) + name)).string();
}

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What a writer makes of entries.
std::string archive(const std::vector<std::pair<std::string, std::string>>& entries) {
  zip::Writer writer;
  for (const auto& [name, content] : entries) writer.add(name, bytes_of(content));
  const std::string path = path_of(".zip");
  writer.write(path);
  const std::string content = content_of(path);
  std::filesystem::remove(path);
  return content;
}

std::string read(const std::string& archive, const std::string& name, std::size_t at_most = 1000) {
  const zip::Reader reader(bytes_of(archive), "file.zip");
  std::vector<std::byte> memory;
  return zip::text(reader.read(name, at_most, memory));
}

// A number of an archive's changed: `at` bytes behind the first (or last) place where a text stands.
std::string with(std::string archive, const std::string& text, std::size_t at, char value, bool last = false) {
  const std::size_t place = last ? archive.rfind(text) : archive.find(text);
  archive.at(place + at) = value;
  return archive;
}

// An archive of one entry that is deflated.
std::string deflated(const std::string& content) {
  return test::zip_of({{.name = "a", .content = content, .deflated = true}});
}

// Bit by bit, from the definition.
std::uint32_t plain_crc(core::Bytes bytes) {
  std::uint32_t sum = 0xFFFF'FFFF;
  for (const std::byte byte : bytes) {
    sum ^= static_cast<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0xEDB8'8320 : 0);
  }
  return ~sum;
}

TEST(Zip, CheckSumsAreThoseOfTheDefinition) {
  std::vector<std::byte> bytes(700);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * i % 251);
  const core::Bytes all(bytes);
  for (std::size_t size = 0; size < 400; ++size) {
    const std::uint32_t first = zip::check_sum(0, all.first(size / 3));
    EXPECT_EQ(zip::check_sum(first, all.subspan(size / 3, size - size / 3)), plain_crc(all.first(size))) << size;
    const core::Bytes odd = all.subspan(size % 17, size);
    EXPECT_EQ(zip::check_sum(0, odd), plain_crc(odd)) << size;
  }
}

TEST(Zip, HoldsWhatWasWritten) {
  const std::string made = archive({{"metadata.json", "{}"}, {"empty", ""}, {"folder/data", std::string(1000, 'x')}});
  EXPECT_EQ(zip::Reader(bytes_of(made), "file").names(),
            (std::vector<std::string>{"metadata.json", "empty", "folder/data"}));
  EXPECT_EQ(read(made, "metadata.json"), "{}");
  EXPECT_EQ(read(made, "empty"), "");
  EXPECT_EQ(read(made, "folder/data"), std::string(1000, 'x'));
}

TEST(Zip, OfEqualContentsIsTheSameFile) {
  EXPECT_EQ(archive({{"a", "1"}, {"b", "2"}}), archive({{"a", "1"}, {"b", "2"}}));
}

TEST(Zip, JoinsPieces) {
  const std::string a = "one", b = "two";
  zip::Writer writer;
  writer.add("both", {bytes_of(a), bytes_of(b)});
  writer.write(path_of("pieces"));
  EXPECT_EQ(read(content_of(path_of("pieces")), "both"), "onetwo");
  std::filesystem::remove(path_of("pieces"));
}

TEST(Zip, JoinsPiecesOfNothingThatStandNowhere) {
  const std::string a = "one";
  zip::Writer writer;
  writer.add("both", {bytes_of(a), std::span<const std::byte>()});
  writer.write(path_of("nowhere"));
  EXPECT_EQ(read(content_of(path_of("nowhere")), "both"), "one");
  std::filesystem::remove(path_of("nowhere"));
}

TEST(Zip, ReadsDeflatedEntries) {
  const std::string content(900, 'y');
  EXPECT_EQ(read(deflated(content), "a"), content);
  EXPECT_EQ(read(deflated(""), "a"), "");
}

TEST(Zip, NamesTheEntryThatIsNotThereOrTooLarge) {
  const std::string made = archive({{"a", "12345"}});
  expect_error<FileError>([&] { read(made, "b"); }, {"file.zip", "no entry 'b'"});
  expect_error<FileError>([&] { read(made, "a", 4); }, {"file.zip", "'a'", "5 bytes", "at most 4"});
  expect_error<FileError>([&] { read(deflated(std::string(900, 'y')), "a", 899); }, {"900 bytes"});
}

TEST(Zip, FindsDamagedContents) {
  const std::string made = archive({{"a", "12345"}});
  expect_error<FileError>([&] { read(with(made, "12345", 2, 'X'), "a"); }, {"'a'", "check sum"});
  std::string packed = deflated(std::string(900, 'y'));
  packed[32] = static_cast<char>(packed[32] ^ 0x55);
  expect_error<FileError>([&] { read(packed, "a"); }, {"'a'", "damaged"});
}

TEST(Zip, RefusesWhatIsNoArchive) {
  expect_error<FileError>([] { read("", "a"); }, {"no zip archive", "0 bytes"});
  expect_error<FileError>([] { read(std::string(5000, 'x'), "a"); }, {"no zip archive", "cut off"});
  const std::string made = archive({{"a", "12345"}, {"b", "6"}});
  for (std::size_t size = 0; size < made.size(); ++size) EXPECT_THROW(read(made.substr(0, size), "a"), FileError);
}

// Each field of the records, with the offset of PKWARE's description.
TEST(Zip, RefusesWhatItDoesNotSupportByName) {
  const std::string made = archive({{"a", "12345"}, {"b", "6"}});
  const std::string list = "PK\1\2", end = "PK\5\6";
  expect_error<FileError>([&] { read(with(made, list, 8, 1), "a"); }, {"'a'", "encrypted"});
  expect_error<FileError>([&] { read(with(made, list, 10, 12), "a"); }, {"'a'", "method 12"});
  expect_error<FileError>([&] { read(with(made, end, 4, 1), "a"); }, {"several parts"});
  std::string zip64 = with(made, end, 10, '\xFF');
  zip64 = with(zip64, end, 11, '\xFF');
  expect_error<FileError>([&] { read(zip64, "a"); }, {"zip64"});
}

TEST(Zip, RefusesSizesThatCannotBe) {
  const std::string made = archive({{"a", "12345"}, {"b", "6"}});
  const std::string list = "PK\1\2", end = "PK\5\6";
  expect_error<FileError>([&] { read(with(made, list, 27, '\x7F'), "a"); }, {"'a'", "cannot hold 2130706437 bytes"});
  std::string both = with(made, list, 23, '\x7F');
  expect_error<FileError>([&] { read(with(both, list, 27, '\x7F'), "a"); }, {"'a'", "longer than the file"});
  // Deflate makes at most about 1,030 bytes of one.
  expect_error<FileError>([&] { read(with(deflated("yyyy"), list, 27, '\x7F'), "a"); }, {"'a'", "cannot hold"});
  expect_error<FileError>([&] { read(with(made, list, 44, 1), "a"); }, {"'a'", "not where"});
  expect_error<FileError>([&] { read(with(made, end, 12, 7), "a"); }, {"not where it says"});
  expect_error<FileError>([&] { read(with(made, end, 10, 1), "a"); }, {"several parts"});
}

TEST(Zip, RefusesEntriesOfTheSameBytesOrName) {
  const std::string made = archive({{"a", "12345"}, {"a", "6"}});
  expect_error<FileError>([&] { read(made, "a"); }, {"'a'", "twice"});
  // The second points to the first, whose header has another name; with that name it shares its bytes.
  std::string shared = with(archive({{"a", "1"}, {"b", "1"}}), "PK\1\2", 42, 0, /*last=*/true);
  expect_error<FileError>([&] { read(shared, "b"); }, {"'b'", "another name"});
}

// What a stream is written as: sizes behind the content, 0 before it.
TEST(Zip, ReadsEntriesWhoseSizesStandBehindThem) {
  const std::string made = test::zip_of({{.name = "a", .content = "12345", .sizes_behind = true},
                                         {.name = "b", .content = "66666", .deflated = true, .sizes_behind = true},
                                         {.name = "c", .content = "7"}});
  EXPECT_EQ(read(made, "a"), "12345");
  EXPECT_EQ(read(made, "b"), "66666");
  EXPECT_EQ(read(made, "c"), "7");
}

TEST(Zip, PassesOverCommentsAndExtraFields) {
  const std::string times = test::zip_number(0x5455, 2) + test::zip_number(5, 2) + std::string(5, '\1');
  const std::string made = test::zip_of({{.name = "a", .content = "12345", .extra = times, .comment = "of an entry"}},
                                        {.comment = "of all"});
  EXPECT_EQ(read(made, "a"), "12345");
  // A comment that looks like the end of an archive.
  const std::string end = test::zip_number(0x06054B50, 4) + std::string(18, '\0');
  EXPECT_EQ(read(test::zip_of({{.name = "a", .content = "1"}}, {.comment = end + "x"}), "a"), "1");
  EXPECT_EQ(read(test::zip_of({{.name = "a", .content = "1"}}, {.comment = std::string(0xFFFF, 'x')}), "a"), "1");
}

TEST(Zip, PassesOverFolders) {
  const std::string made = test::zip_of({{.name = "assets/", .content = "", .attributes = 040755U << 16 | 0x10},
                                         {.name = "assets/a", .content = "1"},
                                         {.name = "b", .content = "2"}});
  EXPECT_EQ(read(made, "assets/a"), "1");
  EXPECT_EQ(read(made, "b"), "2");
}

TEST(Zip, RefusesTheFormOfLargeArchivesByName) {
  const std::string made = test::zip_of({{.name = "a", .content = "1"}}, {.zip64 = true});
  expect_error<FileError>([&] { read(made, "a"); }, {"file.zip", "zip64", "Python's zipfile"});
}

// Archives of other programs (tests/golden/zips): each has these entries, or is refused by what it has.
TEST(Zip, ReadsWhatOtherProgramsWrite) {
  const std::string folder = std::string(RONDO_GOLDEN_DIR) + "/zips/";
  int archives = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".zip") continue;
    SCOPED_TRACE(entry.path().filename().string());
    const std::string made = content_of(entry.path().string());
    ++archives;
    if (entry.path().stem().string().find("zip64") != std::string::npos) {
      expect_error<FileError>([&] { read(made, "config.json"); }, {"zip64"});
      continue;
    }
    EXPECT_EQ(read(made, "config.json"), "{\"a\": 1}\n");
    EXPECT_EQ(read(made, "assets/words.txt", 5000), []() {
      std::string words;
      for (int i = 0; i < 100; ++i) words += "word " + std::to_string(i) + "\n";
      return words;
    }());
  }
  EXPECT_GE(archives, 8);
}

// Whatever byte is changed, the answer is the content or an error.
TEST(Zip, SurvivesEveryChangedByte) {
  for (const std::string& made : {archive({{"a", "12345"}, {"b", "6"}}), deflated(std::string(900, 'y'))}) {
    const std::string content = read(made, "a");
    for (std::size_t i = 0; i < made.size(); ++i) {
      for (const int change : {1, 0x55, 0xFF}) {
        std::string changed = made;
        changed[i] = static_cast<char>(changed[i] ^ change);
        try {
          EXPECT_EQ(read(changed, "a"), content) << i;
        } catch (const FileError&) {
        }
      }
    }
  }
}

}  // namespace
}  // namespace rondo
