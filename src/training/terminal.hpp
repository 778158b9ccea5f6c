// Where progress and summaries go: std::cout, wherever the program has sent it.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <rondo/shape.hpp>

namespace rondo::training {

// Redrawing more often would take time, and show no more.
constexpr std::chrono::milliseconds kRedrawEvery{100};

// Writes to std::cout and flushes it. The stream's locale, flags and width neither show nor change.
void print(std::string_view text);

// Whether std::cout shows on a terminal that can go back to the beginning of a line: TERM is set and is not "dumb". A
// stream whose buffer was replaced shows nowhere, whatever descriptor 1 is.
bool can_redraw();

// Whether a terminal that can redraw may get colours: NO_COLOR is unset or empty (no-color.org).
bool wants_colours();

// Whether characters beyond ASCII show: the environment's LC_ALL, LC_CTYPE or LANG, the first that is set, names UTF-8.
bool shows_unicode();

// How many columns the terminal has now, or COLUMNS where it does not tell; no value where std::cout is none.
std::optional<Index> terminal_columns();

}  // namespace rondo::training
