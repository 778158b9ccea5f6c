#include "support/pseudo_terminal.hpp"

#include <cstdlib>
#include <fcntl.h>
#include <iostream>
#include <stdexcept>
#include <sys/ioctl.h>
#include <unistd.h>

namespace rondo::test {

PseudoTerminal::PseudoTerminal(int columns) : master_(posix_openpt(O_RDWR | O_NOCTTY)) {
  if (master_ < 0 || grantpt(master_) != 0 || unlockpt(master_) != 0) throw std::runtime_error("no pseudo terminal");
  slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
  if (slave_ < 0) throw std::runtime_error("the pseudo terminal cannot be opened");
  resize(columns);
  std::cout.flush();
  stdout_before_ = dup(STDOUT_FILENO);
  dup2(slave_, STDOUT_FILENO);
  reader_ = std::thread([this] {
    char block[4096];
    for (ssize_t got; (got = read(master_, block, sizeof block)) > 0;) {
      written_.append(block, static_cast<std::size_t>(got));
    }
  });
}

void PseudoTerminal::resize(int columns) {
  winsize size{};
  size.ws_row = 24;
  size.ws_col = static_cast<unsigned short>(columns);
  ioctl(slave_, TIOCSWINSZ, &size);
}

const std::string& PseudoTerminal::finish() {
  if (slave_ < 0) return written_;
  std::cout.flush();
  dup2(stdout_before_, STDOUT_FILENO);
  close(stdout_before_);
  close(slave_);
  slave_ = -1;
  reader_.join();  // reading ends with an error when the last writer has closed
  close(master_);
  return written_;
}

PseudoTerminal::~PseudoTerminal() { finish(); }

Screen show(const std::string& written, std::size_t columns) {
  std::vector<std::vector<std::string>> rows(1);
  Screen screen;
  std::size_t column = 0;
  for (std::size_t i = 0; i < written.size();) {
    const char c = written[i];
    if (c == '\r') {
      column = 0;
      ++i;
    } else if (c == '\n') {
      rows.emplace_back();
      ++i;
    } else if (c == '\033') {
      while (written[i] != 'm') ++i;
      ++i;
    } else {
      std::size_t length = 1;
      while (i + length < written.size() && (written[i + length] & 0xC0) == 0x80) ++length;
      if (column == columns) {
        rows.emplace_back();
        column = 0;
        ++screen.wraps;
      }
      if (rows.back().size() <= column) rows.back().resize(column + 1, " ");
      rows.back()[column++] = written.substr(i, length);
      i += length;
    }
  }
  for (const auto& row : rows) {
    std::string line;
    for (const std::string& glyph : row) line += glyph;
    line.erase(line.find_last_not_of(' ') + 1);
    screen.lines.push_back(line);
  }
  if (screen.lines.back().empty()) screen.lines.pop_back();
  return screen;
}

}  // namespace rondo::test
