// What a file keeps of a model's predictions, and what it does not do to the model.
#include "formats/keras/verification.hpp"

#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <limits>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo::keras {
namespace {

using test::expect_error;

class Verifications : public testing::Test {
 protected:
  void SetUp() override {
    clear_session();
    set_random_seed(11);
  }
  void TearDown() override { std::filesystem::remove(path()); }
  static std::string path(const std::string& ending = ".keras") {
    return (std::filesystem::path(testing::TempDir()) / ("rondo_verified_" + std::to_string(getpid()) + ending))
        .string();
  }
};

// What is written for a model, and the same read.
KeptPredictions kept_of(const Model& model) {
  hdf5::Writer writer;
  write_verification(model, writer.root());
  const std::vector<std::byte> bytes = writer.bytes();
  return read_verification(hdf5::File(bytes).root(), model);
}

bool keeps(const Model& model) {
  hdf5::Writer writer;
  write_verification(model, writer.root());
  return !writer.root().groups().empty();
}

Tensor ramp(const Shape& shape) {
  Tensor x = Tensor::zeros(shape, DType::float32);
  for (std::size_t i = 0; i < x.data<float>().size(); ++i)
    x.data<float>()[i] = static_cast<float>(i % 13) * 0.1F - 0.6F;
  return x;
}

TEST_F(Verifications, AreEqualToTheBitWhereNothingChanged) {
  Input a({Shape::kUnknown, 2}), b({3});
  const Symbol sequence = GRU(4, {.return_sequences = true})(LSTM(3, {.return_sequences = true})(a));
  const Model model({a, b}, {Dense(1)(Dense(2, {.activation = "relu"})(b)), Bidirectional(LSTM(2))(sequence)});
  for (const char* ending : {".keras", ".h5"}) {
    model.save(path(ending));
    const Verification result = verify_file(path(ending));
    EXPECT_EQ(result.rondo_version, kVersion);
    EXPECT_EQ(result.tolerance, 0);
    ASSERT_EQ(result.outputs.size(), 2U);
    EXPECT_EQ(result.outputs[0].shape, (Shape{2, 1}));
    EXPECT_EQ(result.outputs[1].shape, (Shape{2, 4}));
    for (const VerifiedOutput& output : result.outputs) EXPECT_TRUE(output.identical && output.passed) << output.name;
    EXPECT_TRUE(result.passed());
    std::filesystem::remove(path(ending));
  }
}

TEST_F(Verifications, AreThePredictionsOfTheModel) {
  const Sequential model{LSTM(3, {.input_shape = {Shape::kUnknown, 2}}), Dense(1)};
  const KeptPredictions kept = kept_of(model);
  ASSERT_EQ(kept.inputs.size(), 1U);
  EXPECT_EQ(kept.inputs[0].shape(), (Shape{2, 8, 2}));
  EXPECT_TRUE(kept.outputs[0].identical(model.predict(kept.inputs[0], {.verbose = 0})));
  for (const double x : kept.inputs[0].to_vector()) EXPECT_LT(std::abs(x), 1);
}

TEST_F(Verifications, TakeFewStepsWhereTheLayersTakeAnyNumber) {
  EXPECT_EQ(kept_of(Sequential{LSTM(2, {.input_shape = {1000, 3}})}).inputs[0].shape(), (Shape{2, 8, 3}));
  EXPECT_EQ(kept_of(Sequential{LSTM(2, {.input_shape = {5, 3}})}).inputs[0].shape(), (Shape{2, 5, 3}));
  const Sequential flat{Flatten({.input_shape = {20, 3}}), Dense(1)};
  EXPECT_EQ(kept_of(flat).inputs[0].shape(), (Shape{2, 20, 3}));
}

TEST_F(Verifications, AreLeftOutOfAModelThatCannotHaveThem) {
  EXPECT_FALSE(keeps(Sequential{Dense(1, {.input_shape = {40'000}})})) << "too many numbers";
  EXPECT_TRUE(keeps(Sequential{Dense(1, {.input_shape = {30'000}})}));
  Input open({Shape::kUnknown, Shape::kUnknown, 3});
  EXPECT_FALSE(keeps(Model(open, Dense(2)(open)))) << "an axis beside time is open";
}

TEST_F(Verifications, NeverRunAUsersLayer) {
  const auto calls = std::make_shared<int>(0);
  const Layer own = custom_layer(
      "Own", {.forward = [calls](const ForwardPass&) { ++*calls, throw 1; }, .backward = [](const BackwardPass&) {}},
      {.input_shape = {3}});
  const Sequential model{own, Dense(1)};
  EXPECT_FALSE(keeps(model));
  EXPECT_EQ(*calls, 0);
  model.save(path());
  EXPECT_EQ(*calls, 0);
  EXPECT_FALSE(inspect_file(path()).has_verification);
}

// ---- nothing changes -----------------------------------------------------------------------------------------------

TEST_F(Verifications, LeaveTheStatesOfStatefulLayers) {
  const auto make = [] {
    clear_session();
    set_random_seed(3);
    return Sequential{LSTM(3, {.return_sequences = true, .stateful = true, .input_shape = {4, 2}}),
                      Bidirectional(GRU(2, {.return_sequences = true, .stateful = true})),
                      RNN(LSTMCell(3), {.stateful = true}), Dense(1)};
  };
  const Sequential saved = make(), other = make();
  const Tensor x = ramp({5, 4, 2});
  for (int round = 0; round < 3; ++round) {
    const Tensor expected = other.predict(x, {.verbose = 0});
    EXPECT_TRUE(saved.predict(x, {.verbose = 0}).identical(expected)) << "round " << round;
    saved.save(path());
    const Verification result = verify_file(path());
    EXPECT_TRUE(result.passed()) << "the states that the saved model was in do not count";
  }
}

TEST_F(Verifications, ChangeNeitherTrainingNorWhatIsDrawnLater) {
  const auto make = [] {
    clear_session();
    set_random_seed(3);
    Sequential model{LSTM(3, {.dropout = 0.3, .input_shape = {4, 2}}), BatchNormalization(), Dropout(0.5), Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
    return model;
  };
  const auto train = [](const Model& model) {
    return model.fit(ramp({8, 4, 2}), ramp({8, 1}), {.batch_size = 4, .epochs = 2, .verbose = 0})["loss"];
  };
  const Sequential saved = make();
  saved.save(path());
  const std::vector<double> first = train(saved);
  saved.save(path());
  const std::vector<double> second = train(saved);
  const std::vector<Tensor> later = Sequential{LSTM(2, {.input_shape = {1, 1}})}.get_weights();
  const Sequential other = make();
  EXPECT_EQ(train(other), first);
  EXPECT_EQ(train(other), second);
  const std::vector<Tensor> same = Sequential{LSTM(2, {.input_shape = {1, 1}})}.get_weights();
  for (std::size_t i = 0; i < later.size(); ++i) EXPECT_TRUE(later[i].identical(same[i])) << i;
}

// ---- comparison ----------------------------------------------------------------------------------------------------

TEST_F(Verifications, ADifferenceIsToldWithItsSize) {
  const Sequential model{Dense(1, {.input_shape = {2}})};
  hdf5::Writer writer;
  write_verification(model, writer.root());
  const std::vector<std::byte> bytes = writer.bytes();
  KeptPredictions kept = read_verification(hdf5::File(bytes).root(), model);
  model.set_weight("bias", Tensor{0.25});
  const std::vector<Tensor> now = *predictions(model, kept.inputs);
  EXPECT_FALSE(now[0].identical(kept.outputs[0]));
  EXPECT_NEAR(now[0](0, 0) - kept.outputs[0](0, 0), 0.25, 1e-6);
}

TEST_F(Verifications, NotANumberEqualsNotANumber) {
  const Sequential model{Dense(2, {.input_shape = {2}})};
  model.set_weight("bias", Tensor{std::nan(""), std::numeric_limits<double>::infinity()});
  model.save(path());
  const Verification result = verify_file(path());
  EXPECT_TRUE(result.outputs[0].identical && result.passed());
}

TEST_F(Verifications, MixedPrecisionIsComparedToAHundredth) {
  const Sequential model{LSTM(4, {.dtype = "mixed_bfloat16", .input_shape = {4, 2}}), Dense(1)};
  model.save(path());
  const Verification result = verify_file(path());
  EXPECT_EQ(result.tolerance, 0.01);
  EXPECT_TRUE(result.passed());
}

TEST_F(Verifications, DoublesStayDoubles) {
  const Sequential model{LSTM(4, {.dtype = "float64", .input_shape = {4, 2}}), Dense(1, {.dtype = "float64"})};
  EXPECT_EQ(kept_of(model).outputs[0].dtype(), DType::float64);
  model.save(path());
  EXPECT_TRUE(verify_file(path()).outputs[0].identical);
}

// ---- files that mean harm ------------------------------------------------------------------------------------------

// A file's group in the making, of a model (2) -> (1).
struct Group {
  std::vector<float> inputs = std::vector<float>(4), outputs = std::vector<float>(2);
  Shape input_shape = {2, 2}, output_shape = {2, 1};
  std::string second_output = {}, version = "0.1.0";

  void read_into(const Model& model) const {
    hdf5::Writer writer;
    hdf5::GroupWriter& group = writer.root().group(kVerification);
    if (!version.empty()) group.attribute("rondo_version", version);
    if (!inputs.empty()) group.dataset("inputs/0", input_shape, std::span(inputs));
    group.dataset("outputs/0", output_shape, std::span(outputs));
    if (!second_output.empty()) group.dataset("outputs/" + second_output, output_shape, std::span(outputs));
    const std::vector<std::byte> bytes = writer.bytes();
    (void)read_verification(hdf5::File(bytes).root(), model);
  }
};

TEST_F(Verifications, ThatDoNotFitTheModelAreRefused) {
  const Sequential model{Dense(1, {.input_shape = {2}})};
  EXPECT_NO_THROW(Group().read_into(model));
  const auto expect_refused = [&](const Group& group, const std::vector<std::string>& parts) {
    expect_error<Error>([&] { group.read_into(model); }, parts);
  };
  expect_refused({.inputs = {}}, {"inputs"});
  expect_refused({.second_output = "1"}, {"outputs", "2 data sets"});
  expect_refused({.inputs = std::vector<float>(6), .input_shape = {2, 3}}, {"(None, 2)", "(2, 3)"});
  expect_refused({.outputs = std::vector<float>(3), .output_shape = {3, 1}}, {"(3, 1)", "(2, 1)"});
  expect_refused({.inputs = std::vector<float>(4), .input_shape = {4}}, {"(4,)"});
  expect_refused({.inputs = std::vector<float>(80'000), .input_shape = {40'000, 2}}, {"65536"});
  expect_refused({.version = ""}, {"rondo_version"});
}

}  // namespace
}  // namespace rondo::keras
