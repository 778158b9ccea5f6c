// Files made to do harm: each must be an error that says what is wrong, in little time and memory.
#pragma once

#include <ctime>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <rondo/error.hpp>

#include "support/instrumented.hpp"

namespace rondo::test {

inline double peak_megabytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

struct Harm {
  double milliseconds = 50, megabytes = 64;
};

// The text of the FileError that the action throws, "no error" where it throws none. The test fails where it took more
// than `most`.
template <class Action>
std::string refusal(Action action, const Harm& most = {}) {
  const double before = peak_megabytes();
  const double limit = most.milliseconds * (instrumented() ? 10 : 1);
  std::string message;
  double milliseconds = limit;
  // Others may be at work as well, so it is the processor's time, and of three tries one is enough.
  for (int tries = 0; tries < 3 && milliseconds >= limit; ++tries) {
    const std::clock_t start = std::clock();
    message = "no error";
    try {
      action();
    } catch (const FileError& error) {
      message = error.what();
    }
    milliseconds = 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  EXPECT_LT(milliseconds, limit) << message;
  // Sanitizers put space around everything, and keep what is freed for a while; that of threads notes who was where.
  const int more = sanitizer() == Sanitizer::thread ? 8 : instrumented() ? 4 : 1;
  EXPECT_LT(peak_megabytes() - before, most.megabytes * more) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_LT(message.size(), 3000U);
  return message;
}

inline void expect_parts(const std::string& message, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) {
    EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in: " << message;
  }
}

}  // namespace rondo::test
