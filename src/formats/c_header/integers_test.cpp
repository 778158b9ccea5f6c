// Headers in integers, against a plain program of the rules that docs/c-header.md states, to the bit.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "support/instrumented.hpp"
#include "support/workshop.hpp"

namespace rondo {
namespace {

using Reals = std::vector<double>;
using Wholes = std::vector<std::int64_t>;

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Numbers of one vector: `unit` times an integer within +-limit.
struct Scale {
  double unit = 1;
  std::int64_t limit = 32767;
};

// Rounded to the nearest, halves up, and cut off.
std::int64_t shifted(__int128 v, int shift, std::int64_t limit) {
  const auto divisor = static_cast<__int128>(1) << shift;
  __int128 sum = 2 * v + divisor, q = sum / (2 * divisor);
  if (q * 2 * divisor > sum) --q;  // downwards
  return static_cast<std::int64_t>(std::clamp<__int128>(q, -limit, limit));
}

// Ratios to one power of two, the largest of which takes 31 bits.
struct Ratios {
  explicit Ratios(const Reals& ratios) {
    const double most = *std::max_element(ratios.begin(), ratios.end());
    while (std::ldexp(most, shift + 1) < 2147483648.0) ++shift;
    for (const double r : ratios)
      whole.push_back(std::min<std::int64_t>(2147483647, std::llround(std::ldexp(r, shift))));
  }
  Wholes whole;
  int shift = 0;
};

// A table of 513 entries from -range to range, and what lies between them.
struct Table {
  Table(double (*f)(double), double range, double unit) {
    for (int i = 0; i <= 512; ++i)
      entries.push_back(std::llround(std::clamp(f(range * (i - 256) / 256) / unit, -32767.0, 32767.0)));
  }
  std::int64_t operator()(std::int64_t z) const {
    const std::int64_t at = z + 524288, i = std::min<std::int64_t>(at / 2048, 511), rest = at - 2048 * i;
    const std::int64_t left = entries[static_cast<std::size_t>(i)], right = entries[static_cast<std::size_t>(i + 1)];
    return left + shifted((right - left) * rest, 11, 1 << 30);
  }
  Wholes entries;
};

// Columns of bias + x W + ... with 8-bit weights.
struct Products {
  struct Part {
    Reals weights;  // (rows, columns)
    Scale scale;
    Wholes whole = {};
  };
  Products(std::vector<Part> given, const Reals& bias, const std::vector<Scale>& out)
      : parts(std::move(given)), scales(out) {
    Reals ratios;
    for (Part& p : parts) p.whole.resize(p.weights.size());
    for (std::size_t j = 0; j < bias.size(); ++j) {
      double unit = std::abs(bias[j]) / (1 << 30);
      for (const Part& p : parts) {
        for (std::size_t i = j; i < p.weights.size(); i += bias.size())
          unit = std::max(unit, std::abs(p.weights[i]) * p.scale.unit / 127);
      }
      for (Part& p : parts) {
        for (std::size_t i = j; i < p.weights.size(); i += bias.size())
          p.whole[i] = std::llround(p.weights[i] * p.scale.unit / unit);
      }
      whole_bias.push_back(std::llround(bias[j] / unit));
      ratios.push_back(unit / out[j].unit);
    }
    multipliers = Ratios(ratios);
  }
  Wholes operator()(const std::vector<Wholes>& x) const {
    Wholes sums = whole_bias;
    for (std::size_t p = 0; p < parts.size(); ++p) {
      for (std::size_t i = 0; i < parts[p].whole.size(); ++i)
        sums[i % sums.size()] += x[p][i / sums.size()] * parts[p].whole[i];
    }
    for (std::size_t j = 0; j < sums.size(); ++j)
      sums[j] = shifted(static_cast<__int128>(sums[j]) * multipliers.whole[j], multipliers.shift, scales[j].limit);
    return sums;
  }
  std::vector<Part> parts;
  std::vector<Scale> scales;
  Wholes whole_bias;
  Ratios multipliers{Reals{1}};
};

// y = a b + d e
struct Sum {
  Sum(double ab, double de, const Scale& y) : ratios({ab / y.unit, de / y.unit}), limit(y.limit) {}
  std::int64_t operator()(std::int64_t ab, std::int64_t de) const {
    return shifted(static_cast<__int128>(ab) * ratios.whole[0] + static_cast<__int128>(de) * ratios.whole[1],
                   ratios.shift, limit);
  }
  Ratios ratios;
  std::int64_t limit;
};

constexpr double kGate = 1.0 / 32767, kTable = 524288;

Reals picked(const Reals& matrix, std::size_t row, const std::vector<std::size_t>& columns) {
  Reals result;
  for (std::size_t r = 0; r < matrix.size(); r += row) {
    for (const std::size_t c : columns) result.push_back(matrix[r + c]);
  }
  return result;
}
Reals plus_products(Reals sums, const Reals& x, const Reals& w) {
  for (std::size_t k = 0; k < x.size(); ++k) {
    for (std::size_t j = 0; j < sums.size(); ++j) sums[j] += x[k] * w[k * sums.size() + j];
  }
  return sums;
}
double largest(const Reals& x, double so_far) {
  for (const double v : x) so_far = std::max(so_far, std::abs(v));
  return so_far;
}

constexpr std::size_t kUnits = 5, kInputs = 2;

std::vector<std::size_t> gate(const std::vector<std::size_t>& gates) {
  std::vector<std::size_t> columns;
  for (const std::size_t g : gates) {
    for (std::size_t u = 0; u < kUnits; ++u) columns.push_back(g * kUnits + u);
  }
  return columns;
}

// LSTM(kUnits) and Dense(1), or GRU in place of the LSTM: weights in floats, what a calibration says, and steps.
class PlainLstm {
 public:
  PlainLstm(const std::vector<Tensor>& w, const std::vector<Reals>& calibration, std::int64_t limit) {
    const std::vector<std::size_t> order = gate({0, 1, 3, 2});
    const Reals kernel = picked(w[0].to_vector(), 4 * kUnits, order),
                recurrent = picked(w[1].to_vector(), 4 * kUnits, order),
                bias = picked(w[2].to_vector(), 4 * kUnits, order), dense = w[3].to_vector(),
                dense_bias = w[4].to_vector();
    Reals h(kUnits), c(kUnits);
    double most_x = 0, most_h = 0, most_c = 0, most_y = 0;
    for (const Reals& x : calibration) {
      const Reals z = plus_products(plus_products(bias, x, kernel), h, recurrent);
      for (std::size_t u = 0; u < kUnits; ++u) {
        c[u] = sigmoid(z[kUnits + u]) * c[u] + sigmoid(z[u]) * std::tanh(z[3 * kUnits + u]);
        h[u] = sigmoid(z[2 * kUnits + u]) * std::tanh(c[u]);
      }
      most_x = largest(x, most_x);
      most_h = largest(h, most_h);
      most_c = largest(c, most_c);
      most_y = largest(plus_products(dense_bias, h, dense), most_y);
    }
    const double room = limit == 127 ? 1 : 1.25, l = static_cast<double>(limit);
    const Scale x{room * most_x / l, limit}, hs{room * most_h / l, limit}, cs{1.25 * most_c / 32767, 32767},
        y{room * most_y / l, limit};
    std::vector<Scale> zs(3 * kUnits, {16 / kTable, 524288});
    zs.resize(4 * kUnits, {8 / kTable, 524288});
    products_.emplace_back(std::vector<Products::Part>{{kernel, x}, {recurrent, hs}}, bias, zs);
    products_.emplace_back(std::vector<Products::Part>{{dense, hs}}, dense_bias, std::vector<Scale>{y});
    sums_.emplace_back(kGate * cs.unit, kGate * kGate, cs);
    sums_.emplace_back(kGate * kGate, 0, hs);
    to_table_ = Ratios({cs.unit * kTable / 8});
  }

  std::int64_t operator()(const Wholes& x) {
    const Wholes z = products_[0]({x, h_});
    for (std::size_t u = 0; u < kUnits; ++u) {
      c_[u] = sums_[0](sigmoid_(z[kUnits + u]) * c_[u], sigmoid_(z[u]) * tanh_(z[3 * kUnits + u]));
      const std::int64_t at = shifted(static_cast<__int128>(c_[u]) * to_table_.whole[0], to_table_.shift, 524288);
      h_[u] = sums_[1](sigmoid_(z[2 * kUnits + u]) * tanh_(at), 0);
    }
    return products_[1]({h_})[0];
  }

 private:
  Table sigmoid_{sigmoid, 16, kGate}, tanh_{std::tanh, 8, kGate};
  std::vector<Products> products_;
  std::vector<Sum> sums_;
  Ratios to_table_{Reals{1}};
  Wholes h_ = Wholes(kUnits), c_ = Wholes(kUnits);
};

class PlainGru {
 public:
  PlainGru(const std::vector<Tensor>& w, const std::vector<Reals>& calibration, std::int64_t limit)
      : narrow_(limit == 127) {
    const auto of = [&](std::size_t i, const std::vector<std::size_t>& gates) {
      return picked(w[i].to_vector(), 3 * kUnits, gate(gates));
    };
    const Reals k_gates = of(0, {0, 1}), r_gates = of(1, {0, 1}), k_g = of(0, {2}), r_g = of(1, {2}),
                dense = w[3].to_vector(), dense_bias = w[4].to_vector(), b = w[2].to_vector();
    Reals bias(2 * kUnits), b_g(kUnits), c_g(kUnits);
    for (std::size_t j = 0; j < 2 * kUnits; ++j) bias[j] = b[j] + b[3 * kUnits + j];
    for (std::size_t j = 0; j < kUnits; ++j) b_g[j] = b[2 * kUnits + j];
    for (std::size_t j = 0; j < kUnits; ++j) c_g[j] = b[5 * kUnits + j];
    Reals h(kUnits);
    double most_x = 0, most_h = 0, most_in = 0, most_state = 0, most_y = 0;
    for (const Reals& x : calibration) {
      const Reals z = plus_products(plus_products(bias, x, k_gates), h, r_gates);
      const Reals in = plus_products(b_g, x, k_g), state = plus_products(c_g, h, r_g);
      for (std::size_t u = 0; u < kUnits; ++u) {
        const double g = std::tanh(in[u] + sigmoid(z[kUnits + u]) * state[u]);
        h[u] = sigmoid(z[u]) * h[u] + (1 - sigmoid(z[u])) * g;
      }
      most_x = largest(x, most_x);
      most_h = largest(h, most_h);
      most_in = largest(in, most_in);
      most_state = largest(state, most_state);
      most_y = largest(plus_products(dense_bias, h, dense), most_y);
      largest_before_.push_back(most_h);
    }
    const double room = limit == 127 ? 1 : 1.25, l = static_cast<double>(limit);
    // The state as products read it at the beginning of a step has not seen the last step.
    const double most_before = largest_before_[largest_before_.size() - 2];
    const Scale x{room * most_x / l, limit}, hs{1.25 * most_h / 32767, 32767}, y{room * most_y / l, limit},
        before = narrow_ ? Scale{most_before / 127, 127} : hs, after = narrow_ ? Scale{most_h / 127, 127} : hs,
        ins{1.25 * most_in / 32767, 32767}, states{1.25 * most_state / 32767, 32767};
    products_.emplace_back(std::vector<Products::Part>{{k_gates, x}, {r_gates, before}}, bias,
                           std::vector<Scale>(2 * kUnits, {16 / kTable, 524288}));
    products_.emplace_back(std::vector<Products::Part>{{k_g, x}}, b_g, std::vector<Scale>(kUnits, ins));
    products_.emplace_back(std::vector<Products::Part>{{r_g, before}}, c_g, std::vector<Scale>(kUnits, states));
    products_.emplace_back(std::vector<Products::Part>{{dense, after}}, dense_bias, std::vector<Scale>{y});
    sums_.emplace_back(kGate * states.unit, ins.unit, Scale{8 / kTable, 524288});
    sums_.emplace_back(kGate * hs.unit, kGate * kGate, hs);
    sums_.emplace_back(hs.unit, 0, before);
    sums_.emplace_back(hs.unit, 0, after);
  }

  std::int64_t operator()(const Wholes& x) {
    const Wholes before = narrowed(sums_[2]);
    const Wholes z = products_[0]({x, before}), in = products_[1]({x}), state = products_[2]({before});
    for (std::size_t u = 0; u < kUnits; ++u) {
      const std::int64_t keep = sigmoid_(z[u]), g = tanh_(sums_[0](sigmoid_(z[kUnits + u]) * state[u], in[u]));
      h_[u] = sums_[1](keep * h_[u], (32767 - keep) * g);
    }
    return products_[3]({narrowed(sums_[3])})[0];
  }

 private:
  Wholes narrowed(const Sum& to) const {
    Wholes h = h_;
    for (std::int64_t& v : h) v = narrow_ ? to(v, 0) : v;
    return h;
  }

  bool narrow_;
  Table sigmoid_{sigmoid, 16, kGate}, tanh_{std::tanh, 8, kGate};
  std::vector<Products> products_;
  std::vector<Sum> sums_;
  Reals largest_before_;
  Wholes h_ = Wholes(kUnits);
};

struct Calibration {
  Tensor tensor;
  std::vector<Reals> steps;
};

Calibration calibration() {
  Calibration c{Tensor({1, 200, kInputs}, DType::float64), {}};
  const RandomStream random(5, Purpose::user);
  for (Index t = 0; t < 200; ++t) {
    Reals x;
    for (Index i = 0; i < Index{kInputs}; ++i) {
      x.push_back(3 * random.uniform(static_cast<std::uint64_t>(2 * t + i)) - 1.5);
      c.tensor.set({0, t, i}, x.back());
    }
    c.steps.push_back(x);
  }
  return c;
}

// A million steps of integers (fewer under the sanitizers) over the whole range, more than the calibration has seen.
template <class Plain, class Number>
void expect_bits(const Layer& recurrent, const std::string& precision, const std::string& type) {
  const auto kSteps = test::all_or_some<std::size_t>(1'000'000, 50'000);
  const test::Workshop workshop;
  const Sequential model{recurrent, Dense(1)};
  const Calibration c = calibration();
  const ExportReport report =
      export_header(model, workshop.path("m.h"), {.name = "m", .precision = precision, .calibration = c.tensor});
  EXPECT_LT(report.max_error, precision == "int8" ? 0.05 : 0.01);
  EXPECT_LE(report.mean_error, report.max_error);

  std::vector<Number> x(kSteps * kInputs);
  const RandomStream random(6, Purpose::user);
  constexpr std::int64_t kLimit = std::numeric_limits<Number>::max();
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto draw = static_cast<std::int64_t>(random.below(2 * kLimit + 1, i));
    x[i] = static_cast<Number>(draw - kLimit);
  }
  workshop.write_numbers("x", x);
  workshop.write("walk.c", "#include <stdio.h>\n#include \"m.h\"\nint main(void) {\n  static m_state state; " + type +
                               " x[m_INPUTS], y[m_OUTPUTS];\n  FILE *in = fopen(\"x\", \"rb\"), *out = fopen(\"y\", "
                               "\"wb\");\n  if (!in || !out || m_self_test() != 0) return 1;\n  m_init(&state);\n"
                               "  while (fread(x, sizeof x, 1, in) == 1) { m_step_int(&state, x, y); fwrite(y, sizeof "
                               "y, 1, out); }\n  return fclose(out);\n}\n");
  ASSERT_TRUE(workshop.compile(RONDO_COMPILER, "c", "-std=c99 -O2 walk.c -o walk"));
  ASSERT_TRUE(workshop.run("./walk"));
  const std::string y = workshop.read("y");
  ASSERT_EQ(y.size(), kSteps * sizeof(Number));

  Plain plain(model.get_weights(), c.steps, kLimit);
  std::vector<std::int64_t> seen;
  for (std::size_t t = 0; t < kSteps; ++t) {
    const std::int64_t expected = plain({x[kInputs * t], x[kInputs * t + 1]});
    Number got;
    std::copy_n(y.data() + t * sizeof(Number), sizeof(Number), reinterpret_cast<char*>(&got));
    ASSERT_EQ(got, expected) << "step " << t;
    if (t < 1000) seen.push_back(got);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_GT(std::unique(seen.begin(), seen.end()) - seen.begin(), 30);
}

const LSTMOptions kLstm{.bias_initializer = "random_uniform", .input_shape = {200, kInputs}};
const GRUOptions kGru{.bias_initializer = "random_uniform", .input_shape = {200, kInputs}};

TEST(HeaderInIntegers, LstmInt16x8IsThatOfAPlainProgram) {
  set_random_seed(1);
  expect_bits<PlainLstm, std::int16_t>(LSTM(kUnits, kLstm), "int16x8", "int16_t");
}

TEST(HeaderInIntegers, LstmInt8IsThatOfAPlainProgram) {
  set_random_seed(2);
  expect_bits<PlainLstm, std::int8_t>(LSTM(kUnits, kLstm), "int8", "int8_t");
}

TEST(HeaderInIntegers, GruInt16x8IsThatOfAPlainProgram) {
  set_random_seed(3);
  expect_bits<PlainGru, std::int16_t>(GRU(kUnits, kGru), "int16x8", "int16_t");
}

TEST(HeaderInIntegers, GruInt8IsThatOfAPlainProgram) {
  set_random_seed(4);
  expect_bits<PlainGru, std::int8_t>(GRU(kUnits, kGru), "int8", "int8_t");
}

// The error that is reported is that of the header's own steps.
TEST(HeaderInIntegers, ReportsTheErrorThatItsStepsHave) {
  set_random_seed(5);
  const test::Workshop workshop;
  const Sequential model{BatchNormalization({.input_shape = {200, kInputs}}), LSTM(9, {.return_sequences = true}),
                         GRU(7, {.activation = "softsign", .return_sequences = true, .reset_after = false}),
                         TimeDistributed(Dense(6, {.activation = "relu"})), Dense(4, {.activation = "softmax"})};
  const Calibration c = calibration();
  std::vector<float> x;
  for (const Reals& step : c.steps) x.insert(x.end(), step.begin(), step.end());
  workshop.write_numbers("x", x);
  workshop.write("walk.cpp",
                 "#include <stdio.h>\n#include \"m.h\"\nint main() {\n  static m_state state; float "
                 "x[m_INPUTS], y[m_OUTPUTS];\n  FILE *in = fopen(\"x\", \"rb\"), *out = fopen(\"y\", "
                 "\"wb\");\n  if (!in || !out || m_self_test() != 0 || sizeof(m_state) != m_STATE_BYTES) "
                 "return 1;\n  m_init(&state);\n  while (fread(x, sizeof x, 1, in) == 1) { m_step(&state, x, "
                 "y); fwrite(y, sizeof y, 1, out); }\n  return fclose(out);\n}\n");
  for (const std::string precision : {"int16x8", "int8"}) {
    const ExportReport report =
        export_header(model, workshop.path("m.h"), {.name = "m", .precision = precision, .calibration = c.tensor});
    ASSERT_TRUE(workshop.compile(RONDO_COMPILER, "c++", "-std=c++11 -O1 walk.cpp -o walk"));
    ASSERT_TRUE(workshop.run("./walk"));
    const std::vector<float> y = workshop.read_floats("y");
    Stream stream = model.stream();
    double most = 0;
    for (std::size_t t = 0; t < c.steps.size(); ++t) {
      std::vector<float> truth(4);
      stream.step(std::span<const float>(x).subspan(2 * t, 2), std::span(truth));
      for (std::size_t j = 0; j < 4; ++j) most = std::max(most, static_cast<double>(std::abs(truth[j] - y[4 * t + j])));
    }
    EXPECT_NEAR(report.max_error, most, 1e-6) << precision;
    EXPECT_LT(most, precision == "int8" ? 0.03 : 0.005) << precision;
    EXPECT_GT(most, 0) << precision;
  }
}

}  // namespace
}  // namespace rondo
