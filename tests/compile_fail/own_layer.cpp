// Layer is a handle, not a base class: what one derived from it would override, nobody would call.
#include <rondo/layers.hpp>

#ifdef RONDO_MISUSE
struct Doubling : rondo::Layer {
  Doubling() {}  // must not compile
};
#else
rondo::Layer layer = rondo::Dense(1);
#endif
