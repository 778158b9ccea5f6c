// Nothing that Rondo writes or reads depends on the program's locale or on what was done to std::cout.
#include <cstdio>
#include <gtest/gtest.h>
#include <iostream>
#include <regex>
#include <sstream>

#include <rondo/rondo.hpp>

#include "support/other_locale.hpp"
#include "support/printed.hpp"

namespace rondo {
namespace {

using test::OtherLocale;
using test::printed;

// What `action` leaves behind, in an ordinary program and in one with a decimal comma.
template <class Action>
void expect_same(Action action) {
  const std::string expected = action();
  const OtherLocale other;
  EXPECT_EQ(action(), expected);
}

Sequential small_model() {
  clear_session();
  set_random_seed(1);
  Sequential model{LSTM(20, {.input_shape = {3, 1}}), Dense(1)};
  model.compile({.optimizer = Adam({.learning_rate = 0.05}), .loss = "mse", .metrics = {"mae"}});
  return model;
}

Tensor inputs() { return Tensor{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2}.reshape({4, 3, 1}); }
Tensor labels() { return Tensor{{0.4}, {0.7}, {1.0}, {1.3}}; }

TEST(Locale, TheOtherLocaleIsWorthItsName) {
  const OtherLocale other;
  std::ostringstream text;
  text << 1234.5;
  EXPECT_NE(text.str(), "1234.5") << "C++'s streams write a comma";
  char c_text[20];
  std::snprintf(c_text, sizeof c_text, "%.1f", 1234.5);
  if (other.reaches_c()) {
    EXPECT_STREQ(c_text, "1234,5");
  } else {
    std::cerr << "[   NOTE   ] no C locale with a decimal comma here (and no localedef to make one, package locales): "
                 "these tests cover C++'s locales and streams alone\n";
  }
}

TEST(Locale, TrainingPrintsTheSameLines) {
  for (const int verbose : {1, 2}) {
    expect_same([verbose] {
      const std::string text = printed([verbose] {
        const Sequential model = small_model();
        const History history = model.fit(inputs(), labels(), {.batch_size = 1, .epochs = 12, .verbose = verbose});
        model.evaluate(inputs(), labels(), {.verbose = verbose});
        (void)model.predict(inputs(), {.verbose = verbose});
      });
      return std::regex_replace(text, std::regex("[0-9]+(s|ms|us)(/step)?"), "TIME");
    });
  }
}

TEST(Locale, ASummaryIsTheSame) {
  expect_same([] { return printed([] { small_model().summary({.show_trainable = true}); }); });
}

TEST(Locale, CsvNumbersAreReadAsEver) {
  expect_same([] {
    const Tensor numbers = parse_csv("a,b\n1.5,1234.25\n-2e-3,7\n").numbers("b");
    const Tensor decimal = parse_csv("a;b\n1,5;2\n", {.decimal = ','}).numbers("a");
    return numbers.to_vector() == std::vector{1234.25, 7.0} && decimal(0) == 1.5 ? "right" : "wrong";
  });
}

TEST(Locale, AMissingFileIsReportedInEnglish) {
  expect_same([]() -> std::string {
    try {
      (void)read_csv("no/such/file.csv");
    } catch (const FileError& error) {
      return error.what();
    }
    return "";
  });
}

TEST(Locale, APictureIsTheSame) {
  const auto picture = [] {
    LinePlot plot({.title = "x"});
    plot.add({.label = "a", .y = Tensor{0.5, 1234.25, 99999.5, 1e-7}});
    return plot.svg();
  };
  expect_same(picture);
}

}  // namespace
}  // namespace rondo
