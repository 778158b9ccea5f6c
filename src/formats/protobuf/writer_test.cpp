#include "formats/protobuf/writer.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace rondo::protobuf {
namespace {

std::string hex(const Message& message) {
  std::string text;
  for (const char c : message.view()) {
    for (const int digit : {static_cast<unsigned char>(c) >> 4, c & 15}) text += "0123456789abcdef"[digit];
  }
  return text;
}

// Expectations: what the Python package protobuf serializes.
TEST(ProtobufMessage, HasFieldsAsTheWireFormatSays) {
  EXPECT_EQ(hex(Message().integer(1, 150)), "089601");
  EXPECT_EQ(hex(Message().integer(1, 0).integer(2, 127).integer(3, 128)), "0800107f188001");
  EXPECT_EQ(hex(Message().integer(2, -1)), "10ffffffffffffffffff01");
  EXPECT_EQ(hex(Message().integer(1, std::numeric_limits<std::int64_t>::max())), "08ffffffffffffffff7f");
  EXPECT_EQ(hex(Message().integer(16, 1).integer(536870911, 1)), "800101f8ffffff0f01");
  EXPECT_EQ(hex(Message().number(2, 1.0F).number(1, -2.0)), "150000803f0900000000000000c0");
  EXPECT_EQ(hex(Message().text(2, "testing")), "120774657374696e67");
  EXPECT_EQ(hex(Message().text(2, "")), "1200");
  EXPECT_EQ(hex(Message().message(3, Message().integer(1, 150))), "1a03089601");
  const Message long_text = Message().text(1, std::string(300, 'x'));
  EXPECT_EQ(hex(long_text).substr(0, 8), "0aac0278");
  EXPECT_EQ(long_text.bytes().size(), 303U);
}

}  // namespace
}  // namespace rondo::protobuf
