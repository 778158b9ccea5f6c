// Which Rondo this is.
#pragma once

namespace rondo {

// Major, minor, patch: semantic versioning. Before 1.0 a minor version may change the interface. (The build takes its
// version from this line.)
inline constexpr const char* kVersion = "0.1.0";

}  // namespace rondo
