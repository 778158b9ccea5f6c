// A null pointer is no text; a view of it would be read.
#include <rondo/layer.hpp>

rondo::Tensor kernel_of(const rondo::Layer& layer) {
#ifdef RONDO_MISUSE
  return layer.get_weight(nullptr);  // must not compile
#else
  return layer.get_weight("kernel");
#endif
}
