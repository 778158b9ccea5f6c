#include "training/loss_chart.hpp"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

#include "core/names.hpp"

namespace rondo::training {
namespace {

using Lines = std::vector<std::string>;

Lines chart(const std::vector<double>& loss, const std::vector<double>& val_loss, Index columns, bool unicode,
            Index validated_every = 1) {
  std::vector<ChartLine> lines{{"loss", loss, {}}};
  for (std::size_t e = 0; e < loss.size(); ++e) lines[0].epochs.push_back(static_cast<Index>(e));
  if (!val_loss.empty()) lines.push_back({"val_loss", val_loss, {}});
  for (std::size_t v = 1; v <= val_loss.size(); ++v) {
    lines[1].epochs.push_back(static_cast<Index>(v) * validated_every - 1);
  }
  Lines rows;
  std::string row;
  for (const char c : loss_chart(lines, columns, unicode)) {
    if (c != '\n') {
      row += c;
    } else {
      rows.push_back(std::exchange(row, {}));
    }
  }
  EXPECT_EQ(row, "") << "the last line ends";
  return rows;
}

TEST(LossChart, IsDrawnInAscii) {
  EXPECT_EQ(chart({10, 7, 4, 1}, {}, 23, false), (Lines{
                                                     "loss ***  ",
                                                     "         10 |*         ",
                                                     "            | *        ",
                                                     "            |  *       ",
                                                     "            |   *      ",
                                                     "            |    *     ",
                                                     "            |     *    ",
                                                     "            |      *   ",
                                                     "            |       *  ",
                                                     "            |        * ",
                                                     "          1 |         *",
                                                     "             1        4",
                                                 }));
}

TEST(LossChart, DrawsTheValidationBehindTheLoss) {
  const Lines rows = chart({10, 1}, {10, 10}, 23, false);
  EXPECT_EQ(rows[0], "loss ***  val_loss ooo  ");
  EXPECT_EQ(rows[1], "         10 |*ooooooooo");
}

TEST(LossChart, LeavesNoHolesInASteepLine) {
  const Lines rows = chart({5, 5, 1, 1}, {}, 23, false);
  for (std::size_t row = 1; row <= 10; ++row) EXPECT_NE(rows[row].find('*'), std::string::npos) << row;
}

TEST(LossChart, IsLogarithmicWhereLossesSpanDecades) {
  const std::vector<double> decades = {1, 0.1, 0.01, 0.001};
  const Lines rows = chart(decades, {}, 23, false);
  EXPECT_EQ(rows[0], "loss ***  (logarithmic)");
  EXPECT_EQ(rows[1], "          1 |**        ");
  EXPECT_EQ(rows[4], "            |   **     ") << "a third of the way";
  EXPECT_EQ(rows[10], "      0.001 |         *");
  EXPECT_EQ(chart({1, 0.1, 0.001, 0}, {}, 23, false)[0], "loss ***  ");
}

TEST(LossChart, HasFourTimesAsManyRowsOfDotsInBraille) {
  const Lines rows = chart({4, 1}, {}, 23, true);
  EXPECT_EQ(rows[0], "loss ⠒⠒⠒  ");
  EXPECT_EQ(rows[1], "          4 ┤⠱⡀        ");
  EXPECT_EQ(rows[10], "          1 ┤         ⢣");
  EXPECT_NE(chart({4, 4}, {1, 1}, 23, true)[10].find("⣀ ⣀ "), std::string::npos) << "the validation is dashed";
}

TEST(LossChart, FitsIntoTheColumnsWhateverTheNumbers) {
  const std::vector<std::vector<double>> cases = {{1},
                                                  {3, 3, 3},
                                                  {std::nan(""), 1, std::nan(""), 2},
                                                  {std::nan("")},
                                                  {1e300, -1e300},
                                                  std::vector<double>(1000, 0.5),
                                                  {0, 0}};
  for (const auto& losses : cases) {
    for (const Index columns : {24, 60, 79, 300}) {
      for (const bool unicode : {false, true}) {
        const Lines rows = chart(losses, losses, columns, unicode);
        EXPECT_EQ(rows.size(), 12U) << "as many for any numbers";
        for (std::size_t row = 1; row < rows.size(); ++row) {
          EXPECT_LE(display_width(rows[row]), static_cast<std::size_t>(std::max<Index>(columns, 24))) << rows[row];
        }
      }
    }
  }
}

TEST(LossChart, PutsValidationsWhereTheyFollowedAnEpoch) {
  const Lines rows = chart({9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, {1, 1}, 23, false, 5);
  EXPECT_EQ(rows[10], "          1 |    oooooo") << "from the fifth epoch on";
}

}  // namespace
}  // namespace rondo::training
