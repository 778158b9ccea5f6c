// File names with fields, as Python's str.format has them.
#pragma once

#include <functional>
#include <string>
#include <variant>

#include <rondo/shape.hpp>

namespace rondo::formats {

// "model-{epoch:02d}-{loss:.3f}.keras" with what `value` says of each name. Formats: of whole numbers a width with or
// without 0 in front, and d; of others also a precision, and f, e or g. "{{" is a brace. ConfigError, beginning with
// `who`, for a format that is none, and braces that do not fit.
using FieldValue = std::variant<Index, double>;
std::string file_name(const std::string& who, const std::string& text,
                      const std::function<FieldValue(const std::string& name)>& value);

}  // namespace rondo::formats
