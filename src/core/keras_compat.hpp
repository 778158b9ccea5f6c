// The version of Keras that counts while a file of it is read.
#pragma once

#include <string>

#include <rondo/keras_compat.hpp>

namespace rondo::core {

// Those of a version as Keras writes it into files ("2.0.8", "2.3.0-tf", "2.12.0", "3.15.1"). What is no version counts
// as 3.15.1.
const detail::KerasDefaults& keras_defaults_of(const std::string& version);

// While it lives, these defaults count for its thread.
class WithKerasDefaults {
 public:
  explicit WithKerasDefaults(const detail::KerasDefaults& defaults);
  ~WithKerasDefaults();
  WithKerasDefaults(const WithKerasDefaults&) = delete;
  WithKerasDefaults& operator=(const WithKerasDefaults&) = delete;

 private:
  const detail::KerasDefaults* before_;
};

}  // namespace rondo::core
