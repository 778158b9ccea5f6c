// A program of a user whose language writes 1.234,5: the library's texts and numbers may not depend on it.
#pragma once

#include <cstdlib>
#include <ios>
#include <iostream>
#include <locale>
#include <string>

namespace rondo::test {

// While it lives, C's locale is one with a decimal comma where the system has any (or can make one with localedef),
// C++'s global locale has a decimal comma and groups digits, and std::cout has that locale and the worst of flags.
class OtherLocale {
 public:
  OtherLocale();
  ~OtherLocale();
  OtherLocale(const OtherLocale&) = delete;
  OtherLocale& operator=(const OtherLocale&) = delete;

  // Whether C's locale has a decimal comma now; C++'s always has.
  bool reaches_c() const { return reaches_c_; }
  // Sets a stream up as std::cout is.
  static void disturb(std::ios& stream);

 private:
  std::string c_before_;
  std::locale cpp_before_;
  std::ios cout_before_{nullptr};
  bool reaches_c_;
};

}  // namespace rondo::test
