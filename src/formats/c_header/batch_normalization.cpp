#include <cmath>
#include <nlohmann/json.hpp>

#include "formats/c_header/layers.hpp"
#include "formats/c_header/operations.hpp"

namespace rondo::c_header {

// gamma (x - mean) / sqrt(variance + epsilon) + beta, as a factor and a shift.
Value add_batch_normalization(Program& program, const graph::LayerNode& layer, const Value& given) {
  const Value x = settled(program, given);
  const std::vector<double> mean = weight(layer, "moving_mean"), variance = weight(layer, "moving_variance");
  std::vector<double> gamma = weight(layer, "gamma"), beta = weight(layer, "beta");
  if (gamma.empty()) gamma.assign(mean.size(), 1);
  beta.resize(mean.size());
  const auto epsilon = layer.config().at("epsilon").get<double>();
  std::vector<double> factor, shift;
  for (std::size_t j = 0; j < mean.size(); ++j) {
    factor.push_back(gamma[j] / std::sqrt(variance[j] + epsilon));
    shift.push_back(beta[j] - mean[j] * factor[j]);
  }
  program.scale(x, std::move(factor), std::move(shift));
  return x;
}

}  // namespace rondo::c_header
