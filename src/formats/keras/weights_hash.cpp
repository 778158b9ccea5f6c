// The hash of weights: what is hashed is told in docs/formats.md.
#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include <rondo/error.hpp>
#include <rondo/inspection.hpp>

#include "core/sha256.hpp"
#include "formats/keras/variables.hpp"

namespace rondo {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are hashed as they stand in memory");

struct Entry {
  std::string name;
  std::function<Tensor()> value;
};

std::string hash_of(std::vector<Entry> entries) {
  std::ranges::stable_sort(entries, {}, &Entry::name);
  core::Sha256 hash;
  for (const Entry& entry : entries) {
    const Tensor value = entry.value();
    hash.add(entry.name + " " + std::string(to_string(value.dtype())));
    for (const Index size : value.shape()) hash.add(" " + std::to_string(size));
    hash.add("\n");
    hash.add(keras::bytes_of(value));
  }
  return "sha256:" + hash.hex();
}

}  // namespace

std::string weights_hash(const Model& model) {
  if (!model.built()) {
    throw StateError(model.node()->where() +
                     ": weights_hash needs weights, which come with the first input shape: give the first layer "
                     ".input_shape, or fit or predict first");
  }
  std::vector<Entry> entries;
  for (const keras::VariableGroup& group : keras::variable_groups(*model.node())) {
    for (std::size_t i = 0; i < group.parameters.size(); ++i) {
      entries.push_back(
          {group.path + "/" + std::to_string(i), [parameter = group.parameters[i]] { return parameter.get(); }});
    }
  }
  return hash_of(std::move(entries));
}

std::string weights_hash(const std::vector<NamedWeight>& weights) {
  std::vector<Entry> entries;
  for (const NamedWeight& weight : weights) {
    entries.push_back({weight.name, [&weight] { return weight.value; }});
  }
  return hash_of(std::move(entries));
}

}  // namespace rondo
