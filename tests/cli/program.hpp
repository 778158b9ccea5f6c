// Runs the command line program.
#pragma once

#include <string>
#include <vector>

#include <rondo/model.hpp>

#include "support/workshop.hpp"

namespace rondo::test {

// Where it is: in the build tree of the tests.
std::string program();

struct Ran {
  int status = -1;
  std::string out, err;
};

// A test's folder, in which the program runs.
class Cli : public Workshop {
 public:
  // `arguments` as a shell takes them, with redirections where wanted.
  Ran run(const std::string& arguments, const std::string& input = "") const;
};

// The program must end with this status, print nothing where it fails, and say all the parts on standard error.
void expect_failure(const Ran& ran, int status, const std::vector<std::string>& parts);
// It must succeed, silently on standard error.
void expect_success(const Ran& ran);

// tests/golden/models/<name>.
std::string golden_model(const std::string& name);

// LSTM(3) over (steps, 2), then Dense(1), compiled with Adam, after one step; the same each time. Without a number of
// steps any will do.
Model small_model(Index steps = 4, bool return_sequences = false);

}  // namespace rondo::test
