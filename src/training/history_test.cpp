#include <cmath>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

#include <rondo/error.hpp>
#include <rondo/history.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

using test::expect_error;

Logs logs(std::initializer_list<std::pair<const char*, double>> entries) {
  Logs all;
  for (const auto& [name, value] : entries) all.set(name, value);
  return all;
}

TEST(Logs, KeepTheirOrderAndReplaceValues) {
  Logs l = logs({{"b", 1}, {"a", 2}});
  l.set("b", 3);
  std::string order;
  for (const auto& [name, value] : l) order += name + std::to_string(static_cast<int>(value));
  EXPECT_EQ(order, "b3a2");
  EXPECT_TRUE(l.contains("a"));
  EXPECT_FALSE(l.contains("c"));
  EXPECT_THROW((void)l["c"], ConfigError);
}

TEST(Logs, AreEmptyAfterClearAndTakeOtherNames) {
  Logs l = logs({{"a_name_that_is_longer_than_a_short_string", 1}, {"a", 2}});
  l.clear();
  EXPECT_TRUE(l.empty());
  EXPECT_FALSE(l.contains("a"));
  EXPECT_EQ(l.begin(), l.end());
  l.set("c", 5);
  EXPECT_EQ(l["c"], 5);
  EXPECT_FALSE(l.contains("a"));
  const Logs copy = l;
  EXPECT_EQ(copy["c"], 5);
}

TEST(History, CollectsOneNumberPerEpochAndName) {
  History history;
  history.append(3, logs({{"loss", 2}, {"val_loss", 4}}));
  history.append(4, logs({{"loss", 1}, {"val_loss", 3}, {"learning_rate", 0.5}}));
  EXPECT_EQ(history["loss"], (std::vector<double>{2, 1}));
  EXPECT_EQ(history["val_loss"], (std::vector<double>{4, 3}));
  EXPECT_EQ(history["learning_rate"], (std::vector<double>{0.5}));
  EXPECT_EQ(history.names(), (std::vector<std::string>{"loss", "val_loss", "learning_rate"}));
  EXPECT_EQ(history.epochs(), (std::vector<Index>{3, 4}));
  EXPECT_FALSE(history.interrupted());
}

TEST(History, KnowsTheEpochsOfASeriesWithGaps) {
  History history;
  history.append(3, logs({{"loss", 3}}));
  history.append(4, logs({{"loss", 2}, {"val_loss", 5}}));
  history.append(5, logs({{"loss", 1}, {"once", 7}}));
  history.append(6, logs({{"loss", 1}, {"val_loss", 4}}));
  EXPECT_EQ(history.epochs("loss"), (std::vector<Index>{3, 4, 5, 6}));
  EXPECT_EQ(history.epochs("val_loss"), (std::vector<Index>{4, 6}));
  EXPECT_EQ(history.epochs("once"), (std::vector<Index>{5}));
  EXPECT_EQ(history["val_loss"], (std::vector<double>{5, 4}));
  EXPECT_THROW((void)history.epochs("accuracy"), ConfigError);
}

TEST(History, KnowsTheEpochsOfASeriesThatEndsEarly) {
  History history;
  history.append(0, logs({{"loss", 3}, {"rate", 1}}));
  history.append(1, logs({{"loss", 2}}));
  EXPECT_EQ(history.epochs("rate"), (std::vector<Index>{0}));
  history.append(2, logs({{"loss", 2}, {"rate", 1}}));
  EXPECT_EQ(history.epochs("rate"), (std::vector<Index>{0, 2}));
}

TEST(History, FindsKeras2sShortNameAndTheLongOne) {
  History today, then;
  today.append(0, logs({{"accuracy", 0.5}, {"val_accuracy", 0.25}}));
  EXPECT_EQ(today["acc"], today["accuracy"]);
  EXPECT_EQ(today["val_acc"], today["val_accuracy"]);
  EXPECT_TRUE(today.contains("acc"));
  then.append(0, logs({{"acc", 0.5}}));
  EXPECT_EQ(then["accuracy"], then["acc"]);
  EXPECT_FALSE(then.contains("loss"));
}

TEST(History, OfNoEpochSaysSo) {
  try {
    (void)History()["loss"];
    FAIL() << "nothing was thrown";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("no epoch was run"), std::string::npos) << error.what();
  }
}

// Expectations: Python's json.dumps of the same dictionary.
TEST(History, AsJsonIsWhatPythonWrites) {
  History history;
  EXPECT_EQ(history.to_json(), "{}");
  history.append(0, logs({{"loss", 0.1}, {"mae", 1}}));
  history.append(1, logs({{"loss", std::nan("")}, {"mae", HUGE_VAL}, {"val_loss", -HUGE_VAL}, {"\"\u00fc\"", 1e-5}}));
  EXPECT_EQ(
      history.to_json(),
      "{\"loss\": [0.1, NaN], \"mae\": [1.0, Infinity], \"val_loss\": [-Infinity], \"\\\"\\u00fc\\\"\": [1e-05]}");
}

TEST(History, AsCsvHasALineAnEpoch) {
  History history;
  EXPECT_EQ(history.to_csv(), "epoch\r\n");
  history.append(3, logs({{"loss", 0.5}}));
  history.append(4, logs({{"loss", 0.25}, {"a,b", 1}, {"val_loss", std::nan("")}}));
  history.append(5, logs({{"val_loss", 1e16}}));
  EXPECT_EQ(history.to_csv(), "epoch,\"a,b\",loss,val_loss\r\n3,NA,0.5,NA\r\n4,1.0,0.25,nan\r\n5,NA,NA,1e+16\r\n");
}

TEST(History, IsSavedAsTheNameEnds) {
  History history;
  history.append(0, logs({{"loss", 0.5}}));
  const std::string path = testing::TempDir() + "/rondo_history_" + std::to_string(getpid());
  const auto saved = [&](const std::string& end) {
    history.save(path + end);
    std::ifstream file(path + end, std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(file), {}};
    std::remove((path + end).c_str());
    return content;
  };
  EXPECT_EQ(saved(".json"), history.to_json());
  EXPECT_EQ(saved(".csv"), history.to_csv());
  expect_error<ConfigError>([&] { history.save("history.txt"); }, {"'history.txt'", ".json", ".csv"});
  expect_error<FileError>([&] { history.save("no/such/folder/a.csv"); }, {"no/such/folder/a.csv", "No such file"});
}

TEST(Evaluation, HasTheLossFirstAndFindsNames) {
  const Evaluation result({{"loss", 1}, {"mse", 2}, {"accuracy", 3}});
  EXPECT_EQ(result.loss(), 1);
  EXPECT_EQ(result["mse"], 2);
  EXPECT_EQ(result["acc"], 3);
  EXPECT_THROW((void)result["mae"], ConfigError);
}

}  // namespace
}  // namespace rondo
