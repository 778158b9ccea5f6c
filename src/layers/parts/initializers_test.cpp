#include "layers/parts/initializers.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/error.hpp>
#include <rondo/layers.hpp>

namespace rondo {
namespace {

Tensor drawn(const Initializer& initializer, const Shape& shape, std::uint64_t seed = 1) {
  return initializer(shape, DType::float64, RandomStream(seed, Purpose::initializer));
}

TEST(Orthogonal, RowsOrColumnsAreOrthonormalTimesTheGain) {
  for (const Shape& shape : {Shape{1, 1}, Shape{5, 5}, Shape{10, 40}, Shape{40, 10}, Shape{33, 132}, Shape{3, 4, 5}}) {
    for (const double gain : {1.0, 0.5}) {
      const Tensor w = drawn(Orthogonal({.gain = gain}), shape);
      const std::vector<double> e = w.to_vector();
      const Index columns = shape.back(), rows = shape.elements() / columns;
      const bool by_rows = rows < columns;
      const Index count = std::min(rows, columns), length = std::max(rows, columns);
      const auto at = [&](Index v, Index i) {
        return e[static_cast<std::size_t>(by_rows ? v * columns + i : i * columns + v)];
      };
      double worst = 0;
      for (Index a = 0; a < count; ++a) {
        for (Index b = 0; b <= a; ++b) {
          double product = 0;
          for (Index i = 0; i < length; ++i) product += at(a, i) * at(b, i);
          worst = std::max(worst, std::abs(product - (a == b ? gain * gain : 0)));
        }
      }
      EXPECT_LT(worst, 1e-14) << to_string(shape);
    }
  }
}

TEST(Orthogonal, NeedsAMatrix) { EXPECT_THROW((void)drawn(Orthogonal(), {5}), ShapeError); }

TEST(GlorotUniform, StaysWithinItsLimitAndFillsIt) {
  // An LSTM's kernel of 18 features and 33 units is one matrix (18, 132).
  const Shape shape{18, 132};
  const double limit = std::sqrt(6.0 / (18 + 132));
  const std::vector<double> w = drawn(GlorotUniform(), shape).to_vector();
  const auto [low, high] = std::minmax_element(w.begin(), w.end());
  EXPECT_GE(*low, -limit);
  EXPECT_LE(*high, limit);
  EXPECT_LT(*low, -0.99 * limit);
  EXPECT_GT(*high, 0.99 * limit);
  double squares = 0;
  for (const double v : w) squares += v * v;
  EXPECT_NEAR(squares / static_cast<double>(w.size()), limit * limit / 3, 0.05 * limit * limit / 3);
}

TEST(RandomInitializers, HaveTheirMomentsAndBounds) {
  const std::vector<double> normal = drawn(RandomNormal({.mean = 1, .stddev = 0.2}), {100, 100}).to_vector();
  double sum = 0, squares = 0;
  for (const double v : normal) {
    sum += v;
    squares += (v - 1) * (v - 1);
  }
  EXPECT_NEAR(sum / 1e4, 1, 0.008);
  EXPECT_NEAR(std::sqrt(squares / 1e4), 0.2, 0.006);
  for (const double v : drawn(RandomUniform({.minval = 2, .maxval = 3}), {50, 50}).to_vector()) {
    ASSERT_TRUE(v >= 2 && v < 3) << v;
  }
}

struct Moments {
  double mean = 0, variance = 0, largest = 0;
};

Moments moments(const std::vector<double>& values) {
  Moments m;
  const auto n = static_cast<double>(values.size());
  for (const double v : values) m.mean += v / n;
  for (const double v : values) {
    m.variance += (v - m.mean) * (v - m.mean) / n;
    m.largest = std::max(m.largest, std::abs(v));
  }
  return m;
}

TEST(ScalingInitializers, HaveTheVarianceOfTheirFans) {
  struct Case {
    Initializer rule;
    double variance;
    bool normal;
  };
  constexpr double kIn = 200, kOut = 300;
  for (const Case& c : {Case{GlorotUniform(), 2 / (kIn + kOut), false},
                        {GlorotNormal(), 2 / (kIn + kOut), true},
                        {HeUniform(), 2 / kIn, false},
                        {HeNormal(), 2 / kIn, true},
                        {LecunUniform(), 1 / kIn, false},
                        {LecunNormal(), 1 / kIn, true},
                        {VarianceScaling({.scale = 3, .mode = "fan_out"}), 3 / kOut, true},
                        {VarianceScaling({.mode = "fan_avg", .distribution = "uniform"}), 2 / (kIn + kOut), false}}) {
    SCOPED_TRACE(c.rule.class_name());
    const Moments m = moments(drawn(c.rule, {200, 300}).to_vector());
    // 60,000 draws: the mean is within four of its deviations, the variance within three percent.
    EXPECT_NEAR(m.mean, 0, 4 * std::sqrt(c.variance / 6e4));
    EXPECT_NEAR(m.variance, c.variance, 0.03 * c.variance);
    const double limit = std::sqrt(c.variance) * (c.normal ? 2 / 0.87962566103423978 : std::sqrt(3.0));
    EXPECT_LE(m.largest, limit);
    EXPECT_GT(m.largest, 0.99 * limit) << "and it fills its bounds";
  }
}

TEST(ScalingInitializers, OfAnUntruncatedNormalGoBeyondTwoDeviations) {
  const Moments m = moments(drawn(VarianceScaling({.distribution = "untruncated_normal"}), {200, 300}).to_vector());
  EXPECT_NEAR(m.variance, 1 / 200.0, 0.03 / 200);
  EXPECT_GT(m.largest, 3.5 * std::sqrt(1 / 200.0));
}

TEST(ScalingInitializers, CountLeadingAxesInBothFans) {
  const Moments m = moments(drawn(HeUniform(), {5, 40, 300}).to_vector());
  EXPECT_NEAR(m.variance, 2 / 200.0, 0.03 * 2 / 200);
  EXPECT_NEAR(moments(drawn(LecunUniform(), {10000}).to_vector()).variance, 1e-4, 3e-6);
}

TEST(ScalingInitializers, RefuseOtherWords) {
  const auto message = [](const VarianceScalingOptions& options) {
    try {
      (void)VarianceScaling(options);
      return std::string();
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
  };
  EXPECT_NE(message({.mode = "fan_inn"}).find("mode 'fan_inn' is not known. Did you mean 'fan_in'?"),
            std::string::npos);
  EXPECT_NE(message({.distribution = "gaussian"}).find("'untruncated_normal'"), std::string::npos);
  EXPECT_NE(message({.scale = 0.0}).find("scale is 0"), std::string::npos);
}

TEST(TruncatedNormal, LeavesOutWhatIsFurtherThanTwoDeviations) {
  const std::vector<double> w = drawn(TruncatedNormal({.mean = 3, .stddev = 0.5}), {200, 300}).to_vector();
  const Moments m = moments(w);
  EXPECT_NEAR(m.mean, 3, 0.01);
  EXPECT_NEAR(std::sqrt(m.variance), 0.5 * 0.87962566103423978, 0.005);
  for (const double v : w) ASSERT_LE(std::abs(v - 3), 1);
}

TEST(TruncatedNormal, IsTheNormalOneWhereThatStaysWithin) {
  const std::vector<double> cut = drawn(TruncatedNormal(), {100, 100}).to_vector(),
                            whole = drawn(RandomNormal(), {100, 100}).to_vector();
  std::size_t other = 0;
  for (std::size_t i = 0; i < cut.size(); ++i) other += cut[i] != whole[i] ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(other), 455, 90) << "one in twenty-two is drawn anew";
}

TEST(IdentityInitializer, HasItsGainOnTheDiagonal) {
  EXPECT_EQ(drawn(IdentityInitializer(2), {2, 3}).to_vector(), (std::vector<double>{2, 0, 0, 0, 2, 0}));
  EXPECT_EQ(drawn("identity", {2, 2}).to_vector(), (std::vector<double>{1, 0, 0, 1}));
  EXPECT_THROW((void)drawn("identity", {4}), ShapeError);
}

TEST(ConstantInitializers, AreConstant) {
  EXPECT_EQ(drawn(Zeros(), {3}).to_vector(), std::vector<double>(3, 0));
  EXPECT_EQ(drawn(Ones(), {3}).to_vector(), std::vector<double>(3, 1));
  EXPECT_EQ(drawn(Constant(0.25), {3}).to_vector(), std::vector<double>(3, 0.25));
}

TEST(Initializer, FollowsItsStreamUnlessItHasASeedOfItsOwn) {
  for (const Initializer& rule :
       {Initializer("glorot_uniform"), Initializer("orthogonal"), Initializer("random_normal"),
        Initializer("random_uniform"), Initializer("truncated_normal"), Initializer("glorot_normal"),
        Initializer("he_uniform"), Initializer("he_normal"), Initializer("lecun_uniform"), Initializer("lecun_normal"),
        Initializer("variance_scaling")}) {
    EXPECT_TRUE(drawn(rule, {4, 6}, 1).identical(drawn(rule, {4, 6}, 1))) << rule.class_name();
    EXPECT_FALSE(drawn(rule, {4, 6}, 1).identical(drawn(rule, {4, 6}, 2))) << rule.class_name();
  }
  const GlorotUniform own({.seed = 9});
  EXPECT_TRUE(drawn(own, {4, 6}, 1).identical(drawn(own, {4, 6}, 2)));
  EXPECT_FALSE(drawn(own, {4, 6}).identical(drawn(GlorotUniform({.seed = 10}), {4, 6})));
}

TEST(Initializer, OfFloat32IsTheRoundedOneOfFloat64) {
  const RandomStream stream(1, Purpose::initializer);
  const Initializer rule = "orthogonal";
  EXPECT_TRUE(
      rule({4, 6}, DType::float32, stream).identical(rule({4, 6}, DType::float64, stream).cast(DType::float32)));
}

TEST(Initializer, IsFoundByKerasNamesAndClassNames) {
  for (const char* name : {"glorot_uniform", "GlorotUniform"})
    EXPECT_EQ(Initializer(name).class_name(), "GlorotUniform");
  EXPECT_EQ(Initializer("normal").class_name(), "RandomNormal");
  EXPECT_EQ(Initializer("uniform").class_name(), "RandomUniform");
  EXPECT_EQ(Initializer("zeros").class_name(), "Zeros");
  EXPECT_EQ(Initializer("OrthogonalInitializer").class_name(), "Orthogonal");
  EXPECT_EQ(Initializer("IdentityInitializer").class_name(), "Identity");
  EXPECT_THROW(Initializer("glorot"), ConfigError);
}

TEST(Initializer, SurvivesAConfiguration) {
  for (const Initializer& rule :
       {Initializer(Orthogonal({.gain = 0.5, .seed = 3})), Initializer(GlorotUniform({.seed = 4})),
        Initializer(RandomNormal({.mean = 1, .stddev = 2, .seed = 5})), Initializer(Constant(0.3)),
        Initializer(RandomUniform({.minval = -3, .maxval = 4, .seed = 6})), Initializer(Zeros()), Initializer(Ones()),
        Initializer(TruncatedNormal({.mean = 1, .stddev = 2, .seed = 5})), Initializer(HeNormal({.seed = 7})),
        Initializer(IdentityInitializer(3)),
        Initializer(VarianceScaling({.scale = 2, .mode = "fan_avg", .distribution = "uniform", .seed = 8}))}) {
    Initializer again = "zeros";
    from_config(to_config(rule), again);
    EXPECT_EQ(again.class_name(), rule.class_name());
    EXPECT_TRUE(drawn(again, {4, 6}).identical(drawn(rule, {4, 6}))) << rule.class_name();
  }
}

TEST(Initializer, RefusesAxesOfItsFans) {
  Initializer rule = "zeros";
  const nlohmann::ordered_json none = {{"class_name", "HeNormal"}, {"config", {{"input_axes", nullptr}}}};
  from_config(none, rule);
  EXPECT_EQ(rule.class_name(), "HeNormal");
  EXPECT_THROW(from_config({{"class_name", "HeNormal"}, {"config", {{"input_axes", {0}}}}}, rule), ConfigError);
}

TEST(LstmInitialWeights, HaveKerasDefaults) {
  const LSTM layer(3, {.dtype = DType::float64});
  layer.build({Shape::kUnknown, 5, 2});
  const Tensor bias = layer.get_weight("bias");
  EXPECT_EQ(bias.to_vector(), (std::vector<double>{0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0}))
      << "the forget gate, second of i, f, c, o, starts open";
  const Tensor kernel = layer.get_weight("kernel"), recurrent = layer.get_weight("recurrent_kernel");
  EXPECT_EQ(kernel.shape(), (Shape{2, 12}));
  EXPECT_EQ(recurrent.shape(), (Shape{3, 12}));
  for (const double w : kernel.to_vector()) EXPECT_LE(std::abs(w), std::sqrt(6.0 / 14));
  for (Index r = 0; r < 3; ++r) {
    double length = 0;
    for (Index c = 0; c < 12; ++c) length += recurrent(r, c) * recurrent(r, c);
    EXPECT_NEAR(length, 1, 1e-14);
  }
}

TEST(LstmInitialWeights, UnitForgetBiasKeepsTheOtherGatesInitializer) {
  const LSTM with(2, {.bias_initializer = Constant(0.5), .dtype = DType::float64});
  with.build({Shape::kUnknown, 1, 1});
  EXPECT_EQ(with.get_weight("bias").to_vector(), (std::vector<double>{0.5, 0.5, 1, 1, 0.5, 0.5, 0.5, 0.5}));
  const LSTM without(2, {.bias_initializer = Constant(0.5), .unit_forget_bias = false, .dtype = DType::float64});
  without.build({Shape::kUnknown, 1, 1});
  EXPECT_EQ(without.get_weight("bias").to_vector(), std::vector<double>(8, 0.5));
}

TEST(LstmInitialWeights, DifferFromLayerToLayerAndFromWeightToWeight) {
  set_random_seed(4);
  const LSTM one(4), two(4);
  one.build({Shape::kUnknown, 1, 4});
  two.build({Shape::kUnknown, 1, 4});
  EXPECT_FALSE(one.get_weight("kernel").identical(two.get_weight("kernel")));
  set_random_seed(4);
  const LSTM again(4);
  again.build({Shape::kUnknown, 1, 4});
  EXPECT_TRUE(again.get_weight("kernel").identical(one.get_weight("kernel")));
}

}  // namespace
}  // namespace rondo
