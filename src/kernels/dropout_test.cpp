// What dropout keeps, on every target: the generator's words against the rate, each where its number stands.
#include <cstdint>
#include <gtest/gtest.h>
#include <vector>

#include <rondo/random.hpp>

#include "kernels/table.hpp"

namespace rondo::kernels {
namespace {

constexpr std::uint32_t kKeepFrom = 0x40000000u;

DropoutDraw draw_from(std::uint64_t block) {
  return {.counter = {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 3, 9},
          .key = {0x12345678u, 0x9ABCDEF0u},
          .keep_from = kKeepFrom};
}

bool keeps(std::uint64_t block, std::size_t word) {
  const DropoutDraw draw = draw_from(block);
  return philox4x32(draw.counter, draw.key)[word] >= kKeepFrom;
}

bool bit(const std::uint8_t* bits, Index i) { return (bits[i / 8] >> (i % 8) & 1) != 0; }

// Just before the counter's first word overflows.
constexpr std::uint64_t kFirst = 0xFFFFFFF0u;

TEST(DropoutKernels, BitsStandNumberByNumberAndGateByGate) {
  for (const KernelTable* table : tables()) {
    for (const Index numbers : {1, 3, 7, 8, 9, 15, 16, 17, 50, 63, 64, 65, 129, 200}) {
      constexpr Index kRows = 3;
      const Index stride = dropped_bytes(numbers) + 5;
      std::vector<std::uint8_t> room(static_cast<std::size_t>(kRows * stride), 0xA5);
      table->dropout_bits(draw_from(kFirst), {room.data(), stride, 0}, kRows, numbers);
      for (Index b = 0; b < kRows; ++b) {
        const Dropped<float> dropped{
            .bits = {room.data(), stride, 0}, .plane = dropped_plane(numbers), .kept = 1, .records = {}};
        for (Index i = 0; i < numbers; ++i) {
          for (Index gate = 0; gate < 4; ++gate) {
            const bool kept =
                keeps(kFirst + static_cast<std::uint64_t>(b * numbers + i), static_cast<std::size_t>(gate));
            ASSERT_EQ(bit(dropped.bits.at(b, 0), 4 * i + gate), kept)
                << table->target << " number " << i << " of row " << b;
            ASSERT_EQ(bit(dropped.bits_of(gate, b).data, i), kept)
                << table->target << " number " << i << " of row " << b;
          }
        }
        for (Index i = dropped_bytes(numbers); i < stride; ++i)
          ASSERT_EQ(room[static_cast<std::size_t>(b * stride + i)], 0xA5);
      }
    }
  }
}

template <class T>
void expect_factors(const KernelTable& table) {
  constexpr T kKept = T{4} / T{3};
  for (const Index count : {1, 2, 3, 4, 5, 31, 32, 33, 255, 256, 257, 600}) {
    std::vector<T> factors(static_cast<std::size_t>(count) + 1, T{7});
    table.ops<T>().dropout_factors(draw_from(kFirst), kKept, factors.data(), count);
    for (Index i = 0; i < count; ++i) {
      const bool kept = keeps(kFirst + static_cast<std::uint64_t>(i / 4), static_cast<std::size_t>(i % 4));
      ASSERT_EQ(factors[static_cast<std::size_t>(i)], kept ? kKept : T{0}) << table.target << " factor " << i;
    }
    ASSERT_EQ(factors.back(), T{7}) << table.target;
  }
}

TEST(DropoutKernels, FactorsAreTheWordsOfBlockAfterBlock) {
  for (const KernelTable* table : tables()) {
    expect_factors<float>(*table);
    expect_factors<double>(*table);
  }
}

}  // namespace
}  // namespace rondo::kernels
