// Products of vectors with weights: bias + x W + h U.
//
// Floats: eight rows of weights at a time, units innermost, so that a compiler makes vectors of it without being told
// and each sum is the chain that Rondo's kernels have. Few columns would be one chain after the other: they are dot
// products in four parts.
//
// Integers: all products of a column share one unit, so that they add up in one 32-bit sum with one multiplier at the
// end. A weight is scaled by what it is multiplied with: 127 stands for the largest contribution that a weight of the
// column can make.
#include <algorithm>
#include <cmath>
#include <limits>

#include "formats/c_header/operations.hpp"
#include "formats/c_header/source.hpp"

namespace rondo::c_header {

namespace {

constexpr Index kFewColumns = 4;

class Products final : public Operation {
 public:
  Products(std::vector<Product> products, std::vector<double> bias, const Value& y)
      : products_(std::move(products)), bias_(std::move(bias)), y_(y) {}

  void run(Doubles& numbers) const override {
    double* y = numbers.at(y_);
    std::copy(bias_.begin(), bias_.end(), y);
    for (const Product& p : products_) {
      const double* w = p.weights.data();
      for (Index k = 0; k < p.x.size; ++k, w += columns()) {
        const double x = numbers.at(p.x)[k];
        for (Index j = 0; j < columns(); ++j) y[j] += x * w[j];
      }
    }
  }

  void quantize(const Program& program) override {
    whole_weights_.clear();
    for (const Product& p : products_) whole_weights_.emplace_back(p.weights.size());
    whole_bias_.resize(bias_.size());
    std::vector<double> ratios;
    for (Index j = 0; j < columns(); ++j) {
      double unit = unit_of_column(program, j);
      // Where the sum would leave 32 bits, a coarser unit.
      for (double most; (most = quantize_column(program, j, unit)) > kMostSum;) unit *= most / kMostSum * 1.001;
      ratios.push_back(unit / program.format(y_, j).unit);
    }
    multipliers_ = multipliers(ratios);
    limits_.clear();
    for (Index j = 0; j < columns(); ++j) limits_.push_back(program.format(y_, j).limit);
  }

  void run(Integers& numbers) const override {
    std::vector<std::int32_t> sums = whole_bias_;
    for (std::size_t i = 0; i < products_.size(); ++i) {
      const std::int8_t* w = whole_weights_[i].data();
      for (Index k = 0; k < products_[i].x.size; ++k, w += columns()) {
        const std::int32_t x = numbers.at(products_[i].x)[k];
        for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += x * w[j];
      }
    }
    for (std::size_t j = 0; j < sums.size(); ++j) {
      numbers.at(y_)[j] = scaled(std::int64_t{sums[j]} * multipliers_.values[j], multipliers_.shift, limits_[j]);
    }
  }

  void write_floats(Source& source) const override {
    columns() < kFewColumns ? write_dots(source) : write_rows(source);
  }

  void write_integers(Source& source) const override {
    const std::string n = std::to_string(columns());
    const std::string sums = "sums" + std::to_string(y_.buffer);
    const std::string bias = source.integers("int32_t", 4, whole_bias_);
    source.line("int32_t " + sums + "[" + n + "];");
    source.count_stack(4 * static_cast<std::size_t>(columns()));
    source.loop(columns(), sums + "[j] = " + bias + "[j];");
    for (std::size_t i = 0; i < products_.size(); ++i) {
      const Value& x = products_[i].x;
      const std::string weights = source.integers("int8_t", 1, whole_weights_[i]);
      source.line(add_products_helper(source, type_of(source.program(), x.buffer)) + "(" + sums + ", " +
                  source.pointer(x) + ", " + weights + ", " + std::to_string(x.size) + ", " + n + ");");
    }
    const std::string m = source.integers("int32_t", 4, multipliers_.values);
    for (Index begin = 0, end; begin < columns(); begin = end) {
      for (end = begin + 1; end < columns() && limit(end) == limit(begin);) ++end;
      const Value part = y_.part(begin, end - begin);
      const std::string at = begin == 0 ? "j]" : std::to_string(begin) + " + j]";
      const std::string product = "(int64_t)" + sums + "[" + at + " * " + m + "[" + at;
      source.loop(part.size,
                  source.element(part, "j") + " = " + scaled_text(source, product, multipliers_.shift, part) + ";");
    }
  }

  bool absorb(const Value& output, const std::vector<double>& factor, const std::vector<double>& shift) override {
    if (output.buffer != y_.buffer || is_sums_) return false;
    for (Product& p : products_) {
      for (std::size_t i = 0; i < p.weights.size(); ++i) p.weights[i] *= factor[i % factor.size()];
    }
    for (std::size_t j = 0; j < bias_.size(); ++j) bias_[j] = bias_[j] * factor[j] + shift[j];
    return true;
  }

  void is_sums(bool value) { is_sums_ = value; }

 private:
  static constexpr double kMostSum = 2147480000.0;

  Index columns() const { return y_.size; }
  std::int32_t limit(Index j) const { return limits_[static_cast<std::size_t>(j)]; }

  double unit_of_column(const Program& program, Index j) const {
    double most = std::abs(bias_[static_cast<std::size_t>(j)]) / (1 << 30);
    for (const Product& p : products_) {
      for (Index k = 0; k < p.x.size; ++k) {
        most = std::max(most, std::abs(weight(p, k, j)) * program.format(p.x, k).unit / 127);
      }
    }
    return most > 0 ? most : 1;
  }

  // Returns the largest sum that can come of it.
  double quantize_column(const Program& program, Index j, double unit) {
    const auto column = static_cast<std::size_t>(j);
    const double bias = std::round(bias_[column] / unit);
    double most = std::abs(bias);
    for (std::size_t i = 0; i < products_.size(); ++i) {
      const Product& p = products_[i];
      for (Index k = 0; k < p.x.size; ++k) {
        const Format format = program.format(p.x, k);
        const double w = std::round(weight(p, k, j) * format.unit / unit);
        whole_weights_[i][static_cast<std::size_t>(k * columns() + j)] =
            static_cast<std::int8_t>(std::clamp(w, -127.0, 127.0));
        most += std::abs(w) * format.limit;
      }
    }
    whole_bias_[column] = static_cast<std::int32_t>(std::clamp(bias, -kMostSum, kMostSum));
    return most;
  }

  double weight(const Product& p, Index k, Index j) const {
    return p.weights[static_cast<std::size_t>(k * columns() + j)];
  }

  void write_rows(Source& source) const {
    const std::string n = std::to_string(columns());
    source.loop(columns(), source.element(y_, "j") + " = " + source.floats(bias_) + "[j];");
    for (const Product& p : products_) {
      const std::string weights = source.floats(p.weights);
      const Index eights = p.x.size / 8 * 8;
      const auto rows = [&](const std::string& helper, Index from, Index to, Index step) {
        if (from == to) return;
        const std::string call = helper + "(" + source.pointer(y_) + ", " + source.pointer(p.x) + " + k, " + weights +
                                 " + k * " + n + ", " + n + ");";
        source.line("for (int k = " + std::to_string(from) + "; k < " + std::to_string(to) +
                    "; k += " + std::to_string(step) + ") " + call);
      };
      if (eights > 0) rows(eight_rows_helper(source), 0, eights, 8);
      if (eights < p.x.size) rows(row_helper(source), eights, p.x.size, 1);
    }
  }

  void write_dots(Source& source) const {
    for (Index j = 0; j < columns(); ++j) {
      std::string sum = float_text(bias_[static_cast<std::size_t>(j)]);
      for (const Product& p : products_) {
        std::vector<double> column;
        for (Index k = 0; k < p.x.size; ++k) column.push_back(weight(p, k, j));
        const std::string weights = source.floats(column);
        const Index fours = p.x.size / 4 * 4;
        if (fours > 0) {
          sum += " + " + dot_helper(source) + "(" + source.pointer(p.x) + ", " + weights + ", " +
                 std::to_string(fours) + ")";
        }
        for (Index k = fours; k < p.x.size; ++k) {
          const std::string at = std::to_string(k);
          sum += " + " + source.element(p.x, at) + " * " + weights + "[" + at + "]";
        }
      }
      source.line(source.element(y_, std::to_string(j)) + " = " + sum + ";");
    }
  }

  static std::string eight_rows_helper(Source& source) {
    std::string names, sum = "z[j]";
    for (int i = 0; i < 8; ++i) {
      const std::string k = std::to_string(i);
      names += (i > 0 ? ", x" : "x") + k + " = x[" + k + "]";
      sum += " + x" + k + " * w[" + (i == 0 ? "" : i == 1 ? "n + " : k + " * n + ") + "j]";
    }
    return source.helper("rows8",
                         "/* z += x W, W of eight rows. */\n"
                         "static inline void @rows8(float *z, const float *x, const float *w, int n) {\n"
                         "  const float " +
                             names +
                             ";\n"
                             "  for (int j = 0; j < n; ++j) {\n"
                             "    z[j] = " +
                             sum +
                             ";\n"
                             "  }\n}\n");
  }

  static std::string row_helper(Source& source) {
    return source.helper("row", R"(/* The same of one row. */
static inline void @row(float *z, const float *x, const float *w, int n) {
  const float x0 = x[0];
  for (int j = 0; j < n; ++j) z[j] = z[j] + x0 * w[j];
}
)");
  }

  static std::string dot_helper(Source& source) {
    return source.helper("dot", R"(/* The sum of x[k] w[k]; n is a multiple of 4. */
static inline float @dot(const float *x, const float *w, int n) {
  float a = 0.0f, b = 0.0f, c = 0.0f, d = 0.0f;
  for (int k = 0; k < n; k += 4) {
    a = a + x[k] * w[k];
    b = b + x[k + 1] * w[k + 1];
    c = c + x[k + 2] * w[k + 2];
    d = d + x[k + 3] * w[k + 3];
  }
  return (a + b) + (c + d);
}
)");
  }

  static std::string add_products_helper(Source& source, const std::string& type) {
    const std::string word = type == "int8_t" ? "add8" : "add16";
    return source.helper(word, "/* sums += x W */\nstatic inline void @" + word + "(int32_t *sums, const " + type +
                                   " *x, const int8_t *w, int rows, int n) {\n"
                                   "  for (int k = 0; k < rows; ++k, w += n) {\n"
                                   "    const int32_t v = x[k];\n"
                                   "    for (int j = 0; j < n; ++j) sums[j] += v * w[j];\n"
                                   "  }\n}\n");
  }

  std::vector<Product> products_;
  std::vector<double> bias_;
  Value y_;
  bool is_sums_ = false;
  std::vector<std::vector<std::int8_t>> whole_weights_;
  std::vector<std::int32_t> whole_bias_;
  Multipliers multipliers_;
  std::vector<std::int32_t> limits_;
};

}  // namespace

Value add_products(Program& program, std::vector<Product> products, std::vector<double> bias, Kind kind) {
  const auto columns = bias.size();
  for (Product& p : products) {
    const Program::Affine* put_off = program.put_off(p.x);
    if (put_off == nullptr) continue;
    // (x f + t) W = x (f W) + t W
    for (std::size_t i = 0; i < p.weights.size(); ++i) {
      const std::size_t k = i / columns;
      bias[i % columns] += put_off->shift[k] * p.weights[i];
      p.weights[i] *= put_off->factor[k];
    }
  }
  const Value y = program.vector(static_cast<Index>(columns), kind);
  auto operation = std::make_unique<Products>(std::move(products), std::move(bias), y);
  operation->is_sums(kind == Kind::sums);
  program.add(std::move(operation));
  return y;
}

}  // namespace rondo::c_header
