// Elementary functions of one double for what may reach a weight: a C library's may differ in its last bit from machine
// to machine. To some 1e-15 of the result.
#pragma once

namespace rondo {

// The natural logarithm of x > 0.
double own_log(double x);

// cos(2 pi u) for u in [0, 1).
double own_cos_turn(double u);

// base^exponent for a base of 0 or more; 0^0 is 1. Whole exponents up to 64 are products.
double own_pow(double base, double exponent);

}  // namespace rondo
