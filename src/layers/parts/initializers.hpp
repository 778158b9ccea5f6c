// The rules behind the public Initializer handles, and their configurations.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include <rondo/initializers.hpp>

namespace rondo::detail {

class InitializerImpl {
 public:
  virtual ~InitializerImpl() = default;
  virtual std::string class_name() const = 0;
  virtual nlohmann::ordered_json config() const = 0;
  // Element i of `out` belongs to logical row-major element i.
  virtual void fill(const Shape& shape, const RandomStream& stream, std::span<double> out) const = 0;
  // The seed of its own, which replaces the stream's.
  virtual std::optional<std::uint64_t> seed() const { return std::nullopt; }
};

}  // namespace rondo::detail

namespace rondo {

// Keras's {module, class_name, config, registered_name}; a name alone is taken too.
nlohmann::ordered_json to_config(const Initializer& initializer);
void from_config(const nlohmann::ordered_json& config, Initializer& initializer);

}  // namespace rondo
