// .npy files of any content, as texts.
#pragma once

#include <string>
#include <vector>

namespace rondo::test {

template <class T>
std::string bytes_of_numbers(const std::vector<T>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(T)};
}

// The header's text for a type and what stands between the parentheses of a shape.
inline std::string npy_dictionary(const std::string& type, const std::string& shape,
                                  const std::string& fortran = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': (" + shape + "), }          \n";
}

// A file with this header's text and these bytes behind it.
inline std::string npy_bytes(const std::string& dictionary, const std::string& content, char version = 1) {
  std::string file = std::string("\x93NUMPY") + version + '\0';
  const std::size_t bytes = version == 1 ? 2 : 4;
  for (std::size_t i = 0; i < bytes; ++i) file += static_cast<char>(dictionary.size() >> (8 * i) & 255);
  return file + dictionary + content;
}

}  // namespace rondo::test
