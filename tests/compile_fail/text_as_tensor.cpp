// A column read as text must be made numbers first.
#include <string>
#include <vector>

#include <rondo/tensor.hpp>

#ifdef RONDO_MISUSE
using Cell = std::string;
#else
using Cell = double;
#endif

rondo::Tensor column(const std::vector<Cell>& cells) {
  return cells;  // must not compile
}
