#include "training/optimizers/patterns.hpp"

#include <algorithm>
#include <array>
#include <regex.h>

#include <rondo/error.hpp>

namespace rondo::training {

// The C library's, since the one of C++ would be a hundred kilobytes of every program.
struct Patterns::Compiled {
  Compiled(const std::string& where, const std::string& pattern) {
    const int error = regcomp(&expression, pattern.c_str(), REG_EXTENDED | REG_NOSUB);
    if (error == 0) return;
    std::array<char, 128> text{};
    (void)regerror(error, &expression, text.data(), text.size());
    throw ConfigError(where + ": the pattern '" + pattern +
                      "' is no POSIX extended regular expression: " + text.data());
  }
  ~Compiled() { regfree(&expression); }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;

  regex_t expression;
};

Patterns::Patterns(const std::string& where, const std::vector<std::string>& patterns) {
  for (const std::string& pattern : patterns) compiled_.push_back(std::make_shared<const Compiled>(where, pattern));
}

bool Patterns::find_in(const std::string& text) const {
  return std::any_of(compiled_.begin(), compiled_.end(), [&](const auto& compiled) {
    return regexec(&compiled->expression, text.c_str(), 0, nullptr, 0) == 0;
  });
}

}  // namespace rondo::training
