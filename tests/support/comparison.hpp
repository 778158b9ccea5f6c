// Comparisons of tensors: to the bit, and within a distance.
#pragma once

#include <string>
#include <vector>

#include <rondo/tensor.hpp>

#include "support/plain/array.hpp"

namespace rondo::test {

using Tensors = std::vector<Tensor>;
using Arrays = std::vector<plain::Array>;

// "" or where the bits differ. NaN equals NaN, whose sign and payload no processor promises.
std::string difference(const Tensors& got, const Tensors& expected);

// Infinity where one of them is NaN.
double largest_difference(const plain::Array& a, const plain::Array& b);

// "" or where |got - expected| > bound max(1, largest expected). `moved`: what is expected of weights that were moved
// by about a rounding error; by ten times so much may `got` be farther away. Empty arrays are not compared: frozen
// weights.
std::string distance(const Arrays& got, const Arrays& expected, double bound, const Arrays& moved = {});

}  // namespace rondo::test
