#include "formats/zip/zip.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>
#include <zlib.h>

#include <rondo/error.hpp>

#include "formats/zip/records.hpp"
#include "support/expect_error.hpp"

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
  std::string packed(compressBound(content.size()) + 100, '\0');
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  std::string made = archive({{"a", packed}});
  const auto put = [&](std::size_t at, std::size_t value) {
    for (std::size_t i = 0; i < 4; ++i) made[at + i] = static_cast<char>(value >> 8 * i);
  };
  // Method, check sum and size, in the entry's own header and in the list.
  for (const std::size_t method : {std::size_t{8}, made.find("PK\1\2") + 10}) {
    made[method] = 8;
    put(method + 6, zip::check_sum(std::vector{bytes_of(content)}));
    put(method + 14, content.size());
  }
  return made;
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
    const std::array<core::Bytes, 2> pieces{all.first(size / 3), all.subspan(size / 3, size - size / 3)};
    EXPECT_EQ(zip::check_sum(pieces), plain_crc(all.first(size))) << size;
    const core::Bytes odd = all.subspan(size % 17, size);
    EXPECT_EQ(zip::check_sum(std::span(&odd, 1)), plain_crc(odd)) << size;
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
