#include <clocale>
#include <gtest/gtest.h>
#include <iomanip>
#include <locale>
#include <sstream>

#include <rondo/tensor.hpp>

#include "support/golden_reader.hpp"

namespace rondo {
namespace {

TEST(TensorPrint, IsThatOfNumPy) {
  for (const golden::Json& one : golden::utils_cases("print")) {
    EXPECT_EQ(to_string(golden::tensor(one.at("args"))), one.at("result").get<std::string>()) << one.at("id");
  }
}

TEST(TensorPrint, AlignsNumbersAtTheirPoints) {
  EXPECT_EQ(to_string(Tensor{10, 20, 100, 112, 120}), "[ 10.  20. 100. 112. 120.]");
  EXPECT_EQ(to_string(Tensor{{0.5, 2}, {-1, 0.25}}), "[[ 0.5   2.  ]\n [-1.    0.25]]");
}

TEST(TensorPrint, ShortensLongAxes) { EXPECT_EQ(to_string(Tensor::zeros({2000})), "[0. 0. 0. ... 0. 0. 0.]"); }

// A locale of a stream that writes 1.234,5.
struct German : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST(TensorPrint, KnowsNeitherFlagsNorLocaleOfTheStream) {
  std::ostringstream out;
  out.imbue(std::locale(std::locale::classic(), new German));
  out << std::hex << std::showpos << std::fixed << std::setprecision(1) << std::setfill('*') << std::setw(40)
      << Tensor{1234.5, 0.25} << Tensor(Shape(), std::vector<double>{0.125});
  EXPECT_EQ(out.str(), "[1.2345e+03 2.5000e-01]0.125");
  out.str("");
  out << Tensor{1, 2} << 1234;
  EXPECT_EQ(out.str(), "[1. 2.]4d2") << "and leaves them as they were";
}

TEST(TensorPrint, KnowsNoLocaleOfTheProgram) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) {
    if (std::setlocale(LC_ALL, locale) == nullptr) continue;
    EXPECT_EQ(to_string(Tensor{0.5, 1.25}), "[0.5  1.25]") << locale;
  }
  std::setlocale(LC_ALL, before.c_str());
}

}  // namespace
}  // namespace rondo
