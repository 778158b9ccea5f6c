#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <rondo/dtype_policy.hpp>
#include <rondo/layers.hpp>
#include <rondo/model.hpp>

#include "graph/layer_node.hpp"
#include "layers/nodes.hpp"
#include "support/expect_error.hpp"

namespace rondo {
namespace {

TEST(DTypePolicy, HasANameAndADtypeOfItsVariables) {
  EXPECT_EQ(DTypePolicy(DType::float64).name(), "float64");
  EXPECT_EQ(DTypePolicy("float32"), DTypePolicy(DType::float32));
  const DTypePolicy mixed = "mixed_bfloat16";
  EXPECT_EQ(mixed.name(), "mixed_bfloat16");
  EXPECT_EQ(mixed.variable_dtype(), DType::float32);
  EXPECT_TRUE(mixed.mixed_bfloat16());
  EXPECT_NE(mixed, DTypePolicy(DType::float32));
}

TEST(DTypePolicy, UnknownOnesAreErrorsThatNameThem) {
  for (const char* name : {"mixed_float16", "bfloat16", "float16", "int8", ""}) {
    try {
      (void)LSTM(3, {.dtype = name});
      ADD_FAILURE() << name;
    } catch (const ConfigError& error) {
      EXPECT_EQ(std::string(error.what()),
                "dtype policy '" + std::string(name) +
                    "' is not supported; there are 'float32', 'float64' and 'mixed_bfloat16'");
    }
  }
}

TEST(DTypePolicy, TheGlobalOneIsThatOfNewLayersAndFollowsFloatxUntilItIsSet) {
  EXPECT_EQ(dtype_policy(), DTypePolicy(floatx()));
  set_dtype_policy("mixed_bfloat16");
  const LSTM lstm(3);
  const Dense dense(2, {.dtype = "float32"});
  set_dtype_policy(floatx());
  EXPECT_EQ(lstm.node()->policy().name(), "mixed_bfloat16");
  EXPECT_EQ(lstm.dtype(), DType::float32);
  EXPECT_EQ(dense.node()->policy().name(), "float32");
  EXPECT_EQ(dtype_policy().name(), "float32");
}

TEST(DTypePolicy, ConfigurationsRoundTrip) {
  const LSTM lstm(3, {.dtype = "mixed_bfloat16"});
  const graph::Json config = lstm.node()->config();
  EXPECT_EQ(config["dtype"], "mixed_bfloat16");
  EXPECT_EQ(layers::layer_from_config("LSTM", config)->config(), config);
  const graph::Json as_keras = {{"module", "keras"},
                                {"class_name", "DTypePolicy"},
                                {"config", {{"name", "mixed_bfloat16"}}},
                                {"registered_name", nullptr}};
  EXPECT_EQ(layers::layer_from_config("Dense", {{"units", 2}, {"dtype", as_keras}})->policy().name(), "mixed_bfloat16");
}

TEST(DTypePolicy, LayersOfOneModelMayDifferInPolicyButNotInDtype) {
  const Sequential model{LSTM(3, {.dtype = "mixed_bfloat16", .input_shape = {2, 1}}), Dense(1)};
  EXPECT_EQ(model.dtype(), DType::float32);
}

}  // namespace
}  // namespace rondo
