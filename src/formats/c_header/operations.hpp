// The operations that layers are written with.
#pragma once

#include <vector>

#include "formats/c_header/program.hpp"
#include "kernels/activation.hpp"

namespace rondo::c_header {

// So many steps lie between -kTableLimit and kTableLimit for each of the kTableSize entries of a table.
inline constexpr std::int32_t kTableLimit = 1 << 19, kTableSize = 513, kTableBits = 11;

// x W, W of shape (x.size, columns), row-major.
struct Product {
  Value x;
  std::vector<double> weights;
};

// bias + the sum of all products: sums for what comes behind, or a signal.
Value add_products(Program& program, std::vector<Product> products, std::vector<double> bias, Kind kind);

// f(x), element by element, or across all of them (softmax, log_softmax, sparsemax, glu). ConfigError, beginning with
// `where`, for integers of a function that has none.
Value add_activation(Program& program, const std::string& where, const Value& x, const kernels::Activation& f,
                     Kind kind);

// y = a b + d e; a value of size 0 stands for ones, two for nothing.
void add_combination(Program& program, const Value& a, const Value& b, const Value& d, const Value& e, const Value& y);

// h = z h + (1 - z) g
void add_blend(Program& program, const Value& z, const Value& g, const Value& h);

// x in the bits that a signal has: x itself where it has them.
Value as_signal(Program& program, const Value& x);

// What Program::scale has put off for x is done now.
Value settled(Program& program, const Value& x);

// ---- what integers are multiplied with ------------------------------------------------------------------------------

// Ratios as whole multipliers of one power of two: ratio = multiplier / 2^shift, 1 <= shift <= 62, multipliers below
// 2^31. ConfigError for a ratio of 2^30 and more.
struct Multipliers {
  std::vector<std::int32_t> values;
  int shift = 1;
};
Multipliers multipliers(const std::vector<double>& ratios);

// v / 2^shift, rounded to the nearest (halves up), within +-limit: "scale" of the C text.
std::int32_t scaled(std::int64_t v, int shift, std::int32_t limit);

// The helper of the C text; returns its name.
std::string scale_helper(Source& source);

// (type)scale(v, shift, limit) for a number of y.
std::string scaled_text(Source& source, const std::string& v, int shift, const Value& y);

}  // namespace rondo::c_header
