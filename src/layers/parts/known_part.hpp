// Constraints, initializers and regularizers: made of their rules, and found by the names of their classes.
#pragma once

#include <memory>
#include <string>

#include "core/access.hpp"
#include "core/fields.hpp"

namespace rondo::layers {

template <class Part, class Rule, class... Args>
Part part_of(const Args&... args) {
  return detail::Access::make<Part>(std::make_shared<Rule>(args...));
}

template <class Part>
struct KnownPart {
  Part standard;  // what the bare name means
  Part (*read)(const std::string& class_name, const core::Json& config);
};

template <class Part, class Class, class Options>
KnownPart<Part> known_part() {
  return {Class(), [](const std::string& class_name, const core::Json& config) -> Part {
            return core::from_fields<Class, Options>(class_name, config);
          }};
}

}  // namespace rondo::layers
