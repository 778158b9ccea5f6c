// What an action writes to standard output. The capture is a file, so nothing here is at a terminal.
#pragma once

#include <gtest/gtest.h>
#include <string>

namespace rondo::test {

template <class Action>
std::string printed(Action action) {
  testing::internal::CaptureStdout();
  action();
  return testing::internal::GetCapturedStdout();
}

}  // namespace rondo::test
