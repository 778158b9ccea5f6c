// A terminal of the test's own, of any width, that remembers what it shows.
#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace rondo::test {

// While it lives, standard output (descriptor 1) is a terminal.
class PseudoTerminal {
 public:
  explicit PseudoTerminal(int columns);
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  void resize(int columns);
  // Gives standard output back and returns all that was written, byte by byte.
  const std::string& finish();

 private:
  int master_ = -1, slave_ = -1, stdout_before_ = -1;
  std::string written_;
  std::thread reader_;
};

// The lines that a terminal of so many columns shows after this was written to it, colours left out, and how often text
// ran over the right edge into the next line.
struct Screen {
  std::vector<std::string> lines;
  int wraps = 0;
};
Screen show(const std::string& written, std::size_t columns);

}  // namespace rondo::test
