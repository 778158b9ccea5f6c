#include "support/plain/dropout.hpp"

namespace plain {

namespace {

std::uint32_t high(std::uint64_t product) { return static_cast<std::uint32_t>(product >> 32); }
std::uint32_t low(std::uint64_t product) { return static_cast<std::uint32_t>(product); }

// Word `place` of the stream.
std::uint32_t word(const Draws& draws, std::uint64_t place) {
  const std::uint64_t element = std::uint64_t{draws.call} << 48 | draws.walk << 32 | place / 4;
  const std::uint64_t seed = draws.seed + draws.walk * 0x9E3779B97F4A7C15;
  std::uint32_t x[4] = {low(element), draws.purpose << 24 | high(element), draws.layer, draws.training_step};
  std::uint32_t key[2] = {low(seed), high(seed)};
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t left = std::uint64_t{0xD2511F53} * x[0], right = std::uint64_t{0xCD9E8D57} * x[2];
    const std::uint32_t next[4] = {high(right) ^ x[1] ^ key[0], low(right), high(left) ^ x[3] ^ key[1], low(left)};
    for (int i = 0; i < 4; ++i) x[i] = next[i];
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return x[place % 4];
}

double factor(const Draws& draws, std::uint64_t place) {
  return word(draws, place) < draws.rate * 4294967296.0 ? 0 : 1 / (1 - draws.rate);
}

}  // namespace

Array shared_factors(const Draws& draws, Size batch, Size count, Size gates) {
  Array factors;
  const Size row = (count + 3) / 4 * 4;
  for (Size b = 0; b < batch; ++b) {
    for (Size k = 0; k < count; ++k) factors.insert(factors.end(), gates, factor(draws, b * row + k));
  }
  return factors;
}

Array gate_factors(const Draws& draws, Size batch, Size count, const std::vector<Size>& places) {
  Array factors;
  for (Size n = 0; n < batch * count; ++n) {
    for (const Size place : places) factors.push_back(factor(draws, 4 * n + place));
  }
  return factors;
}

}  // namespace plain
