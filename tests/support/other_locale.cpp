#include "support/other_locale.hpp"

#include <clocale>
#include <filesystem>
#include <unistd.h>

namespace rondo::test {

namespace {

namespace fs = std::filesystem;

struct CommaAndGroups final : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return ' '; }  // as in French
  std::string do_grouping() const override { return "\1"; }
  std::string do_truename() const override { return "wahr"; }
};

std::locale comma_and_groups() { return {std::locale::classic(), new CommaAndGroups}; }

bool set_comma_locale() {
  for (const char* name :
       {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "es_ES.UTF-8", "it_IT.UTF-8", "de_DE", "tr_TR"}) {
    if (std::setlocale(LC_ALL, name) != nullptr && *std::localeconv()->decimal_point == ',') return true;
  }
  return false;
}

// A German locale of our own, made once in the build tree: needs localedef and its sources (package locales), but not
// to be root. It takes two seconds, and every test is a process.
fs::path own_locale() {
  const fs::path folder = fs::read_symlink("/proc/self/exe").parent_path() / "locale";
  if (fs::exists(folder)) return folder;
  const fs::path unfinished = folder.string() + std::to_string(getpid());
  fs::create_directories(unfinished);
  const std::string make = "localedef -c -i de_DE -f UTF-8 '" + (unfinished / "de_DE.UTF-8").string() + "'";
  (void)!std::system((make + " >/dev/null 2>&1").c_str());
  std::error_code another_was_first;
  fs::rename(unfinished, folder, another_was_first);
  if (another_was_first) fs::remove_all(unfinished);
  return folder;
}

bool set_own_locale() {
  const char* before = std::getenv("LOCPATH");
  const std::string restore = before != nullptr ? before : "";
  setenv("LOCPATH", own_locale().c_str(), 1);
  const bool works = set_comma_locale();
  before != nullptr ? setenv("LOCPATH", restore.c_str(), 1) : unsetenv("LOCPATH");
  return works;
}

}  // namespace

OtherLocale::OtherLocale()
    : c_before_(std::setlocale(LC_ALL, nullptr)),
      cpp_before_(std::locale::global(comma_and_groups())),
      reaches_c_(set_comma_locale() || set_own_locale()) {
  cout_before_.copyfmt(std::cout);
  disturb(std::cout);
}

OtherLocale::~OtherLocale() {
  std::cout.copyfmt(cout_before_);
  std::locale::global(cpp_before_);
  std::setlocale(LC_ALL, c_before_.c_str());
}

void OtherLocale::disturb(std::ios& stream) {
  stream.imbue(comma_and_groups());
  stream.setf(std::ios::hex, std::ios::basefield);
  stream.setf(std::ios::showbase | std::ios::showpos | std::ios::uppercase | std::ios::boolalpha | std::ios::left);
  stream.width(30);
  stream.fill('*');
  stream.precision(1);
}

}  // namespace rondo::test
