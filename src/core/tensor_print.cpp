// How a tensor prints: as NumPy 2 does. tests/golden/prints.json holds NumPy's own outputs.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>

#include <rondo/tensor.hpp>

#include "core/dispatch.hpp"

namespace rondo {

namespace {

constexpr Index kSummariseAbove = 1000;  // elements
constexpr Index kEdgeItems = 3;          // shown at each end of a summarised axis
constexpr Index kLineWidth = 75;         // columns
constexpr std::size_t kPrecision = 8;    // digits behind the point, at most

// From here on numbers are written with an exponent: all digits before the point would not be meant.
template <class T>
constexpr double kLarge = std::is_same_v<T, float> ? 1e6 : 1e8;
template <class T>
constexpr double kLargeScalar = std::is_same_v<T, float> ? 1e6 : 1e16;
// Below here too, and where the largest number of a tensor is so many times the smallest.
constexpr double kSmall = 1e-4;
constexpr int kLargeRatio = 1000;

// A number in pieces: "-12", "5" and, with an exponent, "+05".
struct Pieces {
  std::string before, after, exponent;
};

// std::to_chars knows no locale. Without a precision it writes the fewest digits that read back as the same number.
template <class T, class... Precision>
std::string digits(T value, std::chars_format format, Precision... precision) {
  char text[400];  // the largest double has 309 digits before the point
  return {text, std::to_chars(text, std::end(text), value, format, precision...).ptr};
}

Pieces split(const std::string& text) {
  const std::size_t e = std::min(text.find('e'), text.size());
  const std::size_t point = std::min(text.find('.'), e);
  return {text.substr(0, point), point == e ? "" : text.substr(point + 1, e - point - 1),
          e == text.size() ? "" : text.substr(e + 1)};
}

// With at most so many digits behind the point, and no zeros at the end.
template <class T>
Pieces split(T value, std::chars_format format, std::size_t precision) {
  Pieces pieces = split(digits(value, format));
  if (pieces.after.size() <= precision) return pieces;
  pieces = split(digits(value, format, static_cast<int>(precision)));  // from the exact value: it is rounded once
  pieces.after.erase(pieces.after.find_last_not_of('0') + 1);
  return pieces;
}

// How all numbers of one tensor are written: equally wide, with their points below each other.
template <class T>
class Format {
 public:
  // `shown`: the numbers that will be written. Those that are not finite do not decide how many digits there are.
  explicit Format(const std::vector<T>& shown) {
    choose_exponents(shown);
    bool all_finite = true, minus_infinity = false;
    for (const T value : shown) {
      if (std::isfinite(value)) {
        const Pieces pieces = split_up(value);
        before_ = std::max(before_, pieces.before.size());
        after_ = std::max(after_, pieces.after.size());
        if (exponents_) exponent_ = std::max(exponent_, pieces.exponent.size());
      } else {
        all_finite = false;
        minus_infinity = minus_infinity || (std::isinf(value) && value < 0);
      }
    }
    if (all_finite) return;
    const std::size_t widest = minus_infinity ? 4 : 3;  // "-inf", "inf" and "nan"
    before_ = std::max(before_, widest - std::min(widest, width() - before_));
  }

  std::string operator()(T value) const {
    if (!std::isfinite(value)) return aligned_right(std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf", width());
    if (exponents_) {
      // All digits that the widest has, exactly; only the exponent is filled up with zeros.
      Pieces pieces = split(digits(value, std::chars_format::scientific, static_cast<int>(after_)));
      pieces.exponent.insert(1, exponent_ - pieces.exponent.size(), '0');
      return aligned_right(pieces.before, before_) + '.' + pieces.after + 'e' + pieces.exponent;
    }
    const Pieces pieces = split_up(value);
    return aligned_right(pieces.before, before_) + '.' + pieces.after + std::string(after_ - pieces.after.size(), ' ');
  }

 private:
  void choose_exponents(const std::vector<T>& shown) {
    T largest = 0, smallest = 0;
    for (const T value : shown) {
      const T size = std::abs(value);
      if (!std::isfinite(size) || size == 0) continue;
      largest = std::max(largest, size);
      smallest = smallest == 0 ? size : std::min(smallest, size);
    }
    if (largest == 0) return;
    exponents_ = largest >= static_cast<T>(kLarge<T>) || smallest < static_cast<T>(kSmall) ||
                 largest / smallest > static_cast<T>(kLargeRatio);
  }

  Pieces split_up(T value) const {
    return split(value, exponents_ ? std::chars_format::scientific : std::chars_format::fixed, kPrecision);
  }

  static std::string aligned_right(const std::string& text, std::size_t width) {
    return std::string(width - std::min(width, text.size()), ' ') + text;
  }

  std::size_t width() const { return before_ + 1 + after_ + (exponents_ ? 1 + exponent_ : 0); }

  bool exponents_ = false;
  std::size_t before_ = 0, after_ = 0, exponent_ = 0;  // digits and signs
};

template <class T>
class Printer {
 public:
  Printer(const Shape& shape, std::span<const T> values)
      : shape_(shape), values_(values), summarise_(shape.elements() > kSummariseAbove), format_(shown()) {}

  std::string text() const { return axis_text(0, 0); }

 private:
  // f(position, whether "..." stands there instead)
  template <class F>
  void visit(Index axis, F f) const {
    const Index n = shape_[axis];
    const bool gap = summarise_ && n > 2 * kEdgeItems;
    for (Index i = 0; i < n; ++i) {
      if (gap && i == kEdgeItems) {
        f(i, true);
        i = n - kEdgeItems;
      }
      f(i, false);
    }
  }

  T value(Index offset) const { return values_[static_cast<std::size_t>(offset)]; }

  std::vector<T> shown() const {
    std::vector<T> all;
    collect(0, 0, all);
    return all;
  }

  void collect(Index axis, Index offset, std::vector<T>& all) const {
    if (axis == shape_.rank()) {
      all.push_back(value(offset));
      return;
    }
    visit(axis, [&](Index i, bool gap) {
      if (!gap) collect(axis + 1, offset * shape_[axis] + i, all);
    });
  }

  std::string axis_text(Index axis, Index offset) const {
    if (axis + 1 == shape_.rank()) return row_text(axis, offset);
    const std::string between = std::string(static_cast<std::size_t>(shape_.rank() - axis - 1), '\n') + indent(axis);
    std::string text;
    visit(axis, [&](Index i, bool gap) {
      if (!text.empty()) text += between;
      text += gap ? "..." : axis_text(axis + 1, offset * shape_[axis] + i);
    });
    return '[' + text + ']';
  }

  // The innermost axis, on as many lines as it takes.
  std::string row_text(Index axis, Index offset) const {
    const std::string start = indent(axis);
    const auto width = static_cast<std::size_t>(kLineWidth - axis - 1);  // the closing brackets need room too
    std::string lines, line = start;
    visit(axis, [&](Index i, bool gap) {
      const std::string word = gap ? "..." : format_(value(offset * shape_[axis] + i));
      if (line.size() > start.size()) line += ' ';
      if (line.size() > start.size() && line.size() + word.size() > width) {
        line.erase(line.find_last_not_of(' ') + 1);
        lines += line + '\n';
        line = start;
      }
      line += word;
    });
    return '[' + (lines + line).substr(start.size()) + ']';
  }

  static std::string indent(Index axis) { return std::string(static_cast<std::size_t>(axis + 1), ' '); }

  const Shape& shape_;
  std::span<const T> values_;
  bool summarise_;
  Format<T> format_;
};

// A number alone prints as Python prints one: all its digits, and at least one behind the point.
template <class T>
std::string scalar_text(T value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const double size = std::abs(static_cast<double>(value));
  constexpr std::size_t kAll = 400;
  if (size != 0 && (size < kSmall || size >= kLargeScalar<T>)) {
    const Pieces pieces = split(value, std::chars_format::scientific, kAll);
    return pieces.before + (pieces.after.empty() ? "" : "." + pieces.after) + 'e' + pieces.exponent;
  }
  const Pieces pieces = split(value, std::chars_format::fixed, kAll);
  return pieces.before + '.' + (pieces.after.empty() ? "0" : pieces.after);
}

template <class T>
std::string text_of(const Shape& shape, std::span<const T> values) {
  if (shape.elements() == 0) return "[]";
  if (shape.rank() == 0) return scalar_text(values[0]);
  return Printer<T>(shape, values).text();
}

}  // namespace

std::string to_string(const Tensor& tensor) {
  return core::with_elements(tensor, [&](auto elements) { return text_of(tensor.shape(), elements); });
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  const std::string text = to_string(tensor);
  out.width(0);  // used up, as by all output, but the width of a number means nothing to a table of them
  return out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

}  // namespace rondo
