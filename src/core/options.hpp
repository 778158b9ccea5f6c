// What a number among the options may be, said and checked in one place.
#pragma once

#include <string_view>

namespace rondo {

enum class Allowed {
  finite,
  zero_or_more,     // and finite, as all below
  between_0_and_1,  // both included
  below_1,          // from 0 on
  above_0,
  above_0_to_1,  // 1 included
  one_or_more,
  zero_or_less,
};

// The value; ConfigError "Adam: epsilon is nan; it must be a finite number, 0 or more" where it is not allowed.
double checked_option(std::string_view where, std::string_view option, double value, Allowed allowed);

}  // namespace rondo
