// How the program ends.
#pragma once

#include <stdexcept>
#include <string>

namespace rondo::cli {

// Exit statuses, told in docs/cli.md.
enum Status : int {
  kDone = 0,
  kFailed = 1,    // a file that cannot be read or written, no memory left
  kUsage = 2,     // the command line
  kBadData = 3,   // a file of numbers
  kBadModel = 4,  // a model file that is damaged, not read, or not equal
  kInterrupted = 130
};

// Ends the program with a status; the text goes to standard error behind "rondo: ".
class Failure : public std::runtime_error {
 public:
  Failure(Status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  Status status() const { return status_; }

 private:
  Status status_;
};

}  // namespace rondo::cli
