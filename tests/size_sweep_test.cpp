// Layers, streams and losses of all sizes against the plain program (support/plain): a sweep over both sides of every
// number that cuts a loop (src/kernels/blocking.hpp), in both precisions, on every instruction set.
//
// An error of blocking shows only at the sizes that reach it, and then in a few elements: gradients of 121 units were
// once 4 % off while those of 120 and of 128 were right. So no size is too odd to be tried.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <rondo/rondo.hpp>

#include "kernels/blocking.hpp"
#include "kernels/table.hpp"
#include "support/layer_probe.hpp"
#include "support/plain/dense.hpp"
#include "support/plain/losses.hpp"
#include "support/plain/lstm.hpp"

namespace rondo {
namespace {

using kernels::kTinyBlocks;
using Sizes = std::set<Index>;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kInstrumented = true;
#else
constexpr bool kInstrumented = false;
#endif

// Which test crosses which constant. A new one in blocking.hpp is missing here until a test does.
const std::map<std::string, std::string> kCrossedBy = {
    {"kRowsPerBlock", "Lstm rows; Lstm units with rows"},
    {"kDepthPerPassOfSmallTiles", "Lstm units (panels in a pass of backward); Lstm inputs"},
    {"kDepthPerPassOfLargeTiles", "Lstm units (panels in a pass of backward); Lstm inputs"},
    {"kRowsPerPass", "Lstm rows; Lstm steps"},
    {"kMostRowsPerPass", "Lstm of many weights"},
    {"kBytesOfManySums", "Lstm of many weights"},
    {"kTilesPerCopy", "Lstm inputs"},
    {"kCopiedPairs", "LstmBf16 sizes"},
    {"kDepthPerConversion", "LstmBf16 sizes"},
    {"kLossRun", "Losses"},
    {"kLeastChunkBytes", "Lstm steps"},
    {"kMostRowsPerChunk", "Lstm steps"},
    {"kMostDepthOfRelay", "Lstm rows for a relay"},
    {"kLeastFlopsOfTurn", "Lstm rows for a relay"},
    {"kLeastRowsPerCheckpoint", "Lstm recomputed steps"},
};

TEST(SizeSweep, NamesEveryConstantOfBlocking) {
  std::ifstream header(RONDO_SOURCE_DIR "/src/kernels/blocking.hpp");
  ASSERT_TRUE(header);
  const std::regex constant(R"(\b(k[A-Z]\w*)\s*=)");
  std::set<std::string> defined, named;
  for (std::string line; std::getline(header, line);) {
    for (std::sregex_iterator i(line.begin(), line.end(), constant), end; i != end; ++i) defined.insert((*i)[1]);
  }
  defined.erase("kTinyBlocks");
  for (const auto& [name, test] : kCrossedBy) named.insert(name);
  EXPECT_EQ(defined, named);
}

// ---- sizes ----------------------------------------------------------------------------------------------------------

Sizes range(Index first, Index last, Index stride = 1) {
  Sizes sizes;
  for (Index n = first; n <= last; n += stride) sizes.insert(n);
  return sizes;
}

// n - before .. n + behind, without what is below 1.
Sizes around(Index n, Index before = 2, Index behind = 2) { return range(std::max<Index>(1, n - before), n + behind); }

Sizes operator+(Sizes a, const Sizes& b) {
  a.insert(b.begin(), b.end());
  return a;
}

// ---- numbers --------------------------------------------------------------------------------------------------------

// Numbers that a float holds too, so that both precisions compute with the same.
class Numbers {
 public:
  explicit Numbers(Index seed) : generator_(static_cast<std::uint64_t>(seed)) {}

  double next(double scale = 1) {
    const double unit = static_cast<double>(generator_() >> 11) * 0x1p-53;
    return static_cast<float>(scale * (2 * unit - 1));
  }
  plain::Array array(Index count, double scale = 1) {
    plain::Array a(static_cast<std::size_t>(count));
    for (double& v : a) v = next(scale);
    return a;
  }
  // About one in five is 0.
  plain::Mask mask(Index count) {
    plain::Mask m(static_cast<std::size_t>(count));
    for (auto& v : m) v = generator_() % 5 == 0 ? 0 : 1;
    return m;
  }

 private:
  std::mt19937_64 generator_;
};

plain::Size size_of(Index n) { return static_cast<plain::Size>(n); }

// The largest difference, relative to the largest element of `expected`, or to 1 where those are larger than that by
// the rounding of sums alone. NaN is the largest difference of all.
double distance(const Tensor& got, const plain::Array& expected) {
  const std::vector<double> a = got.to_vector();
  if (a.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double most = 0, largest = 1e-3;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - expected[i]) <= most)) most = std::abs(a[i] - expected[i]);
    if (std::isnan(a[i])) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(expected[i]));
  }
  return most / largest;
}

// Of float64 and of float32; the latter's sums of `terms` products lose a little.
double bound(DType dtype, Index terms) {
  return dtype == DType::float64 ? 1e-9 : 2e-6 * std::sqrt(1 + static_cast<double>(terms) / 16);
}

// f(name, dtype) for each instruction set and precision.
template <class F>
void on_every_target(F&& f) {
  const std::string before = simd_target();
  for (const std::string& target : simd_targets()) {
    set_simd_target(target);
    for (const DType dtype : {DType::float32, DType::float64}) {
      SCOPED_TRACE(target + ", " + std::string(to_string(dtype)));
      f(dtype);
    }
  }
  set_simd_target(before);
}

// Results of one precision on several targets, which must be the same to the bit.
class SameBits {
 public:
  void expect(DType dtype, const std::vector<Tensor>& results) {
    std::vector<Tensor>& first = first_[dtype == DType::float64 ? 1 : 0];
    if (first.empty()) first = results;
    ASSERT_EQ(results.size(), first.size());
    for (std::size_t i = 0; i < results.size(); ++i) {
      EXPECT_TRUE(results[i].identical(first[i])) << "tensor " << i << " has other bits than on the first target";
    }
  }

 private:
  std::vector<Tensor> first_[2];
};

// ---- LSTM -----------------------------------------------------------------------------------------------------------

struct LstmCase {
  Index units = 5, inputs = 2, steps = 3, rows = 3;
  Index spare_rows = 0;
  LSTMOptions options = {};
  bool initial_state = false, mask = false;

  std::string text() const {
    std::string s = "LSTM(" + std::to_string(units) + ") of " + std::to_string(inputs) + " inputs, " +
                    std::to_string(steps) + " steps, " + std::to_string(rows) + " rows";
    if (spare_rows > 0) s += " of " + std::to_string(rows + spare_rows);
    if (options.return_sequences) s += ", return_sequences";
    if (options.return_state) s += ", return_state";
    if (options.go_backwards) s += ", go_backwards";
    if (options.recompute) s += ", recompute";
    if (!options.use_bias) s += ", no bias";
    if (initial_state) s += ", initial state";
    if (mask) s += ", mask";
    return s + ", activation " + options.activation.name();
  }
};

// Options that change the walk, another combination for each number.
LstmCase with_options(LstmCase c, Index number) {
  c.options.return_sequences = number % 2 == 1;
  c.initial_state = number % 3 == 1;
  c.options.return_state = number % 5 == 2;
  c.options.go_backwards = number % 7 == 3;
  c.mask = number % 4 == 2;
  c.options.use_bias = number % 11 != 5;
  if (number % 6 == 5) c.options.activation = "softsign";
  c.spare_rows = number % 13 == 7 ? 2 : 0;
  return c;
}

// What goes into a case and what the plain program makes of it.
class PlainLstm {
 public:
  explicit PlainLstm(const LstmCase& c) : case_(c) {
    Numbers numbers(c.units * 1000003 + c.inputs * 10007 + c.steps * 101 + c.rows);
    call_.batch = size_of(c.rows);
    call_.steps = size_of(c.steps);
    call_.x = numbers.array(c.rows * c.steps * c.inputs);
    const double scale = 1.5 / std::sqrt(static_cast<double>(c.units + c.inputs));
    call_.weights = {size_of(c.inputs),
                     size_of(c.units),
                     numbers.array(c.inputs * 4 * c.units, scale),
                     numbers.array(c.units * 4 * c.units, scale),
                     {}};
    if (c.options.use_bias) call_.weights.bias = numbers.array(4 * c.units);
    if (c.initial_state) {
      call_.initial_h = numbers.array(c.rows * c.units);
      call_.initial_c = numbers.array(c.rows * c.units);
    }
    if (c.mask) call_.mask = numbers.mask(c.rows * c.steps);
    call_.options.activation = c.options.activation.name();
    call_.options.go_backwards = c.options.go_backwards;
    forward_ = plain::lstm_forward(call_);

    dy_ = numbers.array(c.rows * c.units * (c.options.return_sequences ? c.steps : 1));
    if (c.options.return_state) {
      dh_ = numbers.array(c.rows * c.units);
      dc_ = numbers.array(c.rows * c.units);
    }
    plain::Array d_outputs = dy_;
    if (!c.options.return_sequences) {
      d_outputs.assign(size_of(c.rows * c.steps * c.units), 0);
      for (Index b = 0; b < c.rows; ++b) {
        for (Index u = 0; u < c.units; ++u) {
          d_outputs[size_of(((b + 1) * c.steps - 1) * c.units + u)] = dy_[size_of(b * c.units + u)];
        }
      }
    }
    backward_ = plain::lstm_backward(call_, forward_, d_outputs, dh_, dc_);
  }

  // One walk of Rondo's layer.
  test::Probed run(const DTypePolicy& policy, Index threads = 1) const {
    LSTMOptions typed = case_.options;
    typed.recurrent_initializer = "zeros";  // orthogonal takes its time, and the weights are set below
    typed.dtype = policy;
    const LSTM layer(case_.units, typed);
    test::ProbeArguments a{.inputs = {tensor({case_.rows, case_.steps, case_.inputs}, call_.x)}};
    const Shape state{case_.rows, case_.units};
    if (case_.initial_state) a.initial_state = {tensor(state, call_.initial_h), tensor(state, call_.initial_c)};
    a.weights = {tensor({case_.inputs, 4 * case_.units}, call_.weights.kernel),
                 tensor({case_.units, 4 * case_.units}, call_.weights.recurrent_kernel)};
    if (case_.options.use_bias) a.weights.push_back(tensor({4 * case_.units}, call_.weights.bias));
    a.cotangents = {tensor(
        case_.options.return_sequences ? Shape{case_.rows, case_.steps, case_.units} : Shape{case_.rows, case_.units},
        dy_)};
    if (case_.options.return_state) {
      a.cotangents.push_back(tensor(state, dh_));
      a.cotangents.push_back(tensor(state, dc_));
    }
    if (case_.mask) {
      a.masks = {tensor({case_.rows, case_.steps}, plain::Array(call_.mask.begin(), call_.mask.end()))};
    }
    a.spare_rows = case_.spare_rows;
    a.threads = threads;
    return test::probe(*layer.node(), a);
  }

  void expect_near(const test::Probed& got, double outputs, double gradients) const {
    EXPECT_LE(distance(got.outputs[0], output()), outputs) << "output";
    if (case_.options.return_state) {
      EXPECT_LE(distance(got.outputs[1], forward_.final_h), outputs) << "h";
      EXPECT_LE(distance(got.outputs[2], forward_.final_c), outputs) << "c";
    }
    EXPECT_LE(distance(got.input_gradients[0], backward_.x), gradients) << "gradient of x";
    if (case_.initial_state) {
      EXPECT_LE(distance(got.state_gradients[0], backward_.initial_h), gradients) << "gradient of h0";
      EXPECT_LE(distance(got.state_gradients[1], backward_.initial_c), gradients) << "gradient of c0";
    }
    EXPECT_LE(distance(got.weight_gradients[0], backward_.kernel), gradients) << "gradient of the kernel";
    EXPECT_LE(distance(got.weight_gradients[1], backward_.recurrent_kernel), gradients)
        << "gradient of the recurrent kernel";
    if (case_.options.use_bias) {
      EXPECT_LE(distance(got.weight_gradients[2], backward_.bias), gradients) << "gradient of the bias";
    }
  }

 private:
  static Tensor tensor(const Shape& shape, const plain::Array& elements) { return Tensor(shape, elements); }

  plain::Array output() const {
    if (case_.options.return_sequences) return forward_.outputs;
    plain::Array last;
    for (Index b = 0; b < case_.rows; ++b) {
      const auto row = forward_.outputs.begin() + ((b + 1) * case_.steps - 1) * case_.units;
      last.insert(last.end(), row, row + case_.units);
    }
    return last;
  }

  LstmCase case_;
  plain::LstmCall call_;
  plain::LstmForward forward_;
  plain::LstmGradients backward_;
  plain::Array dy_, dh_, dc_;
};

std::vector<Tensor> all_of(const test::Probed& p) {
  std::vector<Tensor> all = p.outputs;
  for (const auto* more : {&p.input_gradients, &p.state_gradients, &p.weight_gradients}) {
    all.insert(all.end(), more->begin(), more->end());
  }
  return all;
}

void check_lstm(const LstmCase& c) {
  SCOPED_TRACE(c.text());
  const PlainLstm expected(c);
  SameBits bits;
  on_every_target([&](DType dtype) {
    const test::Probed got = expected.run(DTypePolicy(dtype));
    expected.expect_near(got, bound(dtype, c.inputs + c.units), bound(dtype, c.units + c.steps * c.rows));
    bits.expect(dtype, all_of(got));
  });
}

// Every number of units, some at a time, so that they run in parallel. Instrumented builds, which are slower, take
// every number up to 64, and then each third.
class UnitsFrom : public testing::TestWithParam<Index> {};
constexpr Index kUnitsAtOnce = 50, kMostUnits = kTinyBlocks ? 100 : 300;

TEST_P(UnitsFrom, AgreeWithThePlainProgram) {
  for (Index units = GetParam(); units < GetParam() + kUnitsAtOnce; ++units) {
    if (kInstrumented && units > 64 && units % 3 != 1) continue;
    check_lstm(with_options({.units = units}, units));
    if (HasFailure()) return;  // the next sizes would say the same
  }
}
INSTANTIATE_TEST_SUITE_P(LstmSizes, UnitsFrom, testing::Range<Index>(1, kMostUnits, kUnitsAtOnce));

// Panels and passes of backward beyond: whole multiples of a pass on every target, and narrow panels before and behind.
TEST(LstmSizes, UnitsAroundWholePassesBeyond) {
  if (kTinyBlocks) return;  // passes end everywhere in the sizes above
  for (const Index units : around(336, 1, 5) + around(384, 3, 13) + around(512, 4, 1)) {
    if (kInstrumented && units % 5 != 1) continue;
    check_lstm(with_options({.units = units, .steps = 2, .rows = 1}, units));
  }
}

// Narrow panels fill vectors with several rows: units on both sides of each kind of panel, with rows up to two blocks.
TEST(LstmSizes, UnitsWithRows) {
  Index number = 0;
  for (const Index units : {1, 2, 3, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29}) {
    for (const Index rows : {4, 5, 7, 13, 66}) {
      check_lstm(with_options({.units = units, .inputs = 1, .steps = 2, .rows = rows}, number++));
    }
  }
}

TEST(LstmSizes, Inputs) {
  const Sizes inputs = range(1, 40) + around(kernels::kDepthPerPassOfSmallTiles, 20) +
                       around(kernels::kDepthPerPassOfLargeTiles, 20) +
                       // The tiles of 6 or 3 rows that a copy of columns holds.
                       around(6 * kernels::kTilesPerCopy<float>, 7) + around(3 * kernels::kTilesPerCopy<float>, 4) +
                       around(6 * kernels::kTilesPerCopy<double>, 7) + around(3 * kernels::kTilesPerCopy<double>, 4);
  Index number = 0;
  for (const Index n : inputs) {
    check_lstm(with_options({.units = 13 + n % 7, .inputs = n, .steps = 2, .rows = 2}, number++));
  }
}

TEST(LstmSizes, Rows) {
  const Sizes rows = range(1, 20) + around(kernels::kRowsPerBlock) + around(2 * kernels::kRowsPerBlock) +
                     around(kernels::kRowsPerPass) + around(2 * kernels::kRowsPerPass) + Sizes{300};
  Index number = 0;
  for (const Index n : rows) {
    for (const Index units : {5, 18}) {
      check_lstm(with_options({.units = units, .inputs = 2, .steps = 4, .rows = n}, number));
      number += 1 + number % 2;
    }
  }
}

// A few rows of many steps, which fill passes and chunks of steps.
TEST(LstmSizes, Steps) {
  Index number = 0;
  for (const Index steps : range(1, 12) + around(kernels::kRowsPerPass / 3) + around(kernels::kRowsPerPass) +
                               around(kernels::kMostRowsPerChunk / 3) + around(kernels::kMostRowsPerChunk)) {
    for (const Index rows : {1, 3}) {
      check_lstm(with_options({.units = 4, .inputs = 1, .steps = steps, .rows = rows}, number++));
    }
  }
  // The weights of 64 units are as large as the least chunk of a layer; those of 90 larger.
  const Index rows = kTinyBlocks ? 2 : 128;
  for (const Index steps : {3, 4, 5, 9}) {
    for (const Index units : {30, 64, 70}) {
      if ((steps + units) % 3 == 0) continue;
      check_lstm(with_options({.units = units, .inputs = 1, .steps = steps, .rows = rows}, number++));
    }
  }
}

TEST(LstmSizes, RecomputedSteps) {
  Index number = 0;
  for (const Index steps : range(1, 20) + around(64) + Sizes{100, 300}) {
    for (const Index rows : {1, 3, 50}) {
      LstmCase c = with_options({.units = 6, .inputs = 2, .steps = steps, .rows = rows}, number++);
      c.options.recompute = true;
      check_lstm(c);
    }
  }
}

// Two members hand weight gradients to each other in small layers with many rows.
TEST(LstmSizes, RowsForARelay) {
  Index number = 0;
  const Index rows = kTinyBlocks ? 8 : 400;
  for (const Index units : {11, 16, 25}) {
    for (const Index steps : {2, 3, 7}) {
      LstmCase c = with_options({.units = units, .inputs = 2, .steps = steps, .rows = rows + number % 3}, number++);
      c.options.recompute = number % 4 == 3;
      ASSERT_GE(2 * (units + 2) * units * rows, kernels::kLeastFlopsOfTurn);
      ASSERT_LE(1 + 2 + units, kernels::kMostDepthOfRelay);
      SCOPED_TRACE(c.text());
      const PlainLstm expected(c);
      SameBits bits;
      on_every_target([&](DType dtype) {
        for (const Index threads : {1, 2, 3}) {
          const test::Probed got = expected.run(DTypePolicy(dtype), threads);
          expected.expect_near(got, bound(dtype, c.inputs + c.units), bound(dtype, c.units + c.steps * c.rows));
          bits.expect(dtype, all_of(got));
        }
      });
    }
  }
}

// Weights beyond kBytesOfManySums: longer passes of gradients.
TEST(LstmSizes, ManyWeights) {
  const Index units = kTinyBlocks ? 20 : 368;
  ASSERT_GT(4 * units * units * Index{sizeof(float)}, kernels::kBytesOfManySums);
  const Index pass = kernels::kMostRowsPerPass;
  check_lstm({.units = units, .inputs = 3, .steps = 1, .rows = pass + 1, .initial_state = true});
  check_lstm({.units = units, .inputs = 3, .steps = 5, .rows = pass / 4 + 1});
}

// A stream is the sequence to the bit, whose panels it takes in groups of its own.
TEST_P(UnitsFrom, StreamAsTheSequenceGoes) {
  const Index steps = 4, inputs = 3;
  for (Index units = GetParam(); units < GetParam() + kUnitsAtOnce; ++units) {
    if (kInstrumented && units > 64 && units % 3 != 1) continue;
    SCOPED_TRACE("LSTM(" + std::to_string(units) + ")");
    Numbers numbers(units);
    const Tensor X({1, steps, inputs}, numbers.array(steps * inputs));
    on_every_target([&](DType dtype) {
      LSTMOptions options{.recurrent_initializer = "glorot_uniform", .return_sequences = true, .dtype = dtype};
      options.input_shape = {steps, inputs};
      const Sequential model{LSTM(units, options)};
      const Tensor whole = model.predict(X).cast(DType::float64);
      Stream stream = model.stream();
      const std::vector<double> x = X.to_vector();
      std::vector<double> y(size_of(units));
      for (Index t = 0; t < steps; ++t) {
        stream.step(std::span(x).subspan(size_of(t * inputs), size_of(inputs)), std::span(y));
        for (Index u = 0; u < units; ++u) ASSERT_EQ(y[size_of(u)], whole(0, t, u)) << "step " << t << ", unit " << u;
      }
    });
  }
}

// ---- bfloat16 -------------------------------------------------------------------------------------------------------

// Products of rounded operands lose 2^-8 each; an error of blocking is another number altogether.
TEST(LstmBf16Sizes, AgreeWithThePlainProgramAsFarAsRoundingLets) {
  const auto check = [](const LstmCase& c) {
    SCOPED_TRACE(c.text());
    const PlainLstm expected(c);
    const std::string before = simd_target();
    for (const std::string& target : simd_targets()) {
      SCOPED_TRACE(target);
      set_simd_target(target);
      expected.expect_near(expected.run("mixed_bfloat16"), 0.01, 0.02);
    }
    set_simd_target(before);
  };
  for (Index units = 1; units <= kMostUnits; units += kInstrumented ? 7 : 3) {
    check(with_options({.units = units, .inputs = 2, .steps = 3, .rows = 2}, units));
  }
  Index number = 0;
  for (const Index inputs : around(2 * kernels::kDepthPerConversion) + around(kernels::kCopiedPairs / 16, 1, 1)) {
    check(with_options({.units = 9, .inputs = inputs, .steps = 2, .rows = 2}, number++));
  }
  for (const Index rows : range(1, 14) + around(64) + around(kernels::kRowsPerPass) + around(260)) {
    check(with_options({.units = 9, .inputs = 2, .steps = 3, .rows = rows}, number++));
  }
  for (const Index steps : around(2 * kernels::kRowsPerPass) + around(kernels::kDepthPerConversion)) {
    check(with_options({.units = 5, .inputs = 1, .steps = steps, .rows = 1}, number++));
  }
}

// ---- Dense ----------------------------------------------------------------------------------------------------------

void check_dense(Index units, Index inputs, Index steps, Index rows, bool use_bias) {
  SCOPED_TRACE("Dense(" + std::to_string(units) + ") of " + std::to_string(inputs) + " inputs, " +
               std::to_string(steps) + " steps, " + std::to_string(rows) + " rows" + (use_bias ? "" : ", no bias"));
  Numbers numbers(units * 10007 + inputs * 101 + rows);
  plain::DenseWeights w{
      size_of(inputs), size_of(units), numbers.array(inputs * units, 1 / std::sqrt(static_cast<double>(inputs))), {}};
  if (use_bias) w.bias = numbers.array(units);
  const plain::Array x = numbers.array(rows * steps * inputs), dy = numbers.array(rows * steps * units);
  const plain::Array y = plain::dense_forward(w, x);
  const plain::DenseGradients d = plain::dense_backward(w, x, dy);
  SameBits bits;
  on_every_target([&](DType dtype) {
    const Dense layer(units, {.use_bias = use_bias, .dtype = dtype});
    test::ProbeArguments a{.inputs = {Tensor({rows, steps, inputs}, x)}};
    a.weights = {Tensor({inputs, units}, w.kernel)};
    if (use_bias) a.weights.push_back(Tensor({units}, w.bias));
    a.cotangents = {Tensor({rows, steps, units}, dy)};
    const test::Probed got = test::probe(*layer.node(), a);
    EXPECT_LE(distance(got.outputs[0], y), bound(dtype, inputs)) << "output";
    EXPECT_LE(distance(got.input_gradients[0], d.x), bound(dtype, units)) << "gradient of x";
    EXPECT_LE(distance(got.weight_gradients[0], d.kernel), bound(dtype, rows * steps)) << "gradient of the kernel";
    if (use_bias) {
      EXPECT_LE(distance(got.weight_gradients[1], d.bias), bound(dtype, rows * steps)) << "gradient of the bias";
    }
    bits.expect(dtype, all_of(got));
  });
}

TEST(DenseSizes, Units) {
  for (const Index units : range(1, 140) + around(256) + around(300)) check_dense(units, 5, 2, 4, units % 3 != 0);
}

TEST(DenseSizes, Inputs) {
  for (const Index inputs : range(1, 140) + around(256) + around(520)) check_dense(1 + inputs % 19, inputs, 1, 3, true);
}

TEST(DenseSizes, RowsAndSteps) {
  for (const Index rows : range(1, 20) + around(64) + around(128) + around(256)) {
    for (const Index steps : {1, 3}) check_dense(1 + rows % 5, 6, steps, rows, rows % 2 == 0);
  }
}

// ---- losses ---------------------------------------------------------------------------------------------------------

struct LossCase {
  plain::Loss loss;
  kernels::LossKind kind;

  // Of a single class, nothing is left but rounding.
  Index least_features() const { return loss.name.ends_with("categorical_crossentropy") ? 2 : 1; }
};

std::vector<LossCase> losses() {
  using kernels::LossKind;
  return {{{"mean_squared_error"}, LossKind::mean_squared_error},
          {{"mean_absolute_error"}, LossKind::mean_absolute_error},
          {{"binary_crossentropy"}, LossKind::binary_crossentropy},
          {{"binary_crossentropy", true, 0.1}, LossKind::binary_crossentropy_from_logits},
          {{"categorical_crossentropy", false, 0.1}, LossKind::categorical_crossentropy},
          {{"categorical_crossentropy", true}, LossKind::categorical_crossentropy_from_logits},
          {{"sparse_categorical_crossentropy"}, LossKind::sparse_categorical_crossentropy},
          {{"sparse_categorical_crossentropy", true}, LossKind::sparse_categorical_crossentropy_from_logits}};
}

// Labels between 0 and 1 that need not sum to 1, or class numbers; predictions are logits, or numbers within (0, 1).
template <class T>
void check_loss(const kernels::KernelTable& table, const LossCase& c, Index features, Index rows) {
  const bool sparse = c.loss.name.starts_with("sparse");
  Numbers numbers(features * 1009 + rows);
  plain::Array truth, prediction;
  for (Index i = 0; i < rows * (sparse ? 1 : features); ++i) {
    const double label = numbers.next() / 2 + 0.5;
    truth.push_back(sparse
                        ? std::min(std::floor(label * static_cast<double>(features)), static_cast<double>(features - 1))
                        : label);
  }
  for (Index i = 0; i < rows * features; ++i) {
    prediction.push_back(c.loss.from_logits ? numbers.next(3) : numbers.next(0.45) + 0.5);
  }
  const plain::Array value = plain::loss_of_rows(c.loss, truth, prediction, size_of(features));
  const plain::Array gradient = plain::loss_gradient(c.loss, truth, prediction, size_of(features));

  // Rows stand apart, and what lies between them is left alone.
  const Index stride = features + 3;
  constexpr T kUntouched = 7;
  const auto spread = [&](const plain::Array& from, Index count) {
    std::vector<T> to(size_of(rows * stride), kUntouched);
    for (Index r = 0; r < rows; ++r) {
      for (Index f = 0; f < count; ++f) to[size_of(r * stride + f)] = static_cast<T>(from[size_of(r * count + f)]);
    }
    return to;
  };
  const std::vector<T> t = spread(truth, sparse ? 1 : features), p = spread(prediction, features);
  std::vector<T> got_value(size_of(rows)), got_gradient(size_of(rows * stride), kUntouched);
  table.ops<T>().loss({.kind = c.kind,
                       .label_smoothing = c.loss.label_smoothing,
                       .rows = rows,
                       .features = features,
                       .truth = t.data(),
                       .truth_stride = stride,
                       .prediction = p.data(),
                       .prediction_stride = stride,
                       .value = got_value.data(),
                       .gradient = got_gradient.data(),
                       .gradient_stride = stride,
                       .scale = T{1} / static_cast<T>(rows)});
  const double limit = bound(dtype_of<T>, features);
  EXPECT_LE(distance(Tensor(got_value), value), limit) << "value";
  std::vector<double> packed;
  for (Index r = 0; r < rows; ++r) {
    for (Index f = 0; f < stride; ++f) {
      const T g = got_gradient[size_of(r * stride + f)];
      if (f < features) {
        packed.push_back(static_cast<double>(g));
      } else {
        EXPECT_EQ(g, kUntouched) << "between the rows";
      }
    }
  }
  // Gradients fall with the features.
  double largest = 0;
  for (const double g : gradient) largest = std::max(largest, std::abs(g));
  plain::Array scaled = gradient;
  for (double& g : scaled) g /= largest;
  for (double& g : packed) g /= largest;
  EXPECT_LE(distance(Tensor(packed), scaled), 4 * limit) << "gradient";
}

TEST(LossSizes, FeaturesAndRows) {
  const Sizes features = range(1, 70) + around(kernels::kLossRun / 4) + around(kernels::kLossRun) +
                         around(2 * kernels::kLossRun) + around(3 * kernels::kLossRun, 1, 17);
  for (const LossCase& c : losses()) {
    for (const kernels::KernelTable* table : kernels::tables()) {
      for (const Index n : features) {
        if (n < c.least_features()) continue;
        for (const Index rows : {1, 2}) {
          SCOPED_TRACE(c.loss.name + (c.loss.from_logits ? " from logits, " : ", ") + std::to_string(n) +
                       " features, " + std::to_string(rows) + " rows, " + table->target);
          check_loss<float>(*table, c, n, rows);
          check_loss<double>(*table, c, n, rows);
        }
      }
      // Runs of short rows, with a rest.
      for (const Index rows :
           around(kernels::kLossRun) + around(kernels::kLossRun / 3) + Sizes{2 * kernels::kLossRun}) {
        SCOPED_TRACE(c.loss.name + ", " + std::to_string(rows) + " rows, " + table->target);
        check_loss<float>(*table, c, c.least_features(), rows);
        check_loss<double>(*table, c, 3, rows);
      }
    }
  }
}

}  // namespace
}  // namespace rondo
