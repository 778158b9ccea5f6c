// Names given by users: the nearest known one for error messages, Keras's snake case, automatic layer names.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondo {

// " Did you mean 'adam'?" for "adan", or "" when nothing known is near (edit distance above a third of the length).
std::string did_you_mean(std::string_view given, std::span<const std::string> known);

// The known name that did_you_mean offers, or null.
const std::string* nearest_name(std::string_view given, std::span<const std::string> known);

// "'a', 'b', 'c'" for an error message.
std::string quoted_list(std::span<const std::string> names);

// A text for a message, whatever a file has put into it: on one line, and of a long one the beginning and the end.
std::string one_line(std::string_view text);

// A number as a person writes it: "0.95", "3", "1.5e-05"; at most so many significant digits. As printf's %g in the C
// locale, whatever the locale is.
std::string number_text(double value, int digits = 10);

// The shortest text that reads back as the same number, as Python writes it: "0.1", "3.0", "1e-05", "nan", "inf".
std::string exact_text(double value);

// A number with so many digits behind the point: "0.50". As printf's %f in the C locale, whatever the locale is.
std::string fixed_text(double value, int digits);

// A number with an exponent and so many digits behind the point: "5.0e-01". As printf's %e in the C locale.
std::string scientific_text(double value, int digits);

// What the system says of an errno, in English whatever the locale is: "No such file or directory".
std::string system_error_text(int error);

// How many columns of a terminal a text takes: UTF-8 characters, without escape sequences for colours.
std::size_t display_width(std::string_view text);

// Keras's snake case: "LSTM" -> "lstm", "InputLayer" -> "input_layer", "RMSprop" -> "rm_sprop".
std::string snake_case(std::string_view class_name);

// "mean_squared_error" -> "MeanSquaredError".
std::string camel_case(std::string_view snake);

// Of the letters A to Z, whatever the locale is.
std::string lower_case(std::string_view text);

// The next automatic name of a class in this process: "lstm", "lstm_1", ...
std::string unique_name(std::string_view class_name);

// Starts the automatic names anew.
void reset_unique_names();

}  // namespace rondo
