// Tensors for check_models.py: the sizes in a line, then the numbers.
#pragma once

#include <fstream>
#include <iomanip>
#include <string>

#include <rondo/tensor.hpp>

namespace rondo::test {

inline void write_tensor(const std::string& path, const Tensor& tensor) {
  std::ofstream out(path);
  out << std::setprecision(17);
  for (const Index size : tensor.shape()) out << size << ' ';
  out << '\n';
  for (const double value : tensor.to_vector()) out << value << '\n';
}

}  // namespace rondo::test
