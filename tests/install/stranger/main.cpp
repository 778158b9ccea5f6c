// What a stranger writes first. Exits with 0 if the library that it was linked with works.
#include <iostream>

#include <rondo/tensor.hpp>

int main() {
  const rondo::Tensor x = {{0.0, 0.1}, {0.2, 0.3}};
  std::cout << x.reshape({4}) << '\n';
  return rondo::argmax(x) == std::vector<rondo::Index>{1, 1} ? 0 : 1;
}
