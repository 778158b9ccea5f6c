// What is otherwise while a model is made of a configuration that may be anybody's.
#pragma once

#include <cstddef>
#include <string>

namespace rondo::graph {

// Where the first weights of a model come from that is being made.
enum class FirstWeights { drawn, from_file };

// While it lives, what the thread builds is bounded: weights to so many bytes, since a configuration may say that a
// layer has any number of units; and layers and their calls to kMostSteps, since models inside models are walked once
// for each call of theirs, and a few lines may ask for billions. For weights that a file has, none are drawn: they are
// zeros, which the file's replace. One inside another never allows more than that.
class Loading {
 public:
  // Of the deepest recurrent models of a few hundred layers it takes some thousands; so many take 50 ms or so.
  static constexpr std::size_t kMostSteps = 100'000;

  Loading(FirstWeights weights, std::size_t most_bytes);
  // Bytes that weights from a file of so many may take. They stand there once; packed they take up to 16 times their
  // bytes, where layers have a single unit.
  static constexpr std::size_t bytes_for(std::size_t file_bytes) { return (std::size_t{1} << 24) + 16 * file_bytes; }
  ~Loading();
  Loading(const Loading&) = delete;
  Loading& operator=(const Loading&) = delete;

  // Whether first weights are to be drawn: always, where nothing is loaded.
  static bool draws_weights();
  // Counts weights; ShapeError, naming whose they are, where they are too many.
  static void take(std::size_t bytes, const std::string& whose);
  // Counts a layer that is made or called; ConfigError where there are too many.
  static void step();

 private:
  Loading* before_;
  FirstWeights weights_;
  std::size_t most_bytes_, left_, steps_left_;
};

}  // namespace rondo::graph
