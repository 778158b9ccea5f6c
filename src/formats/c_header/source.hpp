// Source: the C text of a header while it is written: constants, helping functions, and the lines of a function.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "formats/c_header/program.hpp"

namespace rondo::c_header {

// "0.1f": the shortest text that reads back as this float. ConfigError unless it is finite.
std::string float_text(double value);

class Source {
 public:
  Source(std::string prefix, const Program& program) : prefix_(std::move(prefix)), program_(program) {}

  const Program& program() const { return program_; }
  // "airline_" + word.
  std::string name(const std::string& word) const { return prefix_ + "_" + word; }

  // An array of constants of a C type ("float", "int8_t"); returns its name. The same numbers are written once.
  std::string constants(const char* type, std::size_t bytes_each, const std::vector<std::string>& numbers);
  std::string floats(const std::vector<double>& values);
  template <class T>
  std::string integers(const char* type, std::size_t bytes_each, const std::vector<T>& values) {
    std::vector<std::string> texts;
    for (const T v : values) texts.push_back(std::to_string(v));
    return constants(type, bytes_each, texts);
  }

  // A helping function, written once; returns its whole name. In `text`, @ stands for "airline_". Helpers that it calls
  // are asked for before.
  std::string helper(const std::string& word, const std::string& text);

  // ---- the function at work ----
  // What a buffer is called in it: a state is state->v3, others v3, unless they have been given a name.
  void call(std::size_t buffer, const std::string& alias) { aliases_[buffer] = alias; }
  std::string pointer(const Value& v) const;                            // "(v3 + 20)"
  std::string element(const Value& v, const std::string& index) const;  // "v3[20 + j]"
  void line(const std::string& text) { body_ += "  " + text + "\n"; }
  // for (int j = 0; j < count; ++j) statement;
  void loop(Index count, const std::string& statement);
  // Bytes of an array that the function makes for itself.
  void count_stack(std::size_t bytes) { stack_ += bytes; }
  // Its lines, and the bytes of its arrays; the next one begins.
  std::string take_body();
  std::size_t take_stack();

  const std::string& constants_text() const { return constants_; }
  const std::string& helpers_text() const { return helpers_; }
  std::size_t constant_bytes() const { return constant_bytes_; }
  // Its text; null if there is none of that word.
  const std::string* known_helper(const std::string& word) const {
    const auto found = known_helpers_.find(word);
    return found == known_helpers_.end() ? nullptr : &found->second;
  }

 private:
  std::string prefix_;
  const Program& program_;
  std::string constants_, helpers_, body_;
  std::map<std::string, std::string> known_constants_;  // by type and numbers
  std::map<std::string, std::string> known_helpers_;
  std::map<std::size_t, std::string> aliases_;
  std::size_t constant_bytes_ = 0, stack_ = 0;
};

// The C type of a buffer's numbers, and its size.
const char* type_of(const Program& program, std::size_t buffer);
std::size_t bytes_of(const Program& program, std::size_t buffer);

}  // namespace rondo::c_header
