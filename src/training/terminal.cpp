#include "training/terminal.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>
#ifdef __GLIBCXX__
#include <ext/stdio_filebuf.h>
#include <ext/stdio_sync_filebuf.h>
#endif

#include "core/names.hpp"

namespace rondo::training {

namespace {

#ifdef __GLIBCXX__
// The descriptor behind std::cout, with or without sync_with_stdio; -1 for any other buffer.
int output_descriptor() {
  std::streambuf* buffer = std::cout.rdbuf();
  if (auto* synchronised = dynamic_cast<__gnu_cxx::stdio_sync_filebuf<char>*>(buffer)) {
    return fileno(synchronised->file());
  }
  if (auto* own = dynamic_cast<__gnu_cxx::stdio_filebuf<char>*>(buffer)) return own->fd();
  return -1;
}
#else
// Other libraries do not tell; they keep one buffer for std::cout.
const std::streambuf* const g_buffer_at_start = std::cout.rdbuf();
int output_descriptor() { return std::cout.rdbuf() == g_buffer_at_start ? STDOUT_FILENO : -1; }
#endif

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

void print(std::string_view text) {
  std::cout.write(text.data(), static_cast<std::streamsize>(text.size()));
  std::cout.flush();
}

bool can_redraw() {
  const std::string_view kind = environment("TERM");
  return !kind.empty() && kind != "dumb" && isatty(output_descriptor()) == 1;
}

bool wants_colours() { return environment("NO_COLOR").empty(); }

bool shows_unicode() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string locale = lower_case(environment(name));
    if (!locale.empty()) return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
  }
  return false;
}

std::optional<Index> terminal_columns() {
  constexpr Index kUsual = 80;
  const int descriptor = output_descriptor();
  if (isatty(descriptor) != 1) return std::nullopt;
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const std::string_view told = environment("COLUMNS");
  Index columns = 0;
  std::from_chars(told.data(), told.data() + told.size(), columns);
  return columns > 0 ? columns : kUsual;
}

}  // namespace rondo::training
