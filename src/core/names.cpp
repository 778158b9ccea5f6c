#include "core/names.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <map>
#include <numeric>
#include <system_error>

#include "core/fork_safe.hpp"

namespace rondo {

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

// Those of <cctype> ask the locale.
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
char to_upper(char c) { return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

// How often a name was given; protected by a lock of its address.
constinit std::map<std::string, int>* g_names = nullptr;

int times_given_before(const std::string& name) {
  const ForkSafeLock lock(&g_names);
  if (g_names == nullptr) g_names = new std::map<std::string, int>;
  return (*g_names)[name]++;
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = to_lower(c);
  return lower;
}

const std::string* nearest_name(std::string_view given, std::span<const std::string> known) {
  const std::string lower = lower_case(given);
  const std::size_t limit = std::max<std::size_t>(2, given.size() / 3);
  std::size_t best = SIZE_MAX, best_exact = SIZE_MAX;
  const std::string* nearest = nullptr;
  for (const std::string& name : known) {
    // At least so far apart; what a file gives may have megabytes.
    if (std::max(given.size(), name.size()) - std::min(given.size(), name.size()) > limit) continue;
    const std::size_t distance = edit_distance(lower, lower_case(name)), exact = edit_distance(given, name);
    if (distance < best || (distance == best && exact < best_exact)) {
      best = distance;
      best_exact = exact;
      nearest = &name;
    }
  }
  return best <= limit ? nearest : nullptr;
}

std::string did_you_mean(std::string_view given, std::span<const std::string> known) {
  const std::string* nearest = nearest_name(given, known);
  return nearest != nullptr ? " Did you mean '" + *nearest + "'?" : "";
}

std::string one_line(std::string_view text) {
  constexpr std::size_t kFirst = 1500, kLast = 500;
  const auto is_inside_character = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  std::string line(text);
  if (text.size() > kFirst + kLast) {
    std::size_t first = kFirst, last = text.size() - kLast;
    while (first > 0 && is_inside_character(first)) --first;
    while (last < text.size() && is_inside_character(last)) ++last;
    line = std::string(text.substr(0, first)) + " ... " + std::string(text.substr(last));
  }
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  }
  return line;
}

std::string number_text(double value, int digits) {
  char text[64];
  return {text, std::to_chars(text, std::end(text), value, std::chars_format::general, std::min(digits, 17)).ptr};
}

std::string exact_text(double value) {
  if (std::isnan(value)) return "nan";
  const double size = std::abs(value);
  const bool has_exponent = size != 0 && (size < 1e-4 || size >= 1e16);
  char text[32];
  const std::string digits(text, std::to_chars(text, std::end(text), value,
                                               has_exponent ? std::chars_format::scientific : std::chars_format::fixed)
                                     .ptr);
  return has_exponent || digits.find('.') != std::string::npos ? digits : digits + ".0";
}

std::string fixed_text(double value, int digits) {
  char text[512];  // the largest double has 309 digits before the point
  return {text, std::to_chars(text, std::end(text), value, std::chars_format::fixed, std::min(digits, 100)).ptr};
}

std::string scientific_text(double value, int digits) {
  char text[64];
  return {text, std::to_chars(text, std::end(text), value, std::chars_format::scientific, std::min(digits, 17)).ptr};
}

std::string system_error_text(int error) {
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
  if (const char* text = strerrordesc_np(error)) return text;
#endif
  return std::generic_category().message(error);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  bool escape = false;
  for (const char c : text) {
    if (c == '\033') {
      escape = true;
    } else if (escape) {
      escape = c != 'm';
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++width;
    }
  }
  return width;
}

std::string quoted_list(std::span<const std::string> names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

std::string snake_case(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool starts_word =
        i > 0 && is_upper(c) && (is_lower(name[i - 1]) || (i + 1 < name.size() && is_lower(name[i + 1])));
    if (starts_word && out.back() != '_') out += '_';
    out += to_lower(c);
  }
  return out;
}

std::string camel_case(std::string_view snake) {
  std::string out;
  bool upper = true;
  for (const char c : snake) {
    if (c == '_') {
      upper = true;
    } else {
      out += upper ? to_upper(c) : c;
      upper = false;
    }
  }
  return out;
}

std::string unique_name(std::string_view class_name) {
  const std::string base = snake_case(class_name);
  const int n = times_given_before(base);
  return n == 0 ? base : base + "_" + std::to_string(n);
}

void reset_unique_names() {
  const ForkSafeLock lock(&g_names);
  if (g_names != nullptr) g_names->clear();
}

}  // namespace rondo
