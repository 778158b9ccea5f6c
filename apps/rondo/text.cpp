#include "text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

namespace rondo::cli {

namespace {

template <class... How>
std::string as_text(How... how) {
  std::array<char, 64> text;
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), how...).ptr};
}

// How many letters to insert, remove or change.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string exact_text(double value) { return as_text(value); }
std::string exact_text(float value) { return as_text(value); }
std::string short_text(double value) { return as_text(value, std::chars_format::general, 6); }

std::string did_you_mean(std::string_view given, const std::vector<std::string>& known) {
  const auto distance = [&](const std::string& name) { return edit_distance(given, name); };
  const auto nearest = std::ranges::min_element(known, {}, distance);
  if (nearest == known.end() || distance(*nearest) > std::max<std::size_t>(2, given.size() / 3)) return "";
  return " Did you mean '" + *nearest + "'?";
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

}  // namespace rondo::cli
