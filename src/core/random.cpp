#include <atomic>
#include <cmath>
#include <random>

#include <rondo/random.hpp>

#include "core/fork_safe.hpp"
#include "core/layer_numbers.hpp"
#include "core/own_math.hpp"
#include "core/standard_floats.hpp"

namespace rondo {

namespace {

std::uint64_t seed_from_system() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

// The user's seed, if there is one.
std::atomic<std::uint64_t> g_seed{0};
std::atomic<bool> g_seed_is_set{false};

std::atomic<std::uint32_t> g_layers_made{0}, g_models_made{0};

}  // namespace

void set_random_seed(std::uint64_t seed) {
  g_seed.store(seed);
  g_seed_is_set.store(true);
  g_layers_made.store(0);
  g_models_made.store(0);
}

std::uint64_t random_seed() {
  static constinit Lazy<std::uint64_t> systems;
  return g_seed_is_set.load() ? g_seed.load() : systems.get(seed_from_system);
}

std::uint32_t next_layer_number() { return g_layers_made.fetch_add(1); }
std::uint32_t next_model_number() { return g_models_made.fetch_add(1); }

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  return c;
}

RandomStream::RandomStream(std::uint64_t seed, Purpose purpose, std::uint32_t a, std::uint32_t b)
    : seed_(seed), purpose_(static_cast<std::uint32_t>(purpose)), a_(a), b_(b) {}

// Counter words: element (low 32 bits), purpose beside the 24 high bits of the element, a, b.
std::array<std::uint32_t, 4> RandomStream::counter(std::uint64_t i) const {
  const auto high = static_cast<std::uint32_t>(i >> 32) & 0x00FFFFFFu;
  return {static_cast<std::uint32_t>(i), (purpose_ << 24) | high, a_, b_};
}
std::array<std::uint32_t, 2> RandomStream::key() const {
  return {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)};
}

std::array<std::uint32_t, 4> RandomStream::block(std::uint64_t i) const { return philox4x32(counter(i), key()); }

std::uint32_t RandomStream::bits(std::uint64_t i) const { return block(i)[0]; }

double RandomStream::uniform(std::uint64_t i) const {
  const auto w = block(i);
  const std::uint64_t mantissa = (std::uint64_t{w[0]} << 21) | (w[1] >> 11);
  return static_cast<double>(mantissa) * 0x1p-53;
}

double RandomStream::normal(std::uint64_t i) const {
  const StandardFloats floats;
  const auto w = block(i);
  const std::uint64_t m0 = (std::uint64_t{w[0]} << 21) | (w[1] >> 11);
  const std::uint64_t m1 = (std::uint64_t{w[2]} << 21) | (w[3] >> 11);
  const double radius = std::sqrt(-2 * own_log(static_cast<double>(m0 + 1) * 0x1p-53));
  return computed_here(radius * own_cos_turn(static_cast<double>(m1) * 0x1p-53));
}

std::uint64_t RandomStream::below(std::uint64_t bound, std::uint64_t i) const {
  const auto w = block(i);
  const std::uint64_t r = (std::uint64_t{w[0]} << 32) | w[1];
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(r) * bound) >> 64);
}

}  // namespace rondo
