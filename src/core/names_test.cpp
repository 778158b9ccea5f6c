#include "core/names.hpp"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>

#include "support/other_locale.hpp"

namespace rondo {
namespace {

TEST(DidYouMean, FindsTheNearestKnownName) {
  const std::vector<std::string> known = {"adam", "rmsprop", "sgd"};
  EXPECT_EQ(did_you_mean("adan", known), " Did you mean 'adam'?");
  EXPECT_EQ(did_you_mean("ADAN", known), " Did you mean 'adam'?");
  EXPECT_EQ(did_you_mean("rmsporp", known), " Did you mean 'rmsprop'?");
  EXPECT_EQ(did_you_mean("sgdd", known), " Did you mean 'sgd'?");
}

TEST(DidYouMean, IsSilentWhenNothingIsNear) {
  const std::vector<std::string> known = {"adam", "rmsprop", "sgd"};
  EXPECT_EQ(did_you_mean("follow_the_leader", known), "");
  EXPECT_EQ(did_you_mean("adam", {}), "");
}

TEST(DidYouMean, PrefersTheSpellingThatWasTyped) {
  const std::vector<std::string> known = {"Accuracy", "accuracy"};
  EXPECT_EQ(did_you_mean("acuracy", known), " Did you mean 'accuracy'?");
  EXPECT_EQ(did_you_mean("Acuracy", known), " Did you mean 'Accuracy'?");
}

TEST(NumberText, IsShortAndKnowsNoLocale) {
  EXPECT_EQ(number_text(0.95), "0.95");
  EXPECT_EQ(number_text(3), "3");
  EXPECT_EQ(number_text(-0.0), "-0");
  EXPECT_EQ(number_text(1.5e-5), "1.5e-05");
  EXPECT_EQ(number_text(1.0 / 3), "0.3333333333");
  EXPECT_EQ(number_text(1.0 / 3, 3), "0.333");
  EXPECT_EQ(number_text(HUGE_VAL), "inf");
  EXPECT_EQ(fixed_text(0.5, 2), "0.50");
  EXPECT_EQ(fixed_text(1e300, 0).size(), 301U);
  EXPECT_EQ(fixed_text(-12.345, 1), "-12.3");
}

// Expectations: Python's repr.
TEST(ExactText, IsTheShortestThatReadsBackAsPythonWritesIt) {
  for (const auto& [value, text] :
       std::vector<std::pair<double, const char*>>{{0.1, "0.1"},
                                                   {3, "3.0"},
                                                   {-0.0, "-0.0"},
                                                   {1.0 / 3, "0.3333333333333333"},
                                                   {100000, "100000.0"},
                                                   {0.0001, "0.0001"},
                                                   {0.00001, "1e-05"},
                                                   {0.000123, "0.000123"},
                                                   {-1.5e-7, "-1.5e-07"},
                                                   {9007199254740994, "9007199254740994.0"},
                                                   {1e16, "1e+16"},
                                                   {1.7976931348623157e308, "1.7976931348623157e+308"},
                                                   {5e-324, "5e-324"},
                                                   {HUGE_VAL, "inf"},
                                                   {-HUGE_VAL, "-inf"},
                                                   {std::nan(""), "nan"},
                                                   {-std::nan(""), "nan"}}) {
    EXPECT_EQ(exact_text(value), text);
  }
}

TEST(QuotedList, QuotesAndSeparates) {
  const std::vector<std::string> names = {"a", "b"};
  EXPECT_EQ(quoted_list(names), "'a', 'b'");
  EXPECT_EQ(quoted_list({}), "");
}

// The table of keras-spec's "Automatic names".
TEST(SnakeCase, IsThatOfKeras) {
  for (const auto& [class_name, name] :
       std::vector<std::pair<const char*, const char*>>{{"LSTM", "lstm"},
                                                        {"SimpleRNN", "simple_rnn"},
                                                        {"LSTMCell", "lstm_cell"},
                                                        {"InputLayer", "input_layer"},
                                                        {"TimeDistributed", "time_distributed"},
                                                        {"RMSprop", "rm_sprop"},
                                                        {"L1L2", "l1l2"},
                                                        {"Conv1D", "conv1d"},
                                                        {"MaxPooling1D", "max_pooling1d"},
                                                        {"GlobalAveragePooling1D", "global_average_pooling1d"},
                                                        {"RepeatVector", "repeat_vector"},
                                                        {"AdamW", "adam_w"},
                                                        {"F1Score", "f1_score"},
                                                        {"R2Score", "r2_score"},
                                                        {"LayerNormalization", "layer_normalization"},
                                                        {"mean_squared_error", "mean_squared_error"}}) {
    EXPECT_EQ(snake_case(class_name), name);
  }
}

TEST(CamelCase, IsTheWayBack) {
  EXPECT_EQ(camel_case("mean_squared_error"), "MeanSquaredError");
  EXPECT_EQ(camel_case("dense"), "Dense");
}

TEST(Numbers, AreWrittenAsPrintfDoesInTheCLocale) {
  for (const double value : {0.0, 1.0, -0.5, 1234567.0, 0.1, 1e-5, 1e300, -1e-300, 99999.5, 0.00095}) {
    char text[400];
    std::snprintf(text, sizeof text, "%.10g", value);
    EXPECT_EQ(number_text(value), text);
    std::snprintf(text, sizeof text, "%.3g", value);
    EXPECT_EQ(number_text(value, 3), text);
    std::snprintf(text, sizeof text, "%.4f", value);
    EXPECT_EQ(fixed_text(value, 4), text);
    std::snprintf(text, sizeof text, "%.4e", value);
    EXPECT_EQ(scientific_text(value, 4), text);
  }
}

TEST(Numbers, AreTheSameInALocaleWithADecimalComma) {
  const test::OtherLocale other;
  EXPECT_EQ(number_text(1234.5), "1234.5");
  EXPECT_EQ(fixed_text(1234.5, 2), "1234.50");
  EXPECT_EQ(scientific_text(1234.5, 1), "1.2e+03");
}

TEST(LowerCase, KnowsTheLettersAToZ) {
  const test::OtherLocale other;
  EXPECT_EQ(lower_case("HI there \xC4 \xDC"), "hi there \xC4 \xDC");
  EXPECT_EQ(snake_case("INITIALIZER"), "initializer");
  EXPECT_EQ(camel_case("initial_id"), "InitialId");
}

TEST(SystemErrorText, IsEnglish) {
  const test::OtherLocale other;
  EXPECT_EQ(system_error_text(ENOENT), "No such file or directory");
}

TEST(UniqueName, CountsPerClassAndStartsAnew) {
  reset_unique_names();
  EXPECT_EQ(unique_name("LSTM"), "lstm");
  EXPECT_EQ(unique_name("LSTM"), "lstm_1");
  EXPECT_EQ(unique_name("Dense"), "dense");
  EXPECT_EQ(unique_name("LSTM"), "lstm_2");
  reset_unique_names();
  EXPECT_EQ(unique_name("LSTM"), "lstm");
}

}  // namespace
}  // namespace rondo
