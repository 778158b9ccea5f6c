#include <algorithm>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/npy.hpp>

#include "data/npy_format.hpp"
#include "support/expect_error.hpp"
#include "support/instrumented.hpp"
#include "support/npy_bytes.hpp"
#include "support/workshop.hpp"

namespace rondo {
namespace {

using test::bytes_of_numbers;
using test::expect_error;
using test::npy_bytes;
using test::npy_dictionary;
using Numbers = std::vector<double>;

Tensor read(const std::string& file) { return data::tensor_of_npy(std::as_bytes(std::span(file)), "x.npy"); }

template <class T>
Tensor read(const std::string& type, const std::string& shape, const std::vector<T>& numbers) {
  return read(npy_bytes(npy_dictionary(type, shape), bytes_of_numbers(numbers)));
}

TEST(ReadNpy, KeepsFloatingPointNumbersToTheBit) {
  const std::vector<float> floats{0.1F, -0.0F, std::numeric_limits<float>::infinity(), std::nanf(""), 1e-45F, 6};
  EXPECT_TRUE(read("<f4", "2, 3", floats).identical(Tensor(Shape{2, 3}, floats)));
  const std::vector<double> doubles{0.1, 5e-324, -1e300};
  EXPECT_TRUE(read("<f8", "3,", doubles).identical(Tensor(Shape{3}, doubles)));
}

TEST(ReadNpy, MakesIntegersAndTruthValuesNumbers) {
  const auto expect = [](const Tensor& tensor, const Numbers& numbers, DType dtype) {
    EXPECT_EQ(tensor.to_vector(), numbers);
    EXPECT_EQ(tensor.dtype(), dtype);
  };
  expect(read<std::uint8_t>("|b1", "2,", {0, 1}), {0, 1}, DType::float32);
  expect(read<std::uint8_t>("|u1", "2,", {0, 255}), {0, 255}, DType::float32);
  expect(read<std::int8_t>("|i1", "2,", {-128, 127}), {-128, 127}, DType::float32);
  expect(read<std::uint16_t>("<u2", "1,", {65535}), {65535}, DType::float32);
  expect(read<std::int16_t>("<i2", "1,", {-32768}), {-32768}, DType::float32);
  expect(read<std::uint32_t>("<u4", "1,", {4294967295}), {4294967295}, DType::float64);
  expect(read<std::int32_t>("<i4", "1,", {-2147483647}), {-2147483647}, DType::float64);
  expect(read<std::int64_t>("<i8", "3,", {-9007199254740992, 9007199254740994, INT64_MIN}),
         {-9007199254740992, 9007199254740994, -9223372036854775808.0}, DType::float64);
  expect(read<std::uint64_t>("<u8", "1,", {std::uint64_t{1} << 63}), {9223372036854775808.0}, DType::float64);
}

TEST(ReadNpy, RefusesIntegersThatFloat64CannotHold) {
  expect_error<FileError>(
      [] {
        read<std::int64_t>("<i8", "2,", {1, 9007199254740993});
      },
      {"x.npy", "9007199254740993", "element 1", "float64"});
  expect_error<FileError>([] { read<std::int64_t>("<i8", "1,", {-9007199254740993}); }, {"-9007199254740993"});
  expect_error<FileError>([] { read<std::uint64_t>("<u8", "1,", {UINT64_MAX}); }, {"18446744073709551615"});
}

TEST(ReadNpy, PutsTheOrderOfFortranInThatOfC) {
  const auto columns = [](const std::string& shape, const std::vector<float>& numbers) {
    return read(npy_bytes(npy_dictionary("<f4", shape, "True"), bytes_of_numbers(numbers)));
  };
  EXPECT_EQ(columns("2, 3", {1, 4, 2, 5, 3, 6}).to_vector(), (Numbers{1, 2, 3, 4, 5, 6}));
  const Tensor cube = columns("2, 2, 2", {0, 4, 2, 6, 1, 5, 3, 7});
  EXPECT_EQ(cube.to_vector(), (Numbers{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_EQ(cube.shape(), (Shape{2, 2, 2}));
  EXPECT_EQ(columns("", {7}).to_vector(), Numbers{7});
  EXPECT_EQ(columns("0, 3", {}).shape(), (Shape{0, 3}));
}

TEST(ReadNpy, TakesScalarsAndArraysOfNothing) {
  EXPECT_EQ(read<float>("<f4", "", {3}).shape(), Shape{});
  EXPECT_EQ(read<float>("<f4", "3, 0", {}).shape(), (Shape{3, 0}));
}

TEST(ReadNpy, TakesEveryFormOfTheHeader) {
  const std::string content = bytes_of_numbers<float>({1, 2});
  for (const char version : {'\1', '\2', '\3'}) {
    EXPECT_EQ(read(npy_bytes(npy_dictionary("<f4", "2,"), content, version)).to_vector(), (Numbers{1, 2}));
  }
  for (const char* header : {"{'descr':'<f4','fortran_order':False,'shape':(2,)}",
                             "{'shape': (2L,), 'fortran_order': False, 'descr': '<f4'}\n",
                             "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (1, 2,), }"}) {
    EXPECT_EQ(read(npy_bytes(header, content)).to_vector(), (Numbers{1, 2})) << header;
  }
}

TEST(ReadNpy, SaysWhichTypesItDoesNotTake) {
  const auto refused = [](const std::string& type, const std::vector<std::string>& words) {
    expect_error<FileError>([&] { read<float>(type, "1,", {1, 2, 3, 4}); }, words);
  };
  refused("|O", {"x.npy", "'|O'", "pickle"});
  for (const char* type : {"<f2", ">f4", "<c8", "<U3", "|S3", "<M8[ns]", "|V8", "<f16"})
    refused(type, {type, "float32"});
  expect_error<FileError>(
      [] { read(npy_bytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", "")); }, {"records"});
}

TEST(ReadNpy, ReadsWhatWasWritten) {
  const test::Workshop workshop;
  const std::string path = workshop.path("a.npy");
  for (const Tensor& tensor :
       {Tensor{{1.5, -2.5}, {3, 4}}, Tensor(Shape{}, std::vector<float>{0.1F}), Tensor(Shape{2, 0, 3}, DType::float64),
        Tensor(Shape{1, 1, 1, 1, 1, 1, 1, 1}, DType::float32)}) {
    write_npy(path, tensor);
    EXPECT_TRUE(read_npy(path).identical(tensor)) << to_string(tensor.shape());
    const std::string file = workshop.read("a.npy");
    EXPECT_EQ((file.find('\n') + 1) % 64, 0U);
  }
  expect_error<FileError>([&] { (void)read_npy(workshop.path("b.npy")); }, {"b.npy", "No such file"});
  expect_error<FileError>([&] { write_npy(workshop.path("no/folder.npy"), Tensor()); }, {"folder.npy", "No such file"});
}

// ---- files that mean harm

// The refusal of a file, which must come soon.
std::string refusal(const std::string& file) {
  const std::clock_t start = std::clock();
  std::string message = "no error";
  try {
    (void)read(file);
  } catch (const FileError& error) {
    message = error.what();
  }
  const double milliseconds = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_LT(milliseconds, test::instrumented() ? 500 : 50) << message;
  EXPECT_LT(message.size(), 400U);
  EXPECT_TRUE(std::all_of(message.begin(), message.end(), [](char c) { return c >= ' ' && c <= '~'; })) << message;
  return message;
}

void expect_refused(const std::string& file, const std::vector<std::string>& parts) {
  const std::string message = refusal(file);
  for (const std::string& part : parts) EXPECT_NE(message.find(part), std::string::npos) << part << ": " << message;
}

TEST(ReadNpy, RefusesShapesThatTheFileCannotHold) {
  const auto refused = [](const std::string& shape, const std::vector<std::string>& parts) {
    expect_refused(npy_bytes(npy_dictionary("<f8", shape), std::string(64, 'x')), parts);
  };
  refused("9,", {"64 bytes", "cut off"});
  refused("4294967296, 4294967296, 4294967296", {"cut off"});
  refused("9223372036854775807,", {"cut off"});
  refused("2305843009213693952, 8", {"cut off"});  // times 8 bytes: 0 in 64 bits
  refused("18446744073709551617,", {"shape (18446744073709551617"});
  refused("-1, -8", {"shape (-1"});
  refused("1, 1, 1, 1, 1, 1, 1, 1, 8", {"9 axes"});
  std::string many;
  for (int i = 0; i < 30000; ++i) many += "1,";
  refused(many, {"30000 axes"});
}

TEST(ReadNpy, RefusesHeadersThatAreNone) {
  const std::string content(64, 'x');
  const auto refused = [&](const std::string& header, const std::vector<std::string>& parts) {
    expect_refused(npy_bytes(header, content), parts);
  };
  refused("", {"'{'"});
  refused("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), ", {"expected"});
  refused("{'descr': '<f4, 'fortran_order': False, 'shape': (4,), }", {"expected"});
  refused("{'descr", {"quotes end"});
  refused("{'descr': \"<f4', 'fortran_order': False, 'shape': (4,), }", {"quotes end"});
  refused("{'descr': '<f4', 'fortran_order': False, 'shape': (4,", {"shape (4,"});
  refused("{'descr': '<f4', 'fortran_order': False, 'shape': (4 4), }", {"comma"});
  refused("{'descr': '<f4', 'fortran_order': False, 'shape': 4, }", {"'('"});
  refused("{'descr': '<f4', 'fortran_order': 0, 'shape': (4,), }", {"True or False"});
  refused("{'descr': '<f4', 'descr': '<f8', 'fortran_order': False, 'shape': (4,), }", {"'descr', or not twice"});
  refused("{'more': 1, 'descr': '<f4', 'fortran_order': False, 'shape': (4,), }", {"no key 'more'"});
  refused("{'descr': '<f4', 'fortran_order': False, 'shape': (4,), } + 1", {"nothing more"});
  refused("{'descr': '<f4', 'fortran_order': False, }", {"no 'shape'"});
  refused("{'fortran_order': False, 'shape': (4,), }", {"no 'descr'"});
  refused("{'descr': '\x1b[2J\n\xff', 'fortran_order': False, 'shape': (4,), }", {"type '?[2J?"});
  for (const char bracket : {'(', '[', '{', '\''}) refused(std::string(60000, bracket), {"x.npy"});
  refused("{'descr': " + std::string(60000, '[') + "}", {"records"});
  refused("{'descr': '<f4', 'fortran_order': False, 'shape': " + std::string(60000, '('), {"shape (("});
}

TEST(ReadNpy, RefusesHeadersLongerThanTheFile) {
  const std::string file = npy_bytes(npy_dictionary("<f4", "2,"), bytes_of_numbers<float>({1, 2}), 2);
  const auto with_length = [&](const char* bytes) { return std::string(file).replace(8, 4, bytes, 4); };
  expect_refused(with_length("\xff\xff\xff\xff"), {"4294967295 bytes"});
  expect_refused(with_length("\x00\x01\x00\x00"), {"256 bytes"});
  expect_refused(file.substr(0, 40), {"bytes"});
  expect_refused(file.substr(0, 11), {"too short"});
  expect_refused(file.substr(0, 3), {"no .npy file"});
  expect_refused("", {"no .npy file"});
}

TEST(ReadNpy, EveryByteMayBeAnother) {
  const std::string file = npy_bytes(npy_dictionary("<f4", "2, 2"), bytes_of_numbers<float>({1, 2, 3, 4}));
  int refused = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (int value = 0; value < 256; ++value) {
      std::string other = file;
      other[i] = static_cast<char>(value);
      try {
        EXPECT_LE(read(other).size(), 4);
      } catch (const FileError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 10000);
  for (std::size_t size = 0; size < file.size(); ++size) {
    EXPECT_THROW((void)read(file.substr(0, size)), FileError) << size;
  }
}

// ---- names

TEST(NamedTensors, KeepTheirOrderAndAreFoundByName) {
  NamedTensors tensors{{"y", {1, 2}}, {"x", {3}}};
  tensors.add("a", {4});
  EXPECT_EQ(tensors.names(), (std::vector<std::string>{"y", "x", "a"}));
  EXPECT_EQ(tensors["x"].to_vector(), Numbers{3});
  EXPECT_EQ(NamedTensors(tensors)["y"].to_vector(), (Numbers{1, 2}));
  EXPECT_TRUE(tensors.contains("a"));
  EXPECT_FALSE(tensors.contains("b"));
  double sum = 0;
  for (const auto& [name, tensor] : tensors) sum += tensor(0);
  EXPECT_EQ(sum, 8);
  expect_error<ConfigError>([&] { (void)tensors["xx"]; }, {"'xx'", "Did you mean 'x'?", "'y', 'x', 'a'"});
  expect_error<ConfigError>([&] { tensors.add("x", {1}); }, {"'x' already"});
}

}  // namespace
}  // namespace rondo
