// The folder that a file shall stand in.
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include <rondo/error.hpp>

namespace rondo::formats {

// Makes it where it is not there. FileError where that cannot be.
inline void make_folder_of(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code error;
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) throw FileError("cannot make the folder '" + folder.string() + "': " + error.message());
}

}  // namespace rondo::formats
