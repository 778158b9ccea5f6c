// The options of save, save_weights and load_weights.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include <rondo/rondo.hpp>

#include "support/expect_error.hpp"

namespace rondo {
namespace {

using test::expect_error;
using Names = std::vector<std::string>;

class ModelFiles : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) / ("rondo_model_files_" + std::to_string(getpid()));
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directory(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }

 private:
  std::filesystem::path folder_;
};

// Two recurrent layers and one behind them, of these widths.
Sequential of_widths(Index first, Index second, const char* name_of_second = "second") {
  return Sequential{LSTM(first, {.return_sequences = true, .name = "first", .input_shape = {4, 2}}),
                    Bidirectional(GRU(second), {.name = name_of_second}), Dense(1, {.name = "out"})};
}

bool same_layer(const Model& a, const Model& b, std::size_t layer) {
  const std::vector<Tensor> of_a = a.layers()[layer].get_weights(), of_b = b.layers()[layer].get_weights();
  return std::ranges::equal(of_a, of_b, [](const Tensor& x, const Tensor& y) { return x.identical(y); });
}

TEST_F(ModelFiles, StandWhereOneMayNotBeWrittenOver) {
  const Sequential model = of_widths(3, 2);
  for (const std::string file : {"m.keras", "m.h5"}) {
    model.save(path(file), {.overwrite = false});
    expect_error<FileError>([&] { model.save(path(file), {.overwrite = false}); }, {file, "there already"});
    model.save(path(file));
  }
  model.save_weights(path("m.weights.h5"), {.overwrite = false});
  expect_error<FileError>([&] { model.save_weights(path("m.weights.h5"), {.overwrite = false}); }, {"there already"});
  // A link to a file that is not there yet is there itself; one to itself is no reason for another kind of error.
  std::filesystem::create_symlink(path("later.keras"), path("link.keras"));
  std::filesystem::create_symlink(path("loop.keras"), path("loop.keras"));
  for (const std::string file : {"link.keras", "loop.keras"}) {
    expect_error<FileError>([&] { model.save(path(file), {.overwrite = false}); }, {file, "there already"});
  }
  expect_error<FileError>([&] { model.save(path(std::string(300, 'x') + ".keras"), {.overwrite = false}); },
                          {"too long"});
}

TEST_F(ModelFiles, LayersThatDoNotFitKeepTheirWeightsWhereTheyMay) {
  const Sequential saved = of_widths(3, 2);
  saved.save(path("m.h5"));
  saved.save(path("m.keras"));
  saved.save_weights(path("m.weights.h5"));
  for (const std::string file : {"m.h5", "m.keras", "m.weights.h5"}) {
    SCOPED_TRACE(file);
    const Sequential wider = of_widths(3, 5);
    const Model before = clone_model(wider);
    before.set_weights(wider.get_weights());
    expect_error<FileError>([&] { wider.load_weights(path(file)); }, {file, "second", "shape"});
    EXPECT_TRUE(same_layer(wider, before, 0));  // all or none
    EXPECT_EQ(wider.load_weights(path(file), {.skip_mismatch = true}), (Names{"second", "out"}));
    EXPECT_TRUE(same_layer(wider, saved, 0));
    EXPECT_TRUE(same_layer(wider, before, 1));
    EXPECT_TRUE(same_layer(wider, before, 2));
    EXPECT_EQ(of_widths(3, 2).load_weights(path(file), {.skip_mismatch = true}), Names{});
  }
}

TEST_F(ModelFiles, LayersFindTheirWeightsByName) {
  const Sequential saved = of_widths(3, 2);
  saved.save(path("m.h5"));
  const Sequential other{Dense(1, {.name = "front", .input_shape = {4, 2}}),
                         LSTM(3, {.return_sequences = true, .name = "first"}), Dense(1, {.name = "out"})};
  const Model before = clone_model(other);
  before.set_weights(other.get_weights());
  // Another layer of that name has other shapes.
  expect_error<FileError>([&] { other.load_weights(path("m.h5"), {.by_name = true}); }, {"first", "shape"});
  EXPECT_EQ(other.load_weights(path("m.h5"), {.by_name = true, .skip_mismatch = true}), (Names{"first", "out"}));
  const Sequential fits = of_widths(3, 2, "renamed");
  const Model kept = clone_model(fits);
  kept.set_weights(fits.get_weights());
  EXPECT_EQ(fits.load_weights(path("m.h5"), {.by_name = true}), Names{});
  EXPECT_TRUE(same_layer(fits, saved, 0));
  EXPECT_TRUE(same_layer(fits, kept, 1));
  EXPECT_TRUE(same_layer(fits, saved, 2));
  saved.save(path("m.keras"));
  expect_error<FileError>([&] { fits.load_weights(path("m.keras"), {.by_name = true}); }, {"by_name", "Keras 2"});
}

TEST_F(ModelFiles, EndingsAreThoseOfTheFormats) {
  const Sequential model = of_widths(3, 2);
  expect_error<ConfigError>([&] { model.save(path("m.onnx")); }, {"m.onnx", ".keras"});
  expect_error<ConfigError>([&] { model.save(path("m.weights.h5")); }, {"save_weights"});
  expect_error<ConfigError>([&] { model.save_weights(path("m.h5")); }, {"m.h5", ".weights.h5"});
  expect_error<StateError>([&] { Sequential{Dense(1)}.save(path("m.keras")); }, {"save", "input_shape"});
}

}  // namespace
}  // namespace rondo
