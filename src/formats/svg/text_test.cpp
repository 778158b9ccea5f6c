#include "formats/svg/text.hpp"

#include <gtest/gtest.h>

namespace rondo::svg {
namespace {

TEST(SvgText, EscapesWhatXmlReserves) {
  EXPECT_EQ(escaped("a<b> & \"c\" 'd'"), "a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;");
  EXPECT_EQ(escaped("one\ntwo\tthree\r"), "one two three ");
}

TEST(SvgText, ReplacesWhatIsNoUtf8) {
  const std::string replaced = "\xEF\xBF\xBD";
  EXPECT_EQ(escaped("é 日本 😀"), "é 日本 😀");
  EXPECT_EQ(escaped("\x01"), replaced);                                // XML forbids it
  EXPECT_EQ(escaped("\xC0\x80"), replaced + replaced);                 // longer than it need be
  EXPECT_EQ(escaped("\xED\xA0\x80"), replaced + replaced + replaced);  // half a pair of UTF-16
  EXPECT_EQ(escaped("\xE6\x97"), replaced + replaced);                 // cut off
}

TEST(SvgText, WritesCoordinatesInFewCharacters) {
  EXPECT_EQ(number(12), "12");
  EXPECT_EQ(number(12.5), "12.5");
  EXPECT_EQ(number(1.0 / 3), "0.33");
  EXPECT_EQ(number(100.001), "100");
  EXPECT_EQ(number(-0.001), "0");
}

TEST(SvgText, IsAsWideAsItsCharactersNotItsBytes) {
  EXPECT_EQ(text_width("日本", 10), text_width("ab", 10));
  EXPECT_EQ(widest({"a", "abc", "ab"}, 10), text_width("abc", 10));
  EXPECT_EQ(widest({}, 10), 0);
}

}  // namespace
}  // namespace rondo::svg
