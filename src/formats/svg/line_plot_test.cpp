#include <algorithm>
#include <clocale>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <limits>
#include <sstream>
#include <unistd.h>

#include <rondo/plot.hpp>

#include "support/expect_error.hpp"
#include "support/nan.hpp"

namespace rondo {
namespace {

using Strings = std::vector<std::string>;

using test::kNaN;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What stands between two marks, for every occurrence.
Strings between(const std::string& text, const std::string& before, const std::string& after) {
  Strings found;
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    found.push_back(text.substr(at, text.find(after, at) - at));
  }
  return found;
}

Strings elements(const std::string& svg, const std::string& name) { return between(svg, "<" + name + " ", ">"); }

Strings texts(const std::string& svg) {
  Strings words;
  for (const std::string& text : between(svg, "<text ", "</text>")) words.push_back(text.substr(text.find('>') + 1));
  return words;
}

bool contains(const Strings& list, const std::string& wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

std::string attribute(const std::string& element, const std::string& name) {
  const Strings values = between(" " + element, " " + name + "=\"", "\"");
  return values.empty() ? "" : values.front();
}

// The tags that are open after the whole text, or "broken" where a tag closes that is not open or never ends.
std::string open_tags(const std::string& svg) {
  Strings open;
  for (std::size_t at = svg.find('<'); at != std::string::npos; at = svg.find('<', at + 1)) {
    const std::size_t end = svg.find('>', at);
    if (end == std::string::npos || svg.substr(at + 1, end - at - 1).find('<') != std::string::npos) return "broken";
    const std::string tag = svg.substr(at + 1, end - at - 1);
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return "broken";
    if (tag.back() == '/') continue;
    if (tag.front() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    } else if (open.empty() || open.back() != tag.substr(1)) {
      return "broken";
    } else {
      open.pop_back();
    }
  }
  std::string list;
  for (const std::string& tag : open) list += tag;
  return list;
}

// Well-formed, and every coordinate a number within the picture.
void expect_sound(const std::string& svg, const std::string& what) {
  EXPECT_EQ(open_tags(svg), "") << what;
  for (const char* name : {"x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "points", "width", "height"}) {
    for (std::string value : between(svg, std::string(" ").append(name).append("=\""), "\"")) {
      std::replace(value.begin(), value.end(), ',', ' ');
      std::istringstream numbers(value);
      numbers.imbue(std::locale::classic());
      for (double number; numbers >> number;) {
        EXPECT_TRUE(number >= 0 && number <= 10000) << what << ": " << name << "=\"" << value << "\"";
      }
      EXPECT_TRUE(numbers.eof()) << what << ": " << name << "=\"" << value << "\" is not made of numbers";
    }
  }
}

using test::expect_error;

LinePlot forecast_plot() {
  LinePlot plot({.title = "Forecast", .x_label = "month", .y_label = "sales"});
  plot.add({.label = "truth", .y = {10, 12, 11, 14}});
  plot.band({.label = "interval", .x = {2, 3}, .low = {9, 10}, .high = {13, 16}});
  plot.add({.label = "LSTM", .x = {2, 3}, .y = {11, 13}, .style = LineStyle::dashed});
  plot.add({.label = "seen", .x = {0, 1}, .y = {10, 12}, .style = LineStyle::points, .color = "black"});
  return plot;
}

TEST(LinePlot, DrawsLinesDashesPointsBandAndTexts) {
  const std::string svg = forecast_plot().svg();
  expect_sound(svg, "forecast");
  EXPECT_EQ(svg.substr(0, 39), "<svg xmlns=\"http://www.w3.org/2000/svg\"");
  for (const char* words : {"Forecast", "month", "sales", "truth", "interval", "LSTM", "seen"}) {
    EXPECT_TRUE(contains(texts(svg), words)) << words;
  }
  EXPECT_EQ(elements(svg, "polyline").size(), 4U);  // two lines, and their samples in the legend
  EXPECT_EQ(elements(svg, "polygon").size(), 1U);
  EXPECT_EQ(elements(svg, "circle").size(), 3U);
  EXPECT_EQ(between(svg, "stroke-dasharray", "\"/>").size(), 2U);
}

TEST(LinePlot, PutsValuesWhereTheAxesSay) {
  LinePlot plot;
  plot.add({.y = {0, 5, 10}});
  const std::string svg = plot.svg();
  const std::string points = attribute(elements(svg, "polyline").front(), "points");
  double x0, y0, x1, y1, x2, y2;
  ASSERT_EQ(std::sscanf(points.c_str(), "%lf,%lf %lf,%lf %lf,%lf", &x0, &y0, &x1, &y1, &x2, &y2), 6) << points;
  EXPECT_NEAR(x1, (x0 + x2) / 2, 0.011);
  EXPECT_NEAR(y1, (y0 + y2) / 2, 0.011);
  EXPECT_LT(x0, x2);
  EXPECT_GT(y0, y2);  // larger values are higher up
  // The topmost gridline, at the height of the last value, has the last label, 10.
  double top = y0;
  for (const std::string& line : elements(svg, "line")) top = std::min(top, std::stod(attribute(line, "y1")));
  EXPECT_NEAR(top, y2, 0.011);
  EXPECT_TRUE(contains(texts(svg), "10"));
}

TEST(LinePlot, LabelsTheTicksOfBothAxes) {
  LinePlot plot;
  plot.add({.x = {1949, 1955, 1960.9}, .y = {104, 300, 622}});
  const Strings words = texts(plot.svg());
  for (const char* tick : {"100", "200", "600", "700", "1950", "1960"}) EXPECT_TRUE(contains(words, tick)) << tick;
  EXPECT_FALSE(contains(words, "1961"));
}

TEST(LinePlot, NumbersPositionsByWholeNumbersOnly) {
  LinePlot plot;
  plot.add({.y = {1, 2, 4}});
  const Strings words = texts(plot.svg());
  EXPECT_TRUE(contains(words, "0") && contains(words, "1") && contains(words, "2"));
  EXPECT_EQ(std::count(words.begin(), words.end(), "0.5"), 0);
}

TEST(LinePlot, BreaksTheLineAtNaNAndInfinity) {
  LinePlot plot;
  plot.add({.y = {1, 2, kNaN, 3, kInfinity, 4, 5, 6}});
  const std::string svg = plot.svg();
  expect_sound(svg, "gaps");
  const Strings lines = elements(svg, "polyline");
  ASSERT_EQ(lines.size(), 2U);
  const auto corners = [](const std::string& line) {
    const std::string points = attribute(line, "points");
    return std::count(points.begin(), points.end(), ',');
  };
  EXPECT_EQ(corners(lines[0]), 2);
  EXPECT_EQ(corners(lines[1]), 3);
  EXPECT_EQ(elements(svg, "circle").size(), 1U);  // the 3 stands alone
}

TEST(LinePlot, BreaksTheBandAtNaN) {
  LinePlot plot;
  plot.band({.low = {1, 1, kNaN, 1, 1}, .high = {2, 2, 2, 2, 2}});
  expect_sound(plot.svg(), "band");
  EXPECT_EQ(elements(plot.svg(), "polygon").size(), 2U);
}

TEST(LinePlot, EscapesTexts) {
  const std::string odd = "a<b> & \"c\" 'd'\n\x01\xFF \xED\xA0\x80 é 日本";
  LinePlot plot({.title = odd, .x_label = odd, .y_label = odd});
  plot.add({.label = odd, .y = {1, 2}, .color = "\"/><script>"});
  const std::string svg = plot.svg();
  expect_sound(svg, "odd texts");
  EXPECT_EQ(svg.find("<b>"), std::string::npos);
  EXPECT_EQ(svg.find("<script>"), std::string::npos);
  EXPECT_NE(svg.find("a&lt;b&gt; &amp; &quot;c&quot; &#39;d&#39; \xEF\xBF\xBD\xEF\xBF\xBD "), std::string::npos);
  EXPECT_NE(svg.find("é 日本"), std::string::npos);
  for (const char bad : {'\x01', '\xFF', '\xED'}) EXPECT_EQ(svg.find(bad), std::string::npos) << int{bad};
}

TEST(LinePlot, SurvivesFewConstantAndExtremeValues) {
  const double most = std::numeric_limits<double>::max();
  const double least = std::numeric_limits<double>::denorm_min();
  const std::vector<std::vector<double>> cases = {{},
                                                  {5},
                                                  {0},
                                                  {7, 7, 7},
                                                  {-3, -3},
                                                  {kNaN},
                                                  {kNaN, kInfinity, -kInfinity},
                                                  {most, -most},
                                                  {most},
                                                  {least, 0},
                                                  {1e-300, 2e-300},
                                                  {1e15, 1e15 + 1},
                                                  {1, 1 + 1e-15},
                                                  {-1e-9, 1e9},
                                                  {1e300, 2e300},
                                                  {-0.0}};
  for (const auto& values : cases) {
    for (const LineStyle style : {LineStyle::line, LineStyle::dashed, LineStyle::points}) {
      const std::string what = values.empty() ? "nothing" : std::to_string(values.front());
      LinePlot plot({.width = 200, .height = 200});
      plot.add({.label = "values", .y = values, .style = style});
      plot.add({.x = values, .y = values, .style = style});
      plot.band({.low = values, .high = values});
      const std::string svg = plot.svg();
      expect_sound(svg, what);
      EXPECT_LT(svg.size(), 20000U) << what;
      for (const char* bad : {"nan", "inf"}) EXPECT_EQ(svg.find(bad), std::string::npos) << what;
    }
  }
  const std::string empty = LinePlot().svg();
  expect_sound(empty, "no line");
  EXPECT_TRUE(contains(texts(empty), "0") && contains(texts(empty), "1"));
}

TEST(LinePlot, KeepsTheLegendOutsideTheAxes) {
  const std::string right = forecast_plot().svg();
  double farthest = 0;
  for (const std::string& line : elements(right, "line"))
    farthest = std::max(farthest, std::stod(attribute(line, "x2")));
  const std::string legend = right.substr(right.find("\">truth<") - 60, 60);
  const double legend_x = std::stod(legend.substr(legend.find("x=\"") + 3));
  EXPECT_GT(legend_x, farthest);
  EXPECT_LT(legend_x, 900 - 60);  // the texts have room up to the edge of the picture

  LinePlot plot({.width = 300, .height = 200});
  plot.add({.label = "a label too long to stand beside the axes", .y = {1, 2}});
  const std::string below = plot.svg();
  expect_sound(below, "legend below");
  EXPECT_GT(std::stod(attribute(elements(below, "svg").front(), "height")), 200);
}

TEST(LinePlot, GrowsWithALongLegend) {
  LinePlot plot({.height = 200});
  for (int i = 0; i < 30; ++i) plot.add({.label = "seed " + std::to_string(i), .y = {1, 2}});
  const double height = std::stod(attribute(elements(plot.svg(), "svg").front(), "height"));
  for (const std::string& text : elements(plot.svg(), "text")) EXPECT_LT(std::stod(attribute(text, "y")), height);
}

TEST(LinePlot, GivesTheBandTheColourOfTheNextLine) {
  const std::string svg = forecast_plot().svg();
  const std::string band = attribute(elements(svg, "polygon").front(), "fill");
  const Strings lines = elements(svg, "polyline");
  EXPECT_NE(attribute(lines[0], "stroke"), band);
  EXPECT_EQ(attribute(lines[1], "stroke"), band);
}

TEST(LinePlot, GivesTheSameBytesEveryTimeAndInEveryLocale) {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  const std::string svg = forecast_plot().svg();
  if (std::setlocale(LC_ALL, "de_DE.UTF-8") != nullptr) {
    EXPECT_EQ(forecast_plot().svg(), svg);
  }
  std::setlocale(LC_ALL, before.c_str());
  EXPECT_EQ(forecast_plot().svg(), svg);
}

TEST(LinePlot, PutsPowersOfTenAtEqualDistancesOnALogarithmicAxis) {
  LinePlot plot({.log_y = true});
  plot.add({.y = {0.001, 0.01, 0.1, 0, 1}});
  const std::string svg = plot.svg();
  expect_sound(svg, "logarithmic");
  const std::string points = attribute(elements(svg, "polyline").front(), "points");
  double x, y0, y1, y2;
  ASSERT_EQ(std::sscanf(points.c_str(), "%lf,%lf %lf,%lf %lf,%lf", &x, &y0, &x, &y1, &x, &y2), 6) << points;
  EXPECT_NEAR(y0 - y1, y1 - y2, 0.021);
  EXPECT_GT(y0, y1);
  EXPECT_EQ(elements(svg, "circle").size(), 1U) << "0 breaks the line, and the 1 behind it stands alone";
  for (const char* label : {"0.001", "0.01", "0.1", "1"}) EXPECT_TRUE(contains(texts(svg), label)) << label;
}

History history_of(const std::vector<double>& loss, const std::vector<double>& val_loss, int validated_every = 1) {
  History history;
  for (std::size_t e = 0; e < loss.size(); ++e) {
    Logs logs;
    logs.set("loss", loss[e]);
    const std::size_t n = e / static_cast<std::size_t>(validated_every);
    if ((e + 1) % static_cast<std::size_t>(validated_every) == 0 && n < val_loss.size())
      logs.set("val_loss", val_loss[n]);
    history.append(static_cast<Index>(e), logs);
  }
  return history;
}

TEST(HistoryPlot, HasALineForTheLossAndOneForTheValidation) {
  const std::string svg = history_plot(history_of({0.9, 0.5, 0.3}, {1.0, 0.6, 0.5})).svg();
  expect_sound(svg, "history");
  for (const char* words : {"Learning curve", "epoch", "loss", "val_loss", "1", "3"}) {
    EXPECT_TRUE(contains(texts(svg), words)) << words;
  }
  EXPECT_FALSE(contains(texts(svg), "0")) << "the axis of epochs begins at 1, that of the losses does not reach 0";
  EXPECT_EQ(elements(svg, "polyline").size(), 4U) << "two lines and their samples in the legend";
  EXPECT_EQ(elements(history_plot(history_of({0.9, 0.5}, {})).svg(), "polyline").size(), 2U);
}

TEST(HistoryPlot, IsLogarithmicWhereLossesSpanDecades) {
  EXPECT_TRUE(contains(texts(history_plot(history_of({1, 0.1, 0.001}, {})).svg()), "0.01"));
  EXPECT_FALSE(contains(texts(history_plot(history_of({1, 0.1, -0.001}, {})).svg()), "0.01"));
  EXPECT_FALSE(contains(texts(history_plot(history_of({1, 0.9, 0.7}, {})).svg()), "0.01"));
}

TEST(HistoryPlot, PutsValidationsAtTheEpochsTheyFollowed) {
  const std::string svg = history_plot(history_of({9, 8, 7, 6}, {8, 6}, 2)).svg();
  const auto x_of = [&](std::size_t line, std::size_t point) {
    std::string points = attribute(elements(svg, "polyline")[line], "points");
    for (std::size_t i = 0; i < point; ++i) points = points.substr(points.find(' ') + 1);
    return std::stod(points);
  };
  EXPECT_EQ(x_of(1, 0), x_of(0, 1));
  EXPECT_EQ(x_of(1, 1), x_of(0, 3));
}

TEST(HistoryPlot, OfNoEpochIsRefused) {
  expect_error<ConfigError>([] { (void)history_plot(History()); }, {"no epoch was run"});
}

TEST(HistoryPlot, IsSavedAsAFile) {
  const std::string path = testing::TempDir() + "rondo_history_plot_" + std::to_string(getpid()) + ".svg";
  const History history = history_of({0.9, 0.5, 0.3}, {});
  plot_history(history, path, {.title = "A title"});
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), history_plot(history, {.title = "A title"}).svg());
  std::remove(path.c_str());
}

TEST(LinePlot, TakesPredictionsOfAModel) {
  LinePlot plot;
  plot.add({.y = Tensor(Shape{3, 1}, std::vector<float>{1, 2, 3})});
  EXPECT_EQ(elements(plot.svg(), "polyline").size(), 1U);
}

TEST(LinePlot, RefusesLengthsAndSizesThatDoNotFit) {
  LinePlot plot;
  expect_error<ShapeError>(
      [&] {
        plot.add({.label = "truth", .x = {1, 2}, .y = {1, 2, 3}});
      },
      {"'truth'", "2 values of x", "3"});
  expect_error<ShapeError>([&] { plot.band({.low = {1, 2}, .high = {1}}); }, {"1 values of high", "2"});
  expect_error<ConfigError>([] { LinePlot({.width = 20}); }, {"between 200 and 10000", "20 x 420"});
}

TEST(LinePlot, SavesThePicture) {
  const std::string path = testing::TempDir() + "rondo_line_plot_" + std::to_string(getpid()) + ".svg";
  forecast_plot().save(path);
  std::ifstream file(path, std::ios::binary);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), forecast_plot().svg());
  std::remove(path.c_str());
}

}  // namespace
}  // namespace rondo
