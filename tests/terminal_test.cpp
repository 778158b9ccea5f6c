// What people see of a training: at a terminal, at a narrow one, and where standard output goes elsewhere.
#include <chrono>
#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>
#include <optional>
#include <sstream>
#include <thread>

#include <rondo/rondo.hpp>

#include "support/pseudo_terminal.hpp"

namespace rondo {
namespace {

using test::PseudoTerminal;
using test::Screen;
using test::show;

// An environment variable for a while; no value unsets it.
class Environment {
 public:
  Environment(const char* name, std::optional<std::string> value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Environment() { set(before_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  void set(const std::optional<std::string>& value) { value ? setenv(name_, value->c_str(), 1) : unsetenv(name_); }
  const char* name_;
  std::optional<std::string> before_;
};

class Terminal : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }

  // Three slow batches, so that the bar is redrawn; four metrics, and as many of the validation.
  static void train(const Callbacks& callbacks = {}) {
    Sequential model{Dense(1, {.input_shape = {1}})};
    model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae", "rmse", "binary_accuracy", "accuracy"}});
    Callbacks all = callbacks;
    all.push_back(std::make_shared<LambdaCallback>(LambdaCallback::Functions{
        .on_train_batch_end = [](Index, Logs&) { std::this_thread::sleep_for(std::chrono::milliseconds(110)); }}));
    const Tensor x = {{0.1}, {0.2}, {0.3}};
    model.fit(x, x, {.batch_size = 1, .callbacks = all, .validation_split = 0});
  }

  static std::string written_at(int columns) {
    PseudoTerminal terminal(columns);
    train();
    return terminal.finish();
  }

  Environment term_{"TERM", "xterm-256color"}, no_color_{"NO_COLOR", std::nullopt}, columns_{"COLUMNS", std::nullopt};
};

TEST_F(Terminal, AWideOneShowsTheWholeLineAndRedrawsIt) {
  const std::string written = written_at(150);
  EXPECT_NE(written.find("\033[32m"), std::string::npos) << "in colour";
  const Screen screen = show(written, 150);
  EXPECT_EQ(screen.lines.size(), 1U) << "one line, redrawn in place";
  EXPECT_EQ(screen.lines[0].find("3/3 ━━━━━━━━━━━━━━━━━━━━ 0s "), 0U) << screen.lines[0];
  for (const char* name : {"loss: ", "mae: ", "rmse: ", "binary_accuracy: ", "accuracy: "}) {
    EXPECT_NE(screen.lines[0].find(name), std::string::npos) << name << " in " << screen.lines[0];
  }
}

TEST_F(Terminal, ALineNeverRunsOverTheEdgeOfANarrowOne) {
  for (const int columns : {120, 80, 60, 40, 25, 12}) {
    const Screen screen = show(written_at(columns), static_cast<std::size_t>(columns));
    EXPECT_EQ(screen.wraps, 0) << columns << " columns";
    ASSERT_EQ(screen.lines.size(), 1U) << columns << " columns";
    EXPECT_EQ(screen.lines[0].find("3/3 "), 0U) << screen.lines[0];
  }
}

TEST_F(Terminal, SixtyColumnsKeepTheFirstNumbersAndSayThatThereAreMore) {
  const Screen screen = show(written_at(60), 60);
  EXPECT_NE(screen.lines[0].find(" - accuracy: "), std::string::npos) << screen.lines[0];
  EXPECT_EQ(screen.lines[0].substr(screen.lines[0].size() - 3), "…") << screen.lines[0];
}

TEST_F(Terminal, ALineFollowsTheWidthAsItChanges) {
  PseudoTerminal terminal(150);
  train({std::make_shared<LambdaCallback>(LambdaCallback::Functions{.on_train_batch_begin = [&](Index batch) {
    if (batch == 2) terminal.resize(50);
  }})});
  const std::string& written = terminal.finish();
  const Screen last = show(written.substr(written.rfind('\r', written.size() - 3)), 50);
  EXPECT_EQ(last.wraps, 0) << last.lines[0];
}

TEST_F(Terminal, OneThatTellsNoWidthIsAskedThroughTheEnvironment) {
  const Environment columns("COLUMNS", "50");
  EXPECT_EQ(show(written_at(0), 50).wraps, 0);
}

TEST_F(Terminal, ADumbOneGetsAFinishedLineWithoutControlCharacters) {
  for (const auto& kind : {std::optional<std::string>("dumb"), std::optional<std::string>()}) {
    const Environment dumb("TERM", kind);
    const std::string written = written_at(150);
    EXPECT_EQ(written.find('\033'), std::string::npos) << written;
    EXPECT_EQ(written.find('\r'), written.size() - 2) << "the terminal's own, at the end of the line: " << written;
  }
}

TEST_F(Terminal, NoColorLeavesTheColoursOut) {
  const Environment no_color("NO_COLOR", "1");
  const std::string written = written_at(150);
  EXPECT_EQ(written.find('\033'), std::string::npos) << written;
  EXPECT_EQ(show(written, 150).lines.size(), 1U) << "still redrawn in place";
  EXPECT_NE(written.find("2/3 ━━━━━━━━━━━━━───────"), std::string::npos) << "progress shows in the glyphs: " << written;
}

// Twenty epochs with a validation, verbose 3.
void train_with_a_chart() {
  Sequential model{Dense(1, {.input_shape = {1}})};
  model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
  const Tensor x = {{0.1}, {0.2}, {0.3}, {0.4}};
  model.fit(x, x, {.epochs = 20, .verbose = 3, .validation_split = 0.25});
}

TEST_F(Terminal, AChartOfTheLossesIsRedrawnInPlaceAboveTheLineOfTheEpoch) {
  const Environment locale("LC_ALL", "en_US.UTF-8");
  PseudoTerminal terminal(70);
  train_with_a_chart();
  const std::string& written = terminal.finish();
  // What the last drawing shows, which goes up over all of the one before.
  const std::size_t last = written.rfind("\033[13A");
  ASSERT_NE(last, std::string::npos) << written;
  std::string drawn = written.substr(last + 5);
  for (std::size_t at = 0; (at = drawn.find("\033[K")) != std::string::npos;) drawn.erase(at, 3);
  const Screen screen = show(drawn, 70);
  ASSERT_GE(screen.lines.size(), 13U) << drawn;
  EXPECT_EQ(screen.wraps, 0);
  EXPECT_EQ(screen.lines[0].find("loss ⠒⠒⠒  val_loss ⠒ ⠒"), 0U) << screen.lines[0];
  EXPECT_NE(screen.lines[1].find("┤"), std::string::npos) << screen.lines[1];
  EXPECT_EQ(screen.lines[12].find("Epoch 20/20: 1/1 - 0s - "), 0U) << screen.lines[12];
}

TEST_F(Terminal, AChartIsAsciiWhereTheLocaleIs) {
  const Environment locale("LC_ALL", "C");
  PseudoTerminal terminal(70);
  train_with_a_chart();
  for (const char c : terminal.finish()) EXPECT_LT(static_cast<unsigned char>(c), 128);
}

TEST_F(Terminal, AwayFromATerminalAChartIsTheLinesOfVerboseTwo) {
  std::ostringstream log;
  std::streambuf* before = std::cout.rdbuf(log.rdbuf());
  train_with_a_chart();
  std::cout.rdbuf(before);
  EXPECT_EQ(log.str().find("Epoch 1/20\n1/1 - 0s - "), 0U) << log.str();
  EXPECT_EQ(log.str().find('\033'), std::string::npos) << log.str();
  EXPECT_NE(log.str().find("Epoch 20/20\n1/1 - "), std::string::npos) << log.str();
}

TEST_F(Terminal, AStreamThatGoesElsewhereGetsNoControlCharacters) {
  std::ostringstream log;
  PseudoTerminal terminal(150);
  std::streambuf* before = std::cout.rdbuf(log.rdbuf());
  train();
  std::cout.rdbuf(before);
  EXPECT_EQ(terminal.finish(), "");
  EXPECT_EQ(log.str().find('\033'), std::string::npos) << log.str();
  EXPECT_EQ(log.str().find('\r'), std::string::npos) << log.str();
  EXPECT_EQ(log.str().find("3/3 ━━━━━━━━━━━━━━━━━━━━ 0s "), 0U) << log.str();
}

TEST_F(Terminal, ASummaryFitsAndIsWholeWhereTheStreamGoesElsewhere) {
  const Sequential model{LSTM(4, {.input_shape = {5, 2}}), Dense(1)};
  for (const int columns : {60, 20}) {
    PseudoTerminal terminal(columns);
    EXPECT_NO_THROW(model.summary());
    const std::size_t at_least = std::max<std::size_t>(static_cast<std::size_t>(columns), 40);
    EXPECT_EQ(show(terminal.finish(), at_least).wraps, 0) << columns << " columns";
  }
  std::ostringstream log;
  PseudoTerminal terminal(60);
  std::streambuf* before = std::cout.rdbuf(log.rdbuf());
  model.summary();
  std::cout.rdbuf(before);
  EXPECT_EQ(log.str(), [&] {
    terminal.finish();
    return model.summary_text();
  }());
}

}  // namespace
}  // namespace rondo
