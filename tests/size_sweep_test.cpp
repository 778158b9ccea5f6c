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
#include <tuple>
#include <vector>

#include <rondo/rondo.hpp>

#include "kernels/blocking.hpp"
#include "kernels/table.hpp"
#include "support/instrumented.hpp"
#include "support/layer_probe.hpp"
#include "support/plain/dense.hpp"
#include "support/plain/dropout.hpp"
#include "support/plain/gru.hpp"
#include "support/plain/losses.hpp"
#include "support/plain/lstm.hpp"
#include "support/plain/model.hpp"

namespace rondo {
namespace {

using kernels::kTinyBlocks;
using Sizes = std::set<Index>;

// Of the units that a sweep goes through one by one, the sanitizers take all up to 64, and then those that meet each
// rest of a vector's width.
bool is_taken(Index units) { return !test::instrumented() || units <= 64 || units % (kTinyBlocks ? 3 : 7) == 1; }

// Which test crosses which constant. A new one in blocking.hpp is missing here until a test does.
const std::map<std::string, std::string> kCrossedBy = {
    {"kRowsPerBlock", "Recurrent rows; Recurrent units with rows"},
    {"kDepthPerPassOfSmallTiles", "Recurrent units (panels in a pass of backward); Recurrent inputs"},
    {"kDepthPerPassOfLargeTiles", "Recurrent units (panels in a pass of backward); Recurrent inputs"},
    {"kRowsPerPass", "Recurrent rows; Recurrent steps"},
    {"kMostRowsPerPass", "Recurrent of many weights"},
    {"kBytesOfManySums", "Recurrent of many weights"},
    {"kTilesPerCopy", "Recurrent inputs"},
    {"kCopiedPairs", "LstmBf16 sizes"},
    {"kDepthPerConversion", "LstmBf16 sizes"},
    {"kLossRun", "Losses"},
    {"kLeastChunkBytes", "Recurrent steps"},
    {"kMostRowsPerChunk", "Recurrent steps"},
    {"kMostDepthOfRelay", "Recurrent rows for a relay"},
    {"kLeastFlopsOfTurn", "Recurrent rows for a relay"},
    {"kLeastRowsPerCheckpoint", "Recurrent recomputed steps"},
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

// ---- recurrent layers
// ------------------------------------------------------------------------------------------------

enum class Kind { lstm, gru, gru_reset_before };
void PrintTo(Kind kind, std::ostream* out) {
  *out << (kind == Kind::lstm ? "lstm" : kind == Kind::gru ? "gru" : "gru_reset_before");
}

struct Case {
  Kind kind = Kind::lstm;
  Index units = 5, inputs = 2, steps = 3, rows = 3;
  Index spare_rows = 0;
  LSTMOptions options = {};  // a GRU takes those that it has
  bool initial_state = false, mask = false;

  bool is_lstm() const { return kind == Kind::lstm; }
  Index gates() const { return is_lstm() ? 4 : 3; }
  std::string text() const {
    std::string s = std::string(is_lstm() ? "LSTM" : "GRU") + "(" + std::to_string(units) + ") of " +
                    std::to_string(inputs) + " inputs, " + std::to_string(steps) + " steps, " + std::to_string(rows) +
                    " rows";
    if (kind == Kind::gru_reset_before) s += ", reset_after = false";
    if (spare_rows > 0) s += " of " + std::to_string(rows + spare_rows);
    if (options.return_sequences) s += ", return_sequences";
    if (options.return_state) s += ", return_state";
    if (options.go_backwards) s += ", go_backwards";
    if (options.recompute) s += ", recompute";
    if (!options.use_bias) s += ", no bias";
    if (initial_state) s += ", initial state";
    if (mask) s += ", mask";
    if (options.dropout.value > 0) s += ", dropout";
    if (options.recurrent_dropout.value > 0) s += ", recurrent_dropout";
    return s + ", activation " + options.activation.name();
  }
};

constexpr std::uint64_t kSeed = 20160605;  // of dropout; a layer made right after it is number 0

// The layer of a case, whose weights are set later: orthogonal ones would take their time.
Layer layer_of(const Case& c, const DTypePolicy& policy) {
  set_random_seed(kSeed);
  const LSTMOptions& o = c.options;
  if (c.is_lstm()) {
    LSTMOptions typed = o;
    typed.recurrent_initializer = "zeros";
    typed.dtype = policy;
    return LSTM(c.units, typed);
  }
  return GRU(c.units, {.activation = o.activation,
                       .use_bias = o.use_bias,
                       .recurrent_initializer = "zeros",
                       .return_sequences = o.return_sequences,
                       .return_state = o.return_state,
                       .go_backwards = o.go_backwards,
                       .recompute = o.recompute,
                       .reset_after = c.kind == Kind::gru,
                       .dropout = o.dropout,
                       .recurrent_dropout = o.recurrent_dropout,
                       .dtype = policy});
}

// Options that change the walk, another combination for each number.
Case with_options(Case c, Index number) {
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
class Expected {
 public:
  explicit Expected(const Case& c) : case_(c) {
    Numbers numbers(c.units * 1000003 + c.inputs * 10007 + c.steps * 101 + c.rows);
    x_ = numbers.array(c.rows * c.steps * c.inputs);
    const double scale = 1.5 / std::sqrt(static_cast<double>(c.units + c.inputs));
    weights_ = {numbers.array(c.inputs * c.gates() * c.units, scale),
                numbers.array(c.units * c.gates() * c.units, scale)};
    if (c.options.use_bias) weights_.push_back(numbers.array(bias_rows() * c.gates() * c.units));
    const std::size_t states = c.is_lstm() ? 2 : 1;
    for (std::size_t i = 0; c.initial_state && i < states; ++i) initial_.push_back(numbers.array(c.rows * c.units));
    if (c.mask) mask_ = numbers.mask(c.rows * c.steps);
    cotangents_ = {numbers.array(c.rows * c.units * (c.options.return_sequences ? c.steps : 1))};
    for (std::size_t i = 0; c.options.return_state && i < states; ++i) {
      cotangents_.push_back(numbers.array(c.rows * c.units));
    }
    c.is_lstm() ? compute_lstm() : compute_gru();
  }

  // One walk of Rondo's layer.
  test::Probed run(const DTypePolicy& policy, Index threads = 1) const {
    const Layer layer = layer_of(case_, policy);
    const Index columns = case_.gates() * case_.units;
    test::ProbeArguments a{.inputs = {Tensor({case_.rows, case_.steps, case_.inputs}, x_)}};
    const Shape state{case_.rows, case_.units};
    for (const plain::Array& s : initial_) a.initial_state.push_back(Tensor(state, s));
    a.weights = {Tensor({case_.inputs, columns}, weights_[0]), Tensor({case_.units, columns}, weights_[1])};
    if (case_.options.use_bias) {
      a.weights.push_back(Tensor(bias_rows() == 2 ? Shape{2, columns} : Shape{columns}, weights_[2]));
    }
    const Shape output{case_.rows, case_.steps, case_.units};
    for (std::size_t i = 0; i < cotangents_.size(); ++i) {
      a.cotangents.push_back(Tensor(i == 0 && case_.options.return_sequences ? output : state, cotangents_[i]));
    }
    if (case_.mask) a.masks = {Tensor({case_.rows, case_.steps}, plain::Array(mask_.begin(), mask_.end()))};
    a.spare_rows = case_.spare_rows;
    a.threads = threads;
    return test::probe(*layer.node(), a);
  }

  void expect_near(const test::Probed& got, double outputs, double gradients) const {
    EXPECT_LE(distance(got.outputs[0], outputs_), outputs) << "output";
    for (std::size_t i = 1; i < got.outputs.size(); ++i) {
      EXPECT_LE(distance(got.outputs[i], finals_[i - 1]), outputs) << "state " << i - 1;
    }
    EXPECT_LE(distance(got.input_gradients[0], d_x_), gradients) << "gradient of x";
    for (std::size_t i = 0; i < got.state_gradients.size(); ++i) {
      EXPECT_LE(distance(got.state_gradients[i], d_initial_[i]), gradients) << "gradient of initial state " << i;
    }
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      EXPECT_LE(distance(got.weight_gradients[i], d_weights_[i]), gradients) << "gradient of weight " << i;
    }
  }

 private:
  Index bias_rows() const { return case_.kind == Kind::gru ? 2 : 1; }

  template <class Call>
  Call call_of() const {
    Call call;
    call.batch = size_of(case_.rows);
    call.steps = size_of(case_.steps);
    call.x = x_;
    call.weights = {size_of(case_.inputs), size_of(case_.units), weights_[0], weights_[1], {}};
    if (case_.options.use_bias) call.weights.bias = weights_[2];
    if (case_.initial_state) call.initial_h = initial_[0];
    call.mask = mask_;
    call.options.activation = case_.options.activation.name();
    call.options.go_backwards = case_.options.go_backwards;
    drop(call);
    return call;
  }

  template <class Call>
  void drop(Call& call) const {
    const double rate = case_.options.dropout.value, of_h = case_.options.recurrent_dropout.value;
    const plain::Size rows = size_of(case_.rows), inputs = size_of(case_.inputs), units = size_of(case_.units);
    const plain::Draws of_x{.rate = rate, .seed = kSeed};
    if (of_h == 0) {
      if (rate > 0) call.x_factors = plain::shared_factors(of_x, rows, inputs, size_of(case_.gates()));
      return;
    }
    // Draws are numbered as the gates stand in a row of weights.
    using Places = std::vector<plain::Size>;
    if (rate > 0) {
      call.x_factors = plain::gate_factors(of_x, rows, inputs, case_.is_lstm() ? Places{0, 1, 2, 3} : Places{1, 2, 0});
    }
    call.h_factors = plain::gate_factors({.rate = of_h, .seed = kSeed, .purpose = 5}, rows, units,
                                         case_.is_lstm() ? Places{0, 1, 2, 3} : Places{0, 1, 2});
  }

  void compute_lstm() {
    auto call = call_of<plain::LstmCall>();
    if (case_.initial_state) call.initial_c = initial_[1];
    const plain::LstmForward f = plain::lstm_forward(call);
    const bool states = case_.options.return_state;
    const plain::LstmGradients d = plain::lstm_backward(call, f, d_outputs(), states ? cotangents_[1] : plain::Array(),
                                                        states ? cotangents_[2] : plain::Array());
    keep(f.outputs, {f.final_h, f.final_c}, d.x, {d.initial_h, d.initial_c}, {d.kernel, d.recurrent_kernel, d.bias});
  }

  void compute_gru() {
    auto call = call_of<plain::GruCall>();
    call.options.reset_after = case_.kind == Kind::gru;
    const plain::GruForward f = plain::gru_forward(call);
    const plain::GruGradients d =
        plain::gru_backward(call, f, d_outputs(), case_.options.return_state ? cotangents_[1] : plain::Array());
    keep(f.outputs, {f.final_h}, d.x, {d.initial_h}, {d.kernel, d.recurrent_kernel, d.bias});
  }

  plain::Array d_outputs() const {
    if (case_.options.return_sequences) return cotangents_[0];
    return plain::at_last_steps(cotangents_[0], size_of(case_.rows), size_of(case_.steps), size_of(case_.units));
  }

  void keep(const plain::Array& outputs, std::vector<plain::Array> finals, plain::Array d_x,
            std::vector<plain::Array> d_initial, std::vector<plain::Array> d_weights) {
    outputs_ = case_.options.return_sequences
                   ? outputs
                   : plain::last_steps(outputs, size_of(case_.rows), size_of(case_.steps), size_of(case_.units));
    finals_ = std::move(finals);
    d_x_ = std::move(d_x);
    d_initial_ = std::move(d_initial);
    d_weights_ = std::move(d_weights);
  }

  Case case_;
  plain::Array x_;
  plain::Mask mask_;
  std::vector<plain::Array> weights_, initial_, cotangents_;
  plain::Array outputs_, d_x_;
  std::vector<plain::Array> finals_, d_initial_, d_weights_;
};

std::vector<Tensor> all_of(const test::Probed& p) {
  std::vector<Tensor> all = p.outputs;
  for (const auto* more : {&p.input_gradients, &p.state_gradients, &p.weight_gradients}) {
    all.insert(all.end(), more->begin(), more->end());
  }
  return all;
}

void check_one(const Case& c) {
  SCOPED_TRACE(c.text());
  const Expected expected(c);
  SameBits bits;
  on_every_target([&](DType dtype) {
    const test::Probed got = expected.run(DTypePolicy(dtype));
    expected.expect_near(got, bound(dtype, c.inputs + c.units), bound(dtype, c.units + c.steps * c.rows));
    bits.expect(dtype, all_of(got));
  });
}

// Every third case with dropout too: of the state, of the state and the inputs, of the inputs alone.
void check(Case c) {
  check_one(c);
  const Index number = c.units + c.inputs + c.steps + c.rows;
  if (number % 3 != 0) return;
  if (number % 9 != 6) c.options.recurrent_dropout = 0.25;
  if (number % 9 != 0) c.options.dropout = 0.4;
  check_one(c);
}

// Every number of units, some at a time, so that they run in parallel.
class RecurrentUnits : public testing::TestWithParam<std::tuple<Kind, Index>> {
 protected:
  static Kind kind() { return std::get<0>(GetParam()); }
  static Index first() { return std::get<1>(GetParam()); }
};
constexpr Index kUnitsAtOnce = 50, kMostUnits = kTinyBlocks ? 100 : 300;

TEST_P(RecurrentUnits, AgreeWithThePlainProgram) {
  for (Index units = first(); units < first() + kUnitsAtOnce; ++units) {
    if (!is_taken(units)) continue;
    check(with_options({.kind = kind(), .units = units}, units));
    if (HasFailure()) return;  // the next sizes would say the same
  }
}
const auto kFirstUnits = testing::Range<Index>(1, kMostUnits, kUnitsAtOnce);
INSTANTIATE_TEST_SUITE_P(Lstm, RecurrentUnits, testing::Combine(testing::Values(Kind::lstm), kFirstUnits));
INSTANTIATE_TEST_SUITE_P(Gru, RecurrentUnits, testing::Combine(testing::Values(Kind::gru), kFirstUnits));
INSTANTIATE_TEST_SUITE_P(GruResetBefore, RecurrentUnits,
                         testing::Combine(testing::Values(Kind::gru_reset_before), kFirstUnits));

class RecurrentSizes : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Lstm, RecurrentSizes, testing::Values(Kind::lstm));
INSTANTIATE_TEST_SUITE_P(Gru, RecurrentSizes, testing::Values(Kind::gru));
INSTANTIATE_TEST_SUITE_P(GruResetBefore, RecurrentSizes, testing::Values(Kind::gru_reset_before));

// Panels and passes of backward beyond: whole multiples of a pass on every target, and narrow panels before and behind.
TEST_P(RecurrentSizes, UnitsAroundWholePassesBeyond) {
  if (kTinyBlocks) return;  // passes end everywhere in the sizes above
  for (const Index units : around(336, 1, 5) + around(384, 3, 13) + around(512, 4, 1)) {
    if (!is_taken(units)) continue;
    check(with_options({.kind = GetParam(), .units = units, .steps = 2, .rows = 1}, units));
  }
}

// Narrow panels fill vectors with several rows: units on both sides of each kind of panel, with rows up to two blocks.
TEST_P(RecurrentSizes, UnitsWithRows) {
  Index number = 0;
  for (const Index units : {1, 2, 3, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29}) {
    for (const Index rows : {4, 5, 7, 13, 66}) {
      check(with_options({.kind = GetParam(), .units = units, .inputs = 1, .steps = 2, .rows = rows}, number++));
    }
  }
}

// Units on both sides of each kind of panel and of a pass of depth, with dropout of h, of both, or of x alone.
TEST_P(RecurrentSizes, UnitsWithDropout) {
  Index number = 0;
  for (const Index units : {1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 15, 16, 17, 20, 24, 26, 33, 50, 64, 121, 130, 200}) {
    for (const auto& [dropout, recurrent] : {std::pair{0.0, 0.5}, {0.3, 0.2}, {0.6, 0.0}}) {
      Case c = with_options({.kind = GetParam(), .units = units, .inputs = 1 + units % 19, .rows = 7}, number++);
      c.options.dropout = dropout;
      c.options.recurrent_dropout = recurrent;
      check_one(c);
    }
  }
}

TEST_P(RecurrentSizes, Inputs) {
  const Sizes inputs = range(1, 40) + around(kernels::kDepthPerPassOfSmallTiles, 20) +
                       around(kernels::kDepthPerPassOfLargeTiles, 20) +
                       // The tiles of 6 or 3 rows that a copy of columns holds.
                       around(6 * kernels::kTilesPerCopy<float>, 7) + around(3 * kernels::kTilesPerCopy<float>, 4) +
                       around(6 * kernels::kTilesPerCopy<double>, 7) + around(3 * kernels::kTilesPerCopy<double>, 4);
  Index number = 0;
  for (const Index n : inputs) {
    check(with_options({.kind = GetParam(), .units = 13 + n % 7, .inputs = n, .steps = 2, .rows = 2}, number++));
  }
}

TEST_P(RecurrentSizes, Rows) {
  const Sizes rows = range(1, 20) + around(kernels::kRowsPerBlock) + around(2 * kernels::kRowsPerBlock) +
                     around(kernels::kRowsPerPass) + around(2 * kernels::kRowsPerPass) + Sizes{300};
  Index number = 0;
  for (const Index n : rows) {
    for (const Index units : {5, 18}) {
      check(with_options({.kind = GetParam(), .units = units, .inputs = 2, .steps = 4, .rows = n}, number));
      number += 1 + number % 2;
    }
  }
}

// A few rows of many steps, which fill passes and chunks of steps.
TEST_P(RecurrentSizes, Steps) {
  Index number = 0;
  for (const Index steps : range(1, 12) + around(kernels::kRowsPerPass / 3) + around(kernels::kRowsPerPass) +
                               around(kernels::kMostRowsPerChunk / 3) + around(kernels::kMostRowsPerChunk)) {
    for (const Index rows : {1, 3}) {
      check(with_options({.kind = GetParam(), .units = 4, .inputs = 1, .steps = steps, .rows = rows}, number++));
    }
  }
  // The weights of 64 units are as large as the least chunk of a layer; those of 90 larger.
  const Index rows = kTinyBlocks ? 2 : 128;
  for (const Index steps : {3, 4, 5, 9}) {
    for (const Index units : {30, 64, 70}) {
      if ((steps + units) % 3 == 0) continue;
      check(with_options({.kind = GetParam(), .units = units, .inputs = 1, .steps = steps, .rows = rows}, number++));
    }
  }
}

TEST_P(RecurrentSizes, RecomputedSteps) {
  Index number = 0;
  for (const Index steps : range(1, 20) + around(64) + Sizes{100, 300}) {
    for (const Index rows : {1, 3, 50}) {
      Case c = with_options({.kind = GetParam(), .units = 6, .inputs = 2, .steps = steps, .rows = rows}, number++);
      c.options.recompute = true;
      check(c);
    }
  }
}

// Two members hand weight gradients to each other in small layers with many rows.
TEST_P(RecurrentSizes, RowsForARelay) {
  Index number = 0;
  const Index rows = kTinyBlocks ? 8 : 400;
  for (const Index units : {11, 16, 17, 25}) {
    for (const Index steps : {2, 3, 7}) {
      const Index some = rows + number % 3;
      Case c = with_options({.kind = GetParam(), .units = units, .inputs = 2, .steps = steps, .rows = some}, number++);
      c.options.recompute = number % 4 == 3;
      if (units == 16) c.options.dropout = c.options.recurrent_dropout = 0.25;
      ASSERT_GE(2 * (units + 2) * units * rows, kernels::kLeastFlopsOfTurn);
      ASSERT_LE(1 + 2 + units, kernels::kMostDepthOfRelay);
      SCOPED_TRACE(c.text());
      const Expected expected(c);
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
TEST_P(RecurrentSizes, ManyWeights) {
  const Index units = kTinyBlocks ? 20 : GetParam() == Kind::lstm ? 368 : 424;
  ASSERT_GT((GetParam() == Kind::lstm ? 4 : 3) * units * units * Index{sizeof(float)}, kernels::kBytesOfManySums);
  const Index pass = kernels::kMostRowsPerPass;
  if (kTinyBlocks || !test::instrumented()) {
    check({.kind = GetParam(), .units = units, .inputs = 3, .steps = 1, .rows = pass + 1, .initial_state = true});
  }
  check({.kind = GetParam(), .units = units, .inputs = 3, .steps = 5, .rows = pass / 4 + 1});
}

// A stream is the sequence to the bit, whose panels it takes in groups of its own.
TEST_P(RecurrentUnits, StreamAsTheSequenceGoes) {
  const Index steps = 4, inputs = 3;
  for (Index units = first(); units < first() + kUnitsAtOnce; ++units) {
    if (!is_taken(units)) continue;
    Numbers numbers(units);
    const Tensor X({1, steps, inputs}, numbers.array(steps * inputs));
    Case c{.kind = kind(), .units = units, .inputs = inputs, .steps = steps, .rows = 1};
    c.options.return_sequences = true;
    SCOPED_TRACE(c.text());
    on_every_target([&](DType dtype) {
      const Sequential model{Input({steps, inputs}, {.dtype = dtype}), layer_of(c, dtype)};
      Numbers of_weights(units);
      for (const WeightInfo& w : model.weights()) {
        model.set_weight(w.path, Tensor(w.shape, of_weights.array(w.shape.elements(), 0.5)));
      }
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
  const auto check = [](const Case& c) {
    SCOPED_TRACE(c.text());
    const Expected expected(c);
    const std::string before = simd_target();
    for (const std::string& target : simd_targets()) {
      SCOPED_TRACE(target);
      set_simd_target(target);
      expected.expect_near(expected.run("mixed_bfloat16"), 0.01, 0.02);
    }
    set_simd_target(before);
  };
  for (Index units = 1; units <= kMostUnits; units += test::all_or_some(3, 7)) {
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

// Rows that go into a loss, and what the plain program makes of them.
struct LossRows {
  Index features, rows;
  plain::Array truth, prediction, value, gradient;
};

// Labels between 0 and 1 that need not sum to 1, or class numbers; predictions are logits, or numbers within (0, 1).
LossRows loss_rows(const plain::Loss& loss, Index features, Index rows) {
  const bool sparse = loss.name.starts_with("sparse");
  Numbers numbers(features * 1009 + rows);
  LossRows all{.features = features, .rows = rows, .truth = {}, .prediction = {}, .value = {}, .gradient = {}};
  for (Index i = 0; i < rows * (sparse ? 1 : features); ++i) {
    const double label = numbers.next() / 2 + 0.5, classes = static_cast<double>(features);
    all.truth.push_back(sparse ? std::min(std::floor(label * classes), classes - 1) : label);
  }
  for (Index i = 0; i < rows * features; ++i) {
    all.prediction.push_back(loss.from_logits ? numbers.next(3) : numbers.next(0.45) + 0.5);
  }
  all.value = plain::loss_of_rows(loss, all.truth, all.prediction, size_of(features));
  all.gradient = plain::loss_gradient(loss, all.truth, all.prediction, size_of(features));
  return all;
}

template <class T>
void check_loss(const kernels::KernelTable& table, const LossCase& c, const LossRows& expected) {
  const auto& [features, rows, truth, prediction, value, gradient] = expected;
  const bool sparse = c.loss.name.starts_with("sparse");

  // Rows stand apart, and what lies between them is left alone.
  const Index stride = expected.features + 3;
  constexpr T kUntouched = 7;
  const auto spread = [&](const plain::Array& from, Index count) {
    std::vector<T> to(size_of(expected.rows * stride), kUntouched);
    for (Index r = 0; r < expected.rows; ++r) {
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

// On every instruction set and in both precisions.
void check_loss(const LossCase& c, Index features, Index rows) {
  const LossRows expected = loss_rows(c.loss, features, rows);
  for (const kernels::KernelTable* table : kernels::tables()) {
    SCOPED_TRACE(c.loss.name + (c.loss.from_logits ? " from logits, " : ", ") + std::to_string(features) +
                 " features, " + std::to_string(rows) + " rows, " + table->target);
    check_loss<float>(*table, c, expected);
    check_loss<double>(*table, c, expected);
  }
}

TEST(LossSizes, FeaturesAndRows) {
  const Sizes features = range(1, 70) + around(kernels::kLossRun / 4) + around(kernels::kLossRun) +
                         around(2 * kernels::kLossRun) + around(3 * kernels::kLossRun, 1, 17);
  // Runs of short rows, with a rest.
  const Sizes rows_of_few = around(kernels::kLossRun) + around(kernels::kLossRun / 3) + Sizes{2 * kernels::kLossRun};
  for (const LossCase& c : losses()) {
    for (const Index n : features) {
      if (n < c.least_features()) continue;
      for (const Index rows : {1, 2}) check_loss(c, n, rows);
    }
    for (const Index rows : rows_of_few) {
      check_loss(c, c.least_features(), rows);
      check_loss(c, 3, rows);
    }
  }
}

}  // namespace
}  // namespace rondo
