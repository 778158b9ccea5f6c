// What fuzz programs hold their subject to.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <rondo/error.hpp>

namespace rondo::fuzz {

// Says which promise was broken, and ends the program for the fuzzer to notice.
inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

inline void check_message(const Error& error, std::size_t most = 4000) {
  const std::string_view text = error.what();
  require(!text.empty() && text.find_first_of("\r\n") == std::string_view::npos, "a message is one line");
  require(text.size() < most, "a message can be read");
}

// Whether the action did not throw an error of this kind; any other ends the program.
template <class Expected, class Action>
bool succeeds(Action action) {
  try {
    action();
    return true;
  } catch (const Expected& error) {
    check_message(error);
    return false;
  }
}

}  // namespace rondo::fuzz
