// What users give by name: optimizers, losses, layers, ...
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <vector>

#include <rondo/error.hpp>

#include "core/keras_names.hpp"

namespace rondo::core {

// The things of one kind, each under all names that it goes by. Immutable.
template <NameKind kKind, class Item>
class Registry {
 public:
  struct Entry {
    std::vector<std::string> names;
    Item item;
  };

  Registry(std::initializer_list<Entry> entries) : Registry(std::vector<Entry>(entries)) {}
  explicit Registry(const std::vector<Entry>& entries) {
    for (const Entry& entry : entries) {
      for (const std::string& name : entry.names) items_.emplace(name, entry.item);
    }
  }

  // The one of this name, or else of its other spelling. ConfigError where there is none: what was given, the nearest
  // name, all names.
  const Item& at(const std::string& name, const std::string& respelled = "") const {
    auto found = items_.find(name);
    if (found == items_.end()) found = items_.find(respelled);
    if (found == items_.end()) throw ConfigError(unknown_name(kKind, name, names()));
    return found->second;
  }

  // In the order of the alphabet.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& [name, item] : items_) names.push_back(name);
    return names;
  }

 private:
  std::map<std::string, Item> items_;
};

}  // namespace rondo::core
