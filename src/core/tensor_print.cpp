// How a tensor prints: NumPy's nested brackets with aligned numbers and "..." in long axes.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>

#include <rondo/tensor.hpp>

namespace rondo {

namespace {

constexpr Index kSummariseAbove = 1000;  // elements
constexpr Index kEdgeItems = 3;          // shown at each end of a summarised axis

std::string format_number(double value, DType dtype) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[40];
  // The shortest of up to eight digits that reads back to the same number of the tensor's own dtype.
  for (int digits = 1; digits <= 8; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    const double back = std::strtod(text, nullptr);
    if (dtype == DType::float32 ? static_cast<float>(back) == static_cast<float>(value) : back == value) break;
  }
  std::string s = text;
  if (s.find_first_of(".en") == std::string::npos) s += '.';
  return s;
}

struct Printer {
  const Tensor& tensor;
  const std::vector<double> values;
  const bool summarise;
  std::size_t left = 0, right = 0;  // columns before, and from, the decimal point

  template <class F>
  void visit_axis(Index axis, F&& f) const {
    const Index n = tensor.shape()[axis];
    for (Index i = 0; i < n; ++i) {
      if (summarise && n > 2 * kEdgeItems && i == kEdgeItems) {
        f(i, true);
        i = n - kEdgeItems - 1;
      } else {
        f(i, false);
      }
    }
  }

  // Numbers of a tensor stand with their decimal points below each other.
  static std::size_t before_point(const std::string& s) { return std::min(s.find('.'), s.size()); }

  void measure(Index axis, Index offset) {
    if (axis == tensor.rank()) {
      const std::string s = format_number(values[static_cast<std::size_t>(offset)], tensor.dtype());
      left = std::max(left, before_point(s));
      right = std::max(right, s.size() - before_point(s));
      return;
    }
    visit_axis(axis, [&](Index i, bool gap) {
      if (!gap) measure(axis + 1, offset * tensor.shape()[axis] + i);
    });
  }

  void print(std::ostream& out, Index axis, Index offset) const {
    if (axis == tensor.rank()) {
      const std::string s = format_number(values[static_cast<std::size_t>(offset)], tensor.dtype());
      const std::size_t before = before_point(s), behind = s.size() - before;
      out << std::string(left - before, ' ') << s << std::string(right - behind, ' ');
      return;
    }
    const bool innermost = axis + 1 == tensor.rank();
    out << '[';
    bool first = true;
    visit_axis(axis, [&](Index i, bool gap) {
      if (!first) {
        if (innermost) {
          out << ' ';
        } else {
          out << std::string(static_cast<std::size_t>(tensor.rank() - axis - 1), '\n')
              << std::string(static_cast<std::size_t>(axis + 1), ' ');
        }
      }
      first = false;
      if (gap) {
        out << "...";
      } else {
        print(out, axis + 1, offset * tensor.shape()[axis] + i);
      }
    });
    out << ']';
  }
};

}  // namespace

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  Printer printer{tensor, tensor.to_vector(), tensor.size() > kSummariseAbove};
  printer.measure(0, 0);
  printer.print(out, 0, 0);
  return out;
}

}  // namespace rondo
