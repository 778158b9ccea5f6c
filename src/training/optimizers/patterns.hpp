// Patterns that parameters are found by: POSIX extended regular expressions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/parameter.hpp"

namespace rondo::training {

class Patterns {
 public:
  Patterns() = default;
  // ConfigError "<where>: the pattern '(' ..." for one that is none.
  Patterns(const std::string& where, const std::vector<std::string>& patterns);

  bool empty() const { return compiled_.empty(); }
  // Whether one of them is found in this text.
  bool find_in(const std::string& text) const;
  // In a parameter's name or path.
  bool find_in(const engine::Parameter& parameter) const {
    return find_in(parameter.name()) || find_in(parameter.path);
  }

 private:
  struct Compiled;
  std::vector<std::shared_ptr<const Compiled>> compiled_;
};

}  // namespace rondo::training
