#include "core/options.hpp"

#include <cmath>
#include <string>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo {

namespace {

bool holds(double v, Allowed allowed) {
  if (!std::isfinite(v)) return false;
  switch (allowed) {
    case Allowed::finite: return true;
    case Allowed::zero_or_more: return v >= 0;
    case Allowed::between_0_and_1: return v >= 0 && v <= 1;
    case Allowed::below_1: return v >= 0 && v < 1;
    case Allowed::above_0: return v > 0;
    case Allowed::above_0_to_1: return v > 0 && v <= 1;
    case Allowed::one_or_more: return v >= 1;
    case Allowed::zero_or_less: return v <= 0;
  }
  return false;
}

const char* text(Allowed allowed) {
  switch (allowed) {
    case Allowed::finite: return "a finite number";
    case Allowed::zero_or_more: return "a finite number, 0 or more";
    case Allowed::between_0_and_1: return "a number between 0 and 1";
    case Allowed::below_1: return "0 or more and below 1";
    case Allowed::above_0: return "a finite number above 0";
    case Allowed::above_0_to_1: return "above 0 and at most 1";
    case Allowed::one_or_more: return "a finite number, 1 or more";
    case Allowed::zero_or_less: return "a finite number, 0 or less";
  }
  return "";
}

}  // namespace

double checked_option(std::string_view where, std::string_view option, double value, Allowed allowed) {
  if (holds(value, allowed)) return value;
  throw ConfigError(std::string(where) + ": " + std::string(option) + " is " + number_text(value) + "; it must be " +
                    text(allowed));
}

}  // namespace rondo
