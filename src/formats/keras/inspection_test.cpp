#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include <rondo/inspection.hpp>
#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

using test::expect_error;

std::string golden(const std::string& name) { return std::string(RONDO_GOLDEN_DIR) + "/models/" + name; }

// ---- the hash ------------------------------------------------------------------------------------------------------

// printf 'a float32 2 1\n' and the numbers, then the same of 'b float64\n': by Python's hashlib.
TEST(WeightsHash, IsThatOfTheDocument) {
  const Tensor a = Tensor({2, 1}, std::vector<float>{1.0F, -2.5F}), b = Tensor(Shape{}, std::vector<double>{0.1});
  const std::string expected = "sha256:6cff7567f1d822a5de332a0f6485b7365d962f18f31a2adc89965538166bb179";
  EXPECT_EQ(weights_hash(std::vector<NamedWeight>{{"a", a}, {"b", b}}), expected);
  EXPECT_EQ(weights_hash(std::vector<NamedWeight>{{"b", b}, {"a", a}}), expected) << "in the order of the names";
}

TEST(WeightsHash, ChangesWithNameTypeShapeAndTheLastBit) {
  const auto hash = [](const std::string& name, const Tensor& value) {
    return weights_hash(std::vector<NamedWeight>{{name, value}});
  };
  const Tensor w = Tensor({2, 1}, std::vector<float>{1.0F, -2.5F});
  const std::string before = hash("a", w);
  EXPECT_NE(hash("b", w), before);
  EXPECT_NE(hash("a", w.reshape({1, 2})), before);
  EXPECT_NE(hash("a", w.cast(DType::float64)), before);
  EXPECT_NE(hash("a", Tensor({2, 1}, std::vector<float>{std::nextafter(1.0F, 2.0F), -2.5F})), before);
}

TEST(WeightsHash, DoesNotDependOnNamesThatWereGiven) {
  const auto make = [](const std::string& name) {
    set_random_seed(1);
    return Sequential({LSTM(3, {.name = name, .input_shape = {4, 2}}), Dense(1)}, {.name = name + "_model"});
  };
  EXPECT_EQ(weights_hash(make("one")), weights_hash(make("two")));
}

TEST(WeightsHash, IsOneInAllFormsOfAFile) {
  EXPECT_EQ(weights_hash(load_model(golden("seed_model.keras"))), weights_hash(load_model(golden("seed_model.h5"))));
  EXPECT_EQ(weights_hash(load_model(golden("seed_model.keras"))),
            weights_hash(read_weights(golden("seed_model.weights.h5"))));
  EXPECT_EQ(weights_hash(load_model(golden("bidirectional.keras"))),
            weights_hash(read_weights(golden("bidirectional.weights.h5"))));
  expect_error<StateError>([] { (void)weights_hash(Sequential{LSTM(2)}); }, {"weights_hash", "input_shape"});
}

// ---- files ---------------------------------------------------------------------------------------------------------

TEST(InspectFile, TellsKindVersionAndProfile) {
  const auto expect = [](const std::string& name, ModelFileKind kind, const std::string& version,
                         const std::string& as) {
    SCOPED_TRACE(name);
    const ModelFileInfo info = inspect_file(golden(name));
    EXPECT_EQ(info.kind, kind);
    EXPECT_EQ(info.keras_version, version);
    EXPECT_EQ(info.keras_compat, as);
    EXPECT_EQ(info.bytes, std::filesystem::file_size(golden(name)));
    EXPECT_FALSE(info.has_verification);
  };
  expect("seed_model.keras", ModelFileKind::keras, "3.15.1", "3");
  expect("seed_model.h5", ModelFileKind::h5, "3.15.1", "3");
  expect("seed_k2_0.h5", ModelFileKind::h5, "2.0.8", "2.0");
  expect("seed_k2_12_hdf5_inside.keras", ModelFileKind::h5, "2.12.0", "2.4");
  expect("seed_k2_12.weights.h5", ModelFileKind::weights, "", "3");
  expect("seed_k2_0_weights.h5", ModelFileKind::legacy_weights, "2.0.8", "2.0");
}

TEST(InspectFile, RefusesWhatIsNoModel) {
  expect_error<FileError>([] { (void)inspect_file(golden("bad/empty.keras")); }, {"empty.keras", "it is empty"});
  expect_error<FileError>([] { (void)inspect_file(golden("bad/not_a_zip.keras")); }, {"no model"});
  expect_error<FileError>([] { (void)inspect_file(golden("none.keras")); }, {"none.keras", "No such file"});
}

TEST(ReadWeights, NamesThemAsTheFileDoes) {
  const std::vector<NamedWeight> now = read_weights(golden("seed_model.weights.h5"));
  ASSERT_EQ(now.size(), 5U);
  EXPECT_EQ(now[0].name, "layers/dense/vars/0");
  EXPECT_EQ(now[4].name, "layers/lstm/cell/vars/2");
  EXPECT_EQ(now[4].value.shape(), Shape{40});
  const std::vector<NamedWeight> old = read_weights(golden("seed_k2_0_weights.h5"));
  ASSERT_EQ(old.size(), 5U);
  EXPECT_NE(old[0].name.find("/bias:0"), std::string::npos) << old[0].name;
  expect_error<FileError>([] { (void)read_weights(golden("seed_model.keras")); }, {"whole model"});
}

TEST(ReadWeights, DamagedFilesAreErrors) {
  for (const char* name : {"bad/truncated.weights.h5", "bad/header_only.weights.h5", "bad/not_hdf5.weights.h5"}) {
    expect_error<FileError>([&] { (void)read_weights(golden(name)); }, {name});
  }
}

}  // namespace
}  // namespace rondo
