// An action must throw an error whose text holds certain parts.
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace rondo::test {

template <class Expected, class Action>
void expect_error(Action action, const std::vector<std::string>& parts) {
  try {
    action();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Expected& error) {
    const std::string message = error.what();
    for (const std::string& part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in: " << message;
    }
  }
}

}  // namespace rondo::test
