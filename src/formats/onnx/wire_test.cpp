#include "formats/onnx/wire.hpp"

#include <cstdint>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/error.hpp>

#include "formats/protobuf/writer.hpp"
#include "support/expect_error.hpp"

namespace rondo::onnx {
namespace {

using test::expect_error;

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int v : values) bytes.push_back(static_cast<std::byte>(v));
  return bytes;
}

void expect_damaged(std::initializer_list<int> values, const std::string& why) {
  const std::vector<std::byte> bytes = bytes_of(values);
  expect_error<FileError>(
      [&] {
        WireReader in(bytes, "a message");
        while (in.next()) {
        }
      },
      {"a message is damaged at its byte", why});
}

TEST(OnnxWire, ReadsWhatItHasWritten) {
  protobuf::Message out, inner;
  inner.text(3, "inside");
  const std::int64_t integers[] = {0, 1, 127, 128, -1, std::numeric_limits<std::int64_t>::min(), INT64_MAX};
  for (const std::int64_t i : integers) out.integer(1, i);
  out.number(2, -0.25F);
  out.message(200, inner);

  WireReader in(out.bytes(), "a message");
  for (const std::int64_t i : integers) {
    ASSERT_TRUE(in.next());
    EXPECT_EQ(in.field(), 1U);
    EXPECT_EQ(in.integer(), i);
  }
  ASSERT_TRUE(in.next());
  EXPECT_EQ(in.number(), -0.25F);
  ASSERT_TRUE(in.next());
  EXPECT_EQ(in.field(), 200U);
  WireReader inside(in.bytes(), "inside");
  ASSERT_TRUE(inside.next());
  EXPECT_EQ(inside.name(), "inside");
  EXPECT_FALSE(inside.next());
  EXPECT_FALSE(in.next());
}

TEST(OnnxWire, ReadsRowsOfNumbersPackedOrOneByOne) {
  // Field 1: 1 and 300, packed, then 5 alone. Field 2: two floats packed, one alone. Field 3: a double.
  const std::vector<std::byte> bytes =
      bytes_of({0x0a, 3,    1, 0xac, 2,    0x08, 5,    0x12, 8, 0, 0, 0x80, 0x3f, 0,    0,   0,
                0x40, 0x15, 0, 0,    0x40, 0x40, 0x19, 0,    0, 0, 0, 0,    0,    0xf0, 0x3f});
  WireReader in(bytes, "a message");
  std::vector<std::int64_t> integers;
  std::vector<float> floats;
  std::vector<double> doubles;
  while (in.next()) {
    if (in.field() == 1) in.add_to(integers);
    if (in.field() == 2) in.add_to(floats);
    if (in.field() == 3) in.add_to(doubles);
  }
  EXPECT_EQ(integers, (std::vector<std::int64_t>{1, 300, 5}));
  EXPECT_EQ(floats, (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(doubles, (std::vector<double>{1}));
}

TEST(OnnxWire, NothingLeavesTheMessage) {
  expect_damaged({0x08}, "1 bytes should follow, but it ends after 0");
  expect_damaged({0x08, 0xff, 0xff}, "1 bytes should follow");                 // a number that is cut off
  expect_damaged({0x0a, 5, 1}, "5 bytes should follow, but it ends after 1");  // a length beyond the end
  expect_damaged({0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "bytes should follow");
  expect_damaged({0x0d, 1, 2, 3}, "4 bytes should follow");
  expect_damaged({0x09, 1, 2, 3}, "8 bytes should follow");
}

TEST(OnnxWire, WhatIsNoFieldIsRefused) {
  expect_damaged({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2}, "more than 64 bits");
  expect_damaged({0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "64 bits");
  expect_damaged({0x00, 1}, "there is no field 0");
  expect_damaged({0x0b}, "kind 3");  // a group
  expect_damaged({0x0f}, "kind 7");
}

TEST(OnnxWire, AValueOfAnotherKindIsRefused) {
  const std::vector<std::byte> bytes = bytes_of({0x08, 1});
  WireReader in(bytes, "a message");
  ASSERT_TRUE(in.next());
  expect_error<FileError>([&] { (void)in.bytes(); }, {"field 1 is of another kind"});
  expect_error<FileError>([&] { (void)in.number(); }, {"field 1 is of another kind"});
  std::vector<float> floats;
  expect_error<FileError>([&] { in.add_to(floats); }, {"field 1 is of another kind"});
  const std::vector<std::byte> half = bytes_of({0x0a, 3, 1, 2, 3});
  WireReader row(half, "a message");
  ASSERT_TRUE(row.next());
  expect_error<FileError>([&] { row.add_to(floats); }, {"half of one"});
}

TEST(OnnxWire, NamesMayStandInAMessage) {
  protobuf::Message out;
  out.text(1, "a\nb");
  out.text(1, std::string(5000, 'a'));
  WireReader in(out.bytes(), "a message");
  ASSERT_TRUE(in.next());
  expect_error<FileError>([&] { (void)in.name(); }, {"control characters"});
  ASSERT_TRUE(in.next());
  expect_error<FileError>([&] { (void)in.name(); }, {"5000 bytes"});
}

}  // namespace
}  // namespace rondo::onnx
