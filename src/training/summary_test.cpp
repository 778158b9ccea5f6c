#include <gtest/gtest.h>

#include <rondo/error.hpp>
#include <rondo/layers.hpp>
#include <rondo/model.hpp>

namespace rondo {
namespace {

// A terminal narrower than 88 columns would shorten the default.
SummaryOptions wide(Index width = 88, bool show_trainable = false) {
  return {.line_length = width, .print_fn = {}, .show_trainable = show_trainable};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// Characters, not bytes: every one of the table takes a column.
std::size_t columns(const std::string& line) {
  std::size_t n = 0;
  for (const char c : line) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
  return n;
}

class Summary : public testing::Test {
 protected:
  void SetUp() override { clear_session(); }
};

TEST_F(Summary, IsTheTableOfKerasAfterAFitWithAdam) {
  const Sequential model{LSTM(3, {.input_shape = {5, 2}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  model.fit(Tensor::zeros({4, 5, 2}), Tensor::zeros({4, 1}), {.verbose = 0});
  EXPECT_EQ(model.summary_text(wide()), R"(Model: "sequential"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━┓
┃ Layer (type)                         ┃ Output Shape                ┃         Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━┩
│ lstm (LSTM)                          │ (None, 3)                   │              72 │
├──────────────────────────────────────┼─────────────────────────────┼─────────────────┤
│ dense (Dense)                        │ (None, 1)                   │               4 │
└──────────────────────────────────────┴─────────────────────────────┴─────────────────┘
 Total params: 230 (920.00 B)
 Trainable params: 76 (304.00 B)
 Non-trainable params: 0 (0.00 B)
 Optimizer params: 154 (616.00 B)
)");
}

TEST_F(Summary, CountsTheOptimizerOnlyOnceItHasWorked) {
  const Sequential model{LSTM(3, {.input_shape = {5, 2}}), Dense(1)};
  model.compile({.optimizer = "adam", .loss = "mse"});
  const std::string text = model.summary_text(wide());
  EXPECT_NE(text.find(" Total params: 76 (304.00 B)\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("Optimizer"), std::string::npos) << text;
}

TEST_F(Summary, OfAModelWithoutShapesShowsWhatIsUnknown) {
  const Sequential model{LSTM(3), Dense(1)};
  const std::vector<std::string> lines = lines_of(model.summary_text(wide()));
  ASSERT_EQ(lines.size(), 11u);
  EXPECT_EQ(lines[4], "│ lstm (LSTM)                          │ ?                           │     0 (unbuilt) │");
  EXPECT_EQ(lines[8], " Total params: 0 (0.00 B)");
}

TEST_F(Summary, ShowsSequencesAndLargeCountsWithCommas) {
  const Sequential model{LSTM(200, {.return_sequences = true, .input_shape = {5, 100}}), Dense(1)};
  const std::string text = model.summary_text(wide());
  EXPECT_NE(text.find("│ (None, 5, 200)              │         240,800 │"), std::string::npos) << text;
  EXPECT_NE(text.find("│ (None, 5, 1)                │             201 │"), std::string::npos) << text;
  EXPECT_NE(text.find(" Total params: 241,001 (941.41 KB)"), std::string::npos) << text;
}

TEST_F(Summary, MayShowWhatIsTrainable) {
  const Sequential model{LSTM(3, {.trainable = false, .input_shape = {5, 2}}), Dense(1), Activation("tanh")};
  const std::vector<std::string> lines = lines_of(model.summary_text(wide(100, true)));
  EXPECT_EQ(lines[2],
            "┃ Layer (type)                          ┃ Output Shape                  ┃        Param # ┃ Traina… ┃");
  EXPECT_EQ(lines[4],
            "│ lstm (LSTM)                           │ (None, 3)                     │             72 │    N    │");
  EXPECT_EQ(lines[6],
            "│ dense (Dense)                         │ (None, 1)                     │              4 │    Y    │");
  EXPECT_EQ(lines[8],
            "│ activation (Activation)               │ (None, 1)                     │              0 │    -    │");
  EXPECT_EQ(lines[11], " Trainable params: 4 (16.00 B)");
  EXPECT_EQ(lines[12], " Non-trainable params: 72 (288.00 B)");
}

TEST_F(Summary, WrapsLongNamesInsideTheirCell) {
  const Sequential model{
      LSTM(3, {.name = "a_layer_with_a_name_as_long_as_its_author_liked_it_to_be", .input_shape = {5, 2}})};
  const std::vector<std::string> lines = lines_of(model.summary_text(wide()));
  ASSERT_GT(lines.size(), 6u);
  std::string name;
  for (std::size_t i = 1; i < lines.size() && lines[i][0] != ' '; ++i) {
    EXPECT_EQ(columns(lines[i]), 88u) << lines[i];
    if (i >= 4) name += lines[i].substr(std::string("│ ").size(), 36);
  }
  EXPECT_NE(name.find("a_layer_with_a_name_as_long_as_its_"), std::string::npos) << name;
  EXPECT_NE(lines[5].find("(LSTM)"), std::string::npos) << "what did not fit stands in the next line: " << lines[5];
}

TEST_F(Summary, EveryLineOfTheTableHasTheWidthAskedFor) {
  const Sequential model{LSTM(3, {.input_shape = {5, 2}}), Dense(1)};
  for (const Index width : {40, 72, 80, 88, 120}) {
    for (const std::string& line : lines_of(model.summary_text(wide(width)))) {
      if (line[0] == ' ' || line[0] == 'M') continue;
      EXPECT_EQ(static_cast<Index>(columns(line)), width) << line;
    }
  }
  EXPECT_THROW((void)model.summary_text(wide(20)), ConfigError);
}

TEST_F(Summary, GoesToAFunctionOrToStandardOutput) {
  const Sequential model{Dense(1, {.input_shape = {2}})};
  std::vector<std::string> calls;
  model.summary({.line_length = 88, .print_fn = [&](const std::string& text) { calls.push_back(text); }});
  ASSERT_EQ(calls.size(), 1u) << "the whole text in one call";
  EXPECT_EQ(calls[0], model.summary_text(wide()));
  testing::internal::CaptureStdout();
  model.summary({.line_length = 88});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), calls[0]);
}

TEST_F(Summary, CountsBytesOfTheModelsDtype) {
  const Sequential model{Dense(1, {.dtype = DType::float64, .input_shape = {2}})};
  EXPECT_NE(model.summary_text(wide()).find(" Total params: 3 (24.00 B)"), std::string::npos);
}

}  // namespace
}  // namespace rondo
