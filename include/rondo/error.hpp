// What Rondo throws.
//
// A message says what was given, what was expected, where (layer, file, row, column) and, where there is one, the fix.
// Everything thrown on purpose is a rondo::Error, so one catch clause is enough:
//
//   try { model.fit(X, y); } catch (const rondo::Error& e) { std::cerr << e.what() << '\n'; }
#pragma once

#include <stdexcept>
#include <string>

namespace rondo {

// The root of the family.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A shape, rank or size does not fit: data against a layer, labels against predictions, a reshape.
class ShapeError : public Error {
 public:
  using Error::Error;
};

// An option, a name or a combination of options is not one that Rondo knows or can honour.
class ConfigError : public Error {
 public:
  using Error::Error;
};

// Something was asked for too early: fit before compile, weights before the layer has its shape.
class StateError : public Error {
 public:
  using Error::Error;
};

// A file cannot be opened, read or written, or its content is not what its format promises.
class FileError : public Error {
 public:
  using Error::Error;
};

// More memory was asked for than there is. The text names how much, and what for.
class MemoryError : public Error {
 public:
  using Error::Error;
};

// Data for fit, a loss or an update are infinite or NaN. The text names epoch, batch and cause.
class NumericError : public Error {
 public:
  using Error::Error;
};

}  // namespace rondo
