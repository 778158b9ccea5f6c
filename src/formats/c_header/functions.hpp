// Activation functions in doubles and as C.
#pragma once

#include <optional>
#include <string>

#include "formats/c_header/source.hpp"
#include "kernels/activation.hpp"

namespace rondo::c_header {

// Of an elementwise one.
double value_of(const kernels::Activation& f, double x);
// The name of a C function float -> float, which is written if need be.
std::string function_helper(Source& source, const kernels::Activation& f);

// The largest |f(x)|, where that is a number that few steps reach: 1 of sigmoid and tanh.
std::optional<double> bound_of(const kernels::Activation& f);
// From -range to range f is worth a table; beyond, it is what it is at the ends. None: as far as its arguments go.
std::optional<double> table_range_of(const kernels::Activation& f);
// max(x, 0).
bool is_plain_relu(const kernels::Activation& f);

}  // namespace rondo::c_header
