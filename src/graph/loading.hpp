// What is otherwise while a model is made for weights that a file has.
#pragma once

#include <cstddef>
#include <string>

namespace rondo::graph {

// While it lives, layers that the thread builds draw no initial weights (they are zeros, which the file's replace), and
// all together make no more bytes of them than given: a file may say that a layer has any number of units.
class Loading {
 public:
  explicit Loading(std::size_t most_bytes);
  ~Loading();
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;

  static bool is_at_work();
  // Counts weights; ShapeError, naming whose they are, where they are too many.
  static void take(std::size_t bytes, const std::string& whose);

 private:
  Loading* before_;
  std::size_t left_;
};

}  // namespace rondo::graph
