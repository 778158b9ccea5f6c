#include "formats/callbacks/file_name.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::formats {

namespace {

constexpr int kWidest = 40;

// "[0][width][.precision][letter]".
struct Format {
  bool zeros = false;
  int width = 0;
  std::optional<int> precision;
  char letter = '\0';
};

std::optional<int> number(const char*& at, const char* end) {
  int value = 0;
  const auto [stop, error] = std::from_chars(at, end, value);
  if (error != std::errc() || value > kWidest) return {};
  at = stop;
  return value;
}

std::optional<Format> format_of(const std::string& text) {
  Format format;
  const char* at = text.data();
  const char* const end = at + text.size();
  format.zeros = at < end && *at == '0';
  if (at < end && *at >= '0' && *at <= '9') {
    const std::optional<int> width = number(at, end);
    if (!width) return {};
    format.width = *width;
  }
  if (at < end && *at == '.') {
    format.precision = number(++at, end);
    if (!format.precision) return {};
  }
  if (at < end) format.letter = *at++;
  if (at != end || (format.letter != '\0' && std::string("dfeg").find(format.letter) == std::string::npos)) return {};
  return format;
}

std::string text_of(double value, const Format& format) {
  if (!format.precision && format.letter == '\0') return number_text(value);
  std::array<char, 400> text{};
  const auto kind = format.letter == 'f'   ? std::chars_format::fixed
                    : format.letter == 'e' ? std::chars_format::scientific
                                           : std::chars_format::general;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value, kind, format.precision.value_or(6)).ptr;
  return {text.data(), end};
}

std::string padded(const std::string& text, const Format& format) {
  const auto width = static_cast<std::size_t>(format.width);
  if (text.size() >= width) return text;
  const std::string fill(width - text.size(), format.zeros ? '0' : ' ');
  const bool has_sign = format.zeros && text.starts_with('-');
  return has_sign ? "-" + fill + text.substr(1) : fill + text;
}

}  // namespace

std::string file_name(const std::string& who, const std::string& text,
                      const std::function<FieldValue(const std::string& name)>& value) {
  const auto fail = [&](const std::string& why) { throw ConfigError(who + ": the file name '" + text + "' " + why); };
  std::string name;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool is_twice = at + 1 < text.size() && text[at + 1] == c;
    if (c != '{' && c != '}') {
      name += c;
    } else if (is_twice) {
      name += c;
      ++at;
    } else {
      const std::size_t end = text.find('}', at);
      if (c == '}' || end == std::string::npos) fail("has a brace without its other; write {{ and }} for braces");
      const std::string field = text.substr(at + 1, end - at - 1);
      const std::size_t colon = std::min(field.find(':'), field.size());
      const std::optional<Format> format = format_of(field.substr(std::min(colon + 1, field.size())));
      const FieldValue given = value(field.substr(0, colon));
      const bool is_whole = std::holds_alternative<Index>(given);
      if (!format || (format->letter == 'd' && !is_whole)) {
        fail("has the field {" + field + "}; formats are those of {epoch:02d} and {loss:.4f}");
      }
      const bool as_whole = is_whole && (format->letter == 'd' || format->letter == '\0') && !format->precision;
      const std::string digits = as_whole   ? std::to_string(std::get<Index>(given))
                                 : is_whole ? text_of(static_cast<double>(std::get<Index>(given)), *format)
                                            : text_of(std::get<double>(given), *format);
      name += padded(digits, *format);
      at = end;
    }
  }
  return name;
}

}  // namespace rondo::formats
