#include "formats/c_header/source.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include <rondo/error.hpp>

namespace rondo::c_header {

std::string float_text(double value) {
  const auto number = static_cast<float>(value);
  if (!std::isfinite(number)) {
    throw ConfigError(
        "export_header: a weight is not finite as a float; train the model again, or look for NaN in its "
        "weights");
  }
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  std::string digits(text.data(), end);
  if (digits.find_first_of(".e") == std::string::npos) digits += ".0";
  return digits + "f";
}

std::string Source::constants(const char* type, std::size_t bytes_each, const std::vector<std::string>& numbers) {
  constexpr std::size_t kColumns = 118;
  std::string rows, row = " ";
  for (const std::string& number : numbers) {
    if (row.size() + number.size() + 2 > kColumns) {
      rows += row + "\n";
      row = " ";
    }
    row += " " + number + ",";
  }
  rows += row + "\n";
  std::string& known = known_constants_[type + rows];
  if (!known.empty()) return known;
  known = name("k" + std::to_string(known_constants_.size()));
  constants_ += "static const " + std::string(type) + " " + known + "[" + std::to_string(numbers.size()) + "] = {\n" +
                rows + "};\n";
  constant_bytes_ += bytes_each * numbers.size();
  return known;
}

std::string Source::floats(const std::vector<double>& values) {
  std::vector<std::string> texts;
  for (const double v : values) texts.push_back(float_text(v));
  return constants("float", sizeof(float), texts);
}

std::string Source::helper(const std::string& word, const std::string& text) {
  if (known_helpers_.emplace(word, text).second) {
    for (const char c : text) {
      if (c == '@') {
        helpers_ += prefix_ + "_";
      } else {
        helpers_ += c;
      }
    }
    helpers_ += '\n';
  }
  return name(word);
}

std::string Source::pointer(const Value& v) const {
  const auto alias = aliases_.find(v.buffer);
  std::string name = program_.buffers()[v.buffer].is_state ? "state->v" : "v";
  name = alias != aliases_.end() ? alias->second : name + std::to_string(v.buffer);
  return v.first == 0 ? name : "(" + name + " + " + std::to_string(v.first) + ")";
}

std::string Source::element(const Value& v, const std::string& index) const {
  return pointer({v.buffer, 0, v.size}) + "[" + (v.first == 0 ? "" : std::to_string(v.first) + " + ") + index + "]";
}

void Source::loop(Index count, const std::string& statement) {
  line("for (int j = 0; j < " + std::to_string(count) + "; ++j) " + statement);
}

std::string Source::take_body() {
  aliases_.clear();
  return std::exchange(body_, "");
}

std::size_t Source::take_stack() { return std::exchange(stack_, 0); }

namespace {

std::int32_t largest_limit(const Buffer& buffer) {
  std::int32_t limit = 0;
  for (const Format& f : buffer.formats) limit = std::max(limit, f.limit);
  return limit;
}

}  // namespace

const char* type_of(const Program& program, std::size_t buffer) {
  switch (bytes_of(program, buffer)) {
    case 1: return "int8_t";
    case 2: return "int16_t";
    default: return program.in_integers() ? "int32_t" : "float";
  }
}

std::size_t bytes_of(const Program& program, std::size_t buffer) {
  if (!program.in_integers()) return sizeof(float);
  const std::int32_t limit = largest_limit(program.buffers()[buffer]);
  return limit <= 127 ? 1 : limit <= 32767 ? 2 : 4;
}

}  // namespace rondo::c_header
