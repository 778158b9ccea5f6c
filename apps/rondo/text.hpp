// Words and numbers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rondo::cli {

// The shortest text that reads back as the same number: "0.1", "1e-05".
std::string exact_text(double value);
std::string exact_text(float value);
// With six significant digits.
std::string short_text(double value);

// " Did you mean 'convert'?", or "" where nothing known is near.
std::string did_you_mean(std::string_view given, const std::vector<std::string>& known);

// A text with each `what` in it replaced.
std::string replaced(std::string text, std::string_view what, std::string_view with);

}  // namespace rondo::cli
