// Not a number, as tests write it.
#pragma once

#include <limits>

namespace rondo::test {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace rondo::test
