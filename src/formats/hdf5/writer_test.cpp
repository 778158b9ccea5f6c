#include "formats/hdf5/writer.hpp"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>

#include <rondo/error.hpp>

#include "formats/hdf5/file.hpp"
#include "support/expect_error.hpp"
#include "support/hdf5_listing.hpp"

namespace rondo::hdf5 {
namespace {

using test::expect_error;

template <class T>
std::vector<T> numbers_at(const Group& root, std::string_view path) {
  const Dataset dataset = root.dataset(path);
  std::vector<T> numbers(static_cast<std::size_t>(dataset.elements()));
  dataset.read_into(std::span(numbers));
  return numbers;
}

// One of everything.
struct Everything {
  std::vector<float> kernel = {0.1F, -0.0F, std::numeric_limits<float>::infinity(), 1e-45F, 3.5F, -7.25F};
  std::vector<double> exact = {0.1, 1e-320, -1e300};
  std::vector<std::int64_t> iterations = {INT64_MAX};
  std::vector<std::int32_t> small = {-1, 7};
  std::string config = "{\"class_name\": \"Sequential\", " + std::string(200000, ' ') + "}";
  Writer writer;

  Everything() {
    GroupWriter& root = writer.root();
    root.attribute("model_config", config);
    root.attribute("umlauts", "Gr\u00fc\u00dfe");
    root.attribute("empty", "");
    root.attribute("layer_names", std::vector<std::string>{"lstm", "dense_1", ""});
    root.attribute("none", std::vector<std::string>{});
    root.attribute("rate", 0.1);
    root.attribute("count", std::int64_t{-5});
    GroupWriter& vars = root.group("layers/lstm/cell/vars");
    vars.attribute("name", "lstm_cell");
    vars.dataset("0", Shape{2, 3}, std::span<const float>(kernel)).attribute("note", "first");
    root.dataset("layers/lstm/cell/vars/1", Shape{3}, std::span<const double>(exact));
    root.dataset("optimizer/vars/0", Shape{}, std::span<const std::int64_t>(iterations));
    root.dataset("optimizer/vars/10", Shape{2, 1}, std::span<const std::int32_t>(small));
    root.dataset("no_rows", Shape{0, 4}, std::span<const float>());
    root.group("gr\u00fc\u00dfe");
  }
};

TEST(Hdf5Writer, WhatIsWrittenIsReadBackToTheBit) {
  const Everything all;
  const std::vector<std::byte> bytes = all.writer.bytes();
  const Group root = File(bytes).root();
  EXPECT_EQ(root.names(), (std::vector<std::string>{"gr\u00fc\u00dfe", "layers", "no_rows", "optimizer"}));
  EXPECT_EQ(root.attribute_names(),
            (std::vector<std::string>{"count", "empty", "layer_names", "model_config", "none", "rate", "umlauts"}));
  EXPECT_EQ(root.attribute("model_config").text(), all.config);
  EXPECT_EQ(root.attribute("umlauts").text(), "Gr\u00fc\u00dfe");
  EXPECT_EQ(root.attribute("empty").text(), "");
  EXPECT_EQ(root.attribute("layer_names").texts(), (std::vector<std::string>{"lstm", "dense_1", ""}));
  EXPECT_TRUE(root.attribute("none").texts().empty());
  EXPECT_EQ(root.attribute("rate").number(), 0.1);
  EXPECT_EQ(root.attribute("count").number(), -5);
  EXPECT_EQ(root.group("layers/lstm/cell/vars").attribute("name").text(), "lstm_cell");
  EXPECT_EQ(root.dataset("layers/lstm/cell/vars/0").attribute("note").text(), "first");
  EXPECT_EQ(root.dataset("layers/lstm/cell/vars/0").shape(), (Shape{2, 3}));
  const std::vector<float> kernel = numbers_at<float>(root, "layers/lstm/cell/vars/0");
  EXPECT_EQ(std::memcmp(kernel.data(), all.kernel.data(), sizeof(float) * kernel.size()), 0);
  EXPECT_EQ(numbers_at<double>(root, "layers/lstm/cell/vars/1"), all.exact);
  EXPECT_EQ(numbers_at<std::int64_t>(root, "optimizer/vars/0"), all.iterations);
  EXPECT_EQ(root.dataset("optimizer/vars/0").shape(), Shape());
  EXPECT_EQ(numbers_at<double>(root, "optimizer/vars/10"), (std::vector<double>{-1, 7}));
  EXPECT_EQ(root.dataset("no_rows").shape(), (Shape{0, 4}));
  EXPECT_TRUE(numbers_at<float>(root, "no_rows").empty());
}

TEST(Hdf5Writer, ThePiecesAreTheFileAndTheSameEachTime) {
  const Everything all;
  std::vector<std::byte> joined;
  const auto append = [&](std::span<const std::byte> piece) {
    joined.insert(joined.end(), piece.begin(), piece.end());
  };
  all.writer.write(append);
  EXPECT_EQ(joined, all.writer.bytes());
  EXPECT_EQ(joined, Everything().writer.bytes());
}

TEST(Hdf5Writer, NumbersGoOutFromWhereTheyStand) {
  const std::vector<float> numbers(1000, 0.5F);
  Writer writer;
  writer.root().dataset("w", Shape{1000}, std::span<const float>(numbers));
  const void* found = nullptr;
  writer.write([&](std::span<const std::byte> piece) {
    if (piece.size() == 4000) found = piece.data();
  });
  EXPECT_EQ(found, numbers.data());
}

TEST(Hdf5Writer, NumbersMayBeMadeWhenItIsTheirTurn) {
  std::vector<float> one;
  int made = 0;
  Writer writer;
  for (int i = 0; i < 3; ++i) {
    writer.root().dataset(std::to_string(i), Shape{5}, NumberType::float32, [&one, &made, i](const Sink& sink) {
      ++made;
      one.assign(2, static_cast<float>(i));
      sink(std::as_bytes(std::span(one)));
      one.assign(3, static_cast<float>(i));
      sink(std::as_bytes(std::span(one)));
    });
  }
  EXPECT_EQ(made, 0);
  const std::vector<std::byte> bytes = writer.bytes();
  EXPECT_EQ(made, 3);
  const Group root = File(bytes).root();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(numbers_at<double>(root, std::to_string(i)), std::vector<double>(5, i));
}

TEST(Hdf5Writer, OtherNumbersThanTheShapeSaysAreAnError) {
  Writer writer;
  writer.root().dataset("w", Shape{5}, NumberType::int32, [](const Sink& sink) { sink(std::vector<std::byte>(16)); });
  expect_error<FileError>([&] { (void)writer.bytes(); }, {"(5,)", "16 bytes instead of 20"});
}

TEST(Hdf5Writer, ThousandsOfGroupsAndTextsAreReadBack) {
  Writer writer;
  for (int i = 0; i < 3000; ++i) {
    GroupWriter& group = writer.root().group("many/layer_" + std::to_string(i));
    for (int k = 0; k < 25; ++k) group.attribute("name_" + std::to_string(k), "value " + std::to_string(i));
  }
  const std::vector<std::byte> bytes = writer.bytes();
  const Group many = File(bytes).root().group("many");
  EXPECT_EQ(many.names().size(), 3000U);
  EXPECT_EQ(many.group("layer_2999").attribute("name_24").text(), "value 2999");
}

TEST(Hdf5Writer, AListBeyondAMessageIsAnErrorThatSaysWhatToDo) {
  Writer writer;
  const std::vector<std::string> texts(1000, std::string(65, 'x'));
  EXPECT_EQ(ObjectWriter::bytes_of(texts), 65000U);
  writer.root().attribute("weight_names", texts);
  EXPECT_EQ(File(writer.bytes()).root().attribute("weight_names").texts(), texts);
  writer.root().attribute("weight_names", std::vector<std::string>(1010, std::string(65, 'x')));
  expect_error<FileError>([&] { (void)writer.bytes(); }, {"'weight_names'", "65535", "cut the list into parts"});
}

TEST(Hdf5Writer, TextsThatWouldBeCutAreErrors) {
  Writer writer;
  const std::string text("ker\0nel", 7);
  expect_error<FileError>([&] { writer.root().attribute("name", text); }, {"'name'", "a byte of 0"});
  expect_error<FileError>([&] { writer.root().attribute("names", std::vector{text}); }, {"'names'", "a byte of 0"});
  EXPECT_TRUE(File(writer.bytes()).root().attribute_names().empty());
}

TEST(Hdf5Writer, NamesThatHdf5HasNotAreErrors) {
  Writer writer;
  GroupWriter& root = writer.root();
  const std::vector<float> one = {1};
  const std::span<const float> numbers(one);
  root.dataset("a/w", Shape{1}, numbers);
  expect_error<FileError>([&] { root.group(""); }, {"no name ''"});
  expect_error<FileError>([&] { root.group("a//b"); }, {"no name ''"});
  expect_error<FileError>([&] { root.group("."); }, {"'.'"});
  expect_error<FileError>([&] { root.group(std::string(5000, 'x')); }, {"1 to 4096 bytes"});
  expect_error<FileError>([&] { root.attribute(std::string("a\0b", 3), "text"); }, {"none of which is 0"});
  expect_error<FileError>([&] { root.dataset("a/w", Shape{1}, numbers); }, {"'w'", "already"});
  expect_error<FileError>([&] { root.dataset("a", Shape{1}, numbers); }, {"'a'", "already"});
  expect_error<FileError>([&] { root.group("a/w/b"); }, {"'w' is a data set already"});
  expect_error<ShapeError>([&] { root.dataset("b", Shape{2, 2}, numbers); }, {"(2, 2)", "1 numbers"});
}

// ---- what others read

class Hdf5WriterForOthers : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("rondo_hdf5_" + std::to_string(getpid()));
    std::filesystem::create_directory(folder_);
    const std::vector<std::byte> bytes = all_.writer.bytes();
    std::ofstream(file(), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file() const { return (folder_ / "a.h5").string(); }
  std::string output_of(const std::string& command) const {
    const std::string output = (folder_ / "output").string();
    EXPECT_EQ(std::system((command + " > '" + output + "' 2>&1").c_str()), 0) << command;
    std::ifstream stream(output);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  Everything all_;

 private:
  std::filesystem::path folder_;
};

#ifdef RONDO_H5PY
TEST_F(Hdf5WriterForOthers, H5pyReadsTheSame) {
  const std::string script = std::string(RONDO_SOURCE_DIR) + "/tools/golden_hdf5.py";
  const std::vector<std::byte> bytes = test::bytes_of_file(file());
  EXPECT_EQ(output_of(RONDO_H5PY " '" + script + "' --listing '" + file() + "'"), test::hdf5_listing(File(bytes)));
}

TEST_F(Hdf5WriterForOthers, H5pyChangesAndAddsToTheFile) {
  const std::string program =
      "import h5py\n"
      "with h5py.File('" +
      file() +
      "', 'r+') as f:\n"
      "    assert len(f.attrs) == 7 and len(f) == 4\n"
      "    del f['layers/lstm/cell/vars/1']\n"
      "    f['layers/lstm/cell/vars/0'][0, 0] = 9\n"
      "    f['more'] = [1.0, 2.0]\n"
      "    f.attrs['later'] = 'text'\n";
  EXPECT_EQ(output_of(RONDO_H5PY " -c \"" + program + "\""), "");
  const std::vector<std::byte> bytes = test::bytes_of_file(file());
  const Group root = File(bytes).root();
  EXPECT_EQ(root.group("layers/lstm/cell/vars").names(), std::vector<std::string>{"0"});
  EXPECT_EQ(numbers_at<float>(root, "layers/lstm/cell/vars/0")[0], 9.0F);
  EXPECT_EQ(numbers_at<float>(root, "more"), (std::vector<float>{1, 2}));
}
#endif

#ifdef RONDO_H5DUMP
TEST_F(Hdf5WriterForOthers, H5dumpReadsAll) {
  const std::string dump = output_of(RONDO_H5DUMP " -m %.9g -w 0 '" + file() + "'");
  for (const char* part : {"GROUP \"vars\"", "0.100000001", "-7.25", "\"lstm\\000\\000\\000\", \"dense_1\"",
                           "9223372036854775807", "\"lstm_cell\"", "SIMPLE { ( 2, 3 ) / ( 2, 3 ) }"}) {
    EXPECT_NE(dump.find(part), std::string::npos) << part;
  }
  EXPECT_EQ(dump.find("error"), std::string::npos);
}
#endif

}  // namespace
}  // namespace rondo::hdf5
