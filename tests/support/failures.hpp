// Questions to a model, and what was wrong.
#pragma once

#include <exception>
#include <string>
#include <vector>

namespace rondo::test {

class Failures {
 public:
  // `question` returns what was wrong, or "". An exception is wrong too.
  template <class Question>
  void ask(const std::string& what, Question question) {
    std::string wrong;
    try {
      wrong = question();
    } catch (const std::exception& error) {
      wrong = std::string("an exception came out: ") + error.what();
    }
    if (!wrong.empty()) all_.push_back(what + ": " + wrong);
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

}  // namespace rondo::test
