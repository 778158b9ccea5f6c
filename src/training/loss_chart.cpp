#include "training/loss_chart.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/names.hpp"
#include "training/terminal.hpp"

namespace rondo::training {

namespace {

constexpr Index kRows = 10, kLabel = 11, kWidest = 100;

// Dots in cells: 2 x 4 in a cell of braille, one in a cell of ASCII, which says whose it is.
class Canvas {
 public:
  Canvas(Index columns, bool unicode)
      : columns_(columns), unicode_(unicode), cells_(static_cast<std::size_t>(columns * kRows)) {}

  Index width() const { return columns_ * (unicode_ ? 2 : 1); }
  Index height() const { return kRows * (unicode_ ? 4 : 1); }

  void dot(Index x, Index y, bool dashed) {
    if (!unicode_) {
      cell(x, y) = cell(x, y) == '*' || !dashed ? '*' : 'o';
      return;
    }
    if (dashed && x / 2 % 2 != 0) return;
    static constexpr unsigned char kBits[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};
    cell(x / 2, y / 4) |= kBits[x % 2][y % 4];
  }

  std::string row(Index y) {
    std::string text;
    for (Index x = 0; x < columns_; ++x) {
      const unsigned char c = cell(x, y);
      if (c == 0 || !unicode_) {
        text += c == 0 ? ' ' : static_cast<char>(c);
      } else {
        text += {'\xE2', static_cast<char>(0xA0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
      }
    }
    return text;
  }

 private:
  unsigned char& cell(Index x, Index y) { return cells_[static_cast<std::size_t>(y * columns_ + x)]; }

  Index columns_;
  bool unicode_;
  std::vector<unsigned char> cells_;
};

// From numbers to rows of dots.
struct Scale {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  bool is_log = false;

  explicit Scale(std::span<const ChartLine> lines) {
    for (const ChartLine& line : lines) {
      for (const double v : line.values) {
        if (!std::isfinite(v)) continue;
        low = std::min(low, v);
        high = std::max(high, v);
      }
    }
    is_log = low > 0 && high > 30 * low;
  }
  double part(double v) const {
    if (!(high > low)) return 0.5;
    return is_log ? std::log(v / low) / std::log(high / low) : (v - low) / (high - low);
  }
};

// The number at an epoch between two that have one; NaN where there is none.
double value_at(const ChartLine& line, double epoch) {
  const auto after = static_cast<std::size_t>(std::ranges::lower_bound(line.epochs, epoch) - line.epochs.begin());
  if (after == line.epochs.size()) return std::nan("");
  const auto at = static_cast<double>(line.epochs[after]);
  if (at == epoch) return line.values[after];
  if (after == 0) return std::nan("");
  const auto before = static_cast<double>(line.epochs[after - 1]);
  return std::lerp(line.values[after - 1], line.values[after], (epoch - before) / (at - before));
}

void draw(Canvas& canvas, const Scale& scale, const ChartLine& line, double first, double last, bool dashed) {
  Index before = -1;
  for (Index x = 0; x < canvas.width(); ++x) {
    const double v =
        value_at(line, first + (last - first) * static_cast<double>(x) / static_cast<double>(canvas.width() - 1));
    if (!std::isfinite(v)) {
      before = -1;
      continue;
    }
    const auto y = static_cast<Index>(std::lround((1 - scale.part(v)) * static_cast<double>(canvas.height() - 1)));
    canvas.dot(x, y, dashed);
    // A steep line has no holes.
    for (Index between = std::min(y, before) + 1; before >= 0 && between < std::max(y, before); ++between) {
      canvas.dot(x, between, dashed);
    }
    before = y;
  }
}

std::string right_aligned(const std::string& text, Index columns) {
  return std::string(static_cast<std::size_t>(std::max<Index>(0, columns - static_cast<Index>(text.size()))), ' ') +
         text;
}

}  // namespace

std::string loss_chart(std::span<const ChartLine> lines, Index columns, bool unicode) {
  Canvas canvas(std::clamp<Index>(columns - kLabel - 2, 8, kWidest), unicode);
  const Scale scale(lines);
  const Index first = lines[0].epochs.front(), last = lines[0].epochs.back();
  // The first one last, so that it is seen where they cross.
  for (std::size_t i = lines.size(); i-- > 0;) {
    draw(canvas, scale, lines[i], static_cast<double>(first), static_cast<double>(last), i > 0);
  }
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const char* sample = unicode ? (i > 0 ? " ⠒ ⠒  " : " ⠒⠒⠒  ") : (i > 0 ? " ooo  " : " ***  ");
    text += lines[i].name + sample;
  }
  text += scale.is_log ? "(logarithmic)\n" : "\n";
  for (Index row = 0; row < kRows; ++row) {
    const bool is_end = row == 0 || row == kRows - 1;
    const std::string label =
        is_end && scale.high >= scale.low ? number_text(row == 0 ? scale.high : scale.low, 5) : "";
    text += right_aligned(label, kLabel) + (unicode ? (is_end ? " ┤" : " │") : " |") + canvas.row(row) + "\n";
  }
  const std::string from = std::to_string(first + 1), to = std::to_string(last + 1);
  const Index plot = canvas.width() / (unicode ? 2 : 1);
  return text + std::string(kLabel + 2, ' ') + from + right_aligned(to, plot - static_cast<Index>(from.size())) + "\n";
}

void LossChart::update(const History& history, const std::string& line) {
  line_ = line;
  is_late_ = is_drawn_ && Clock::now() - last_drawn_ < kRedrawEvery;
  if (!is_late_) draw(history);
}

void LossChart::finish(const History& history) {
  if (is_late_) draw(history);
}

void LossChart::draw(const History& history) {
  std::vector<ChartLine> lines;
  for (const char* name : {"loss", "val_loss"}) {
    if (history.contains(name)) lines.push_back({name, history[name], history.epochs(name)});
  }
  if (lines.empty()) return;
  // One column less than there is, as for the progress bar.
  const Index columns = std::max<Index>(terminal_columns().value_or(80) - 1, 24);
  const std::string chart = loss_chart(lines, columns, shows_unicode());
  std::string text = is_drawn_ ? "\033[" + std::to_string(kRows + 3) + "A" : "";
  text += chart + line_.substr(0, static_cast<std::size_t>(columns)) + "\n";
  // Each line clears what stood there.
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 4) text.replace(at, 1, "\033[K\n");
  print(text);
  is_drawn_ = true;
  last_drawn_ = Clock::now();
}

}  // namespace rondo::training
