#include <rondo/error.hpp>
#include <rondo/npy.hpp>

#include "core/names.hpp"

namespace rondo {

NamedTensors::NamedTensors(std::initializer_list<std::pair<std::string, Tensor>> tensors) {
  for (const auto& [name, tensor] : tensors) add(name, tensor);
}

void NamedTensors::add(const std::string& name, Tensor tensor) {
  if (!places_.emplace(name, tensors_.size()).second) {
    throw ConfigError("there is a tensor '" + name + "' already; each needs a name of its own");
  }
  tensors_.emplace_back(name, std::move(tensor));
}

const Tensor& NamedTensors::operator[](const std::string& name) const& {
  const auto found = places_.find(name);
  if (found != places_.end()) return tensors_[found->second].second;
  const std::vector<std::string> known = names();
  throw ConfigError("there is no tensor '" + name + "'." + did_you_mean(name, known) + " There are " +
                    (known.empty() ? "none" : quoted_list(known)));
}

std::vector<std::string> NamedTensors::names() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  return names;
}

}  // namespace rondo
