// Ways to walk a model, of which none may change a bit.
#pragma once

#include <string>

#include <rondo/shape.hpp>

namespace rondo::test {

// No choice may change a bit, but for targets under mixed_bfloat16.
struct Way {
  std::string target;
  Index threads = 1;
  bool executor = false;  // the tasks of a step by an executor of our own, the last one first
};

// Sets threads, executor and target, and restores what a process begins with. Small steps take several threads too.
class Walking {
 public:
  explicit Walking(const Way& way);
  ~Walking();
  Walking(const Walking&) = delete;
  Walking& operator=(const Walking&) = delete;

 private:
  std::string before_;
};

}  // namespace rondo::test
