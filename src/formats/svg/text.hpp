// Texts and numbers as SVG writes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rondo::svg {

// Text for XML content and attributes; what is no UTF-8, or no text, becomes the replacement character.
std::string escaped(std::string_view text);

// How wide a text will be, about, and the widest of several.
double text_width(std::string_view text, double font_size);
double widest(const std::vector<std::string>& texts, double font_size);

// A coordinate: at most two decimals, no "-0".
std::string number(double value);

// "1.50" -> "1.5", "2.00" -> "2".
std::string without_trailing_zeros(std::string number);

}  // namespace rondo::svg
