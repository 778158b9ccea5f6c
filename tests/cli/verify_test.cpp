#include <cstring>
#include <gtest/gtest.h>

#include <rondo/rondo.hpp>

#include "cli/program.hpp"

namespace rondo {
namespace {

using test::Cli;
using test::expect_failure;
using test::expect_success;
using test::golden_model;
using test::Ran;
using test::small_model;

TEST(Verify, WhatRondoSavedIsEqualToTheBit) {
  const Cli cli;
  for (const std::string& file : std::vector<std::string>{"m.keras", "m.h5"}) {
    small_model().save(cli.path(file));
    const Ran ran = cli.run("verify " + file);
    expect_success(ran);
    EXPECT_EQ(ran.out, file + ": saved by Rondo " + kVersion + "\ndense (2, 1): equal to the bit\n");
  }
  const Ran piped = cli.run("verify - <m.keras");
  expect_success(piped);
  EXPECT_TRUE(piped.out.starts_with("standard input: ")) << piped.out;
}

TEST(Verify, AnotherWeightIsFound) {
  const Cli cli;
  Model model = small_model();
  model.set_weight("dense/bias", Tensor{0.123456});
  model.save(cli.path("m.h5"));
  std::string bytes = cli.read("m.h5");
  const float before = 0.123456F, after = 0.123458F;
  std::string pattern(sizeof before, ' ');
  std::memcpy(pattern.data(), &before, sizeof before);
  const std::size_t at = bytes.find(pattern);
  ASSERT_NE(at, std::string::npos);
  std::memcpy(bytes.data() + at, &after, sizeof after);
  cli.write("m.h5", bytes);
  const Ran ran = cli.run("verify m.h5");
  EXPECT_EQ(ran.status, 4);
  EXPECT_NE(ran.out.find("dense (2, 1): differs by up to "), std::string::npos) << ran.out;
}

TEST(Verify, FilesOfKerasHaveNothingToCompareWith) {
  const Cli cli;
  expect_failure(cli.run("verify " + golden_model("seed_model.keras")), 4,
                 {"nothing to verify with", "seed_model.keras"});
  expect_failure(cli.run("verify " + golden_model("seed_k2_0.h5")), 4, {"nothing to verify with"});
  expect_failure(cli.run("verify " + golden_model("seed_model.weights.h5")), 4, {"weights alone"});
}

TEST(Verify, OtherFormatsKeepNothingToCompareWith) {
  const Cli cli;
  ASSERT_EQ(cli.run("convert " + golden_model("seed_model.keras") + " m.onnx").status, 0);
  expect_failure(cli.run("verify m.onnx"), 4, {"m.onnx", "nothing to verify with", ".onnx keeps no predictions"});
  expect_failure(cli.run("verify none.onnx"), 1, {"none.onnx"});
}

}  // namespace
}  // namespace rondo
