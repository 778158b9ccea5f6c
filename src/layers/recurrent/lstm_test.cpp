#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include <rondo/rondo.hpp>

namespace rondo {
namespace {

// h and c after `steps` steps of zeros, from a state of ones.
std::vector<Tensor> faded(Index steps, DType dtype, double state) {
  set_random_seed(1);  // with other weights the terms of a single step may cancel
  const LSTM lstm(20, {.return_state = true, .dtype = dtype, .input_shape = {steps, 1}});
  const Tensor x = Tensor::zeros({1, steps, 1}, dtype);
  Tensor ones = Tensor::zeros({1, 20}, dtype);
  for (Index u = 0; u < 20; ++u) ones.set({0, u}, state);
  std::vector<Tensor> outputs = lstm(std::vector<Tensor>{x, ones, ones});
  return {outputs[1], outputs[2]};
}

// The forget gates stand near 0.7, so a state loses a decade in about six steps; a denormal number would never end.
TEST(Lstm, AStateThatFadesEndsAsZero) {
  for (const auto& [dtype, steps] : {std::pair{DType::float32, Index{600}}, {DType::float64, Index{5000}}}) {
    for (const Tensor& state : faded(steps, dtype, 1)) {
      for (const double v : state.to_vector()) EXPECT_EQ(v, 0) << to_string(dtype);
    }
  }
}

TEST(Lstm, SmallStatesAreKept) {
  for (const double v : faded(1, DType::float32, 1e-25)[1].to_vector()) EXPECT_GT(std::abs(v), 1e-26);
  for (const double v : faded(1, DType::float64, 1e-200)[1].to_vector()) EXPECT_GT(std::abs(v), 1e-201);
}

TEST(Lstm, NanStaysInTheState) {
  for (const Tensor& state : faded(3, DType::float32, std::numeric_limits<double>::quiet_NaN())) {
    for (const double v : state.to_vector()) EXPECT_TRUE(std::isnan(v));
  }
}

}  // namespace
}  // namespace rondo
