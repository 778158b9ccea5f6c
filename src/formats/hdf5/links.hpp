// What is in a group: a list of names, each with the address of an object.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "formats/hdf5/object_header.hpp"

namespace rondo::hdf5 {

struct Link {
  enum class Kind { hard, soft, external, unknown };

  std::string_view name;
  Kind kind = Kind::hard;
  std::uint64_t address = kNowhere;  // of the object's header, where the kind is hard
  std::string_view target = {};      // where the kind is soft
};

bool is_group(const ObjectHeader& header);

// The links of a group, by name. FileError for a name that stands there twice.
std::vector<Link> read_links(const Place& place, const ObjectHeader& header);

}  // namespace rondo::hdf5
