// A model file of the command line.
#pragma once

#include <memory>
#include <string>

#include <rondo/model.hpp>

#include "files.hpp"

namespace rondo::cli {

class GivenModel {
 public:
  // A path, or "-" for standard input, which is read now.
  explicit GivenModel(const std::string& argument);

  // For messages and reports: the path, or "standard input".
  const std::string& name() const { return name_; }

  // read(path). What is wrong with the file ends the program with kBadModel, in the command line's words.
  template <class F>
  auto read(const F& read) const {
    try {
      return reading(path_, kBadModel, [&] { return read(path_); });
    } catch (const Failure& failure) {
      throw Failure(failure.status(), in_own_words(failure.what()));
    }
  }
  Model load(bool compile) const;

 private:
  std::string in_own_words(std::string message) const;

  std::string name_, path_;
  std::unique_ptr<TemporaryFolder> folder_;  // of standard input
};

}  // namespace rondo::cli
