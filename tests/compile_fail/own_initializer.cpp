// Initializer is a handle, not a base class: what one derived from it would override, nobody would call.
#include <rondo/initializers.hpp>

#ifdef RONDO_MISUSE
struct Ramp : rondo::Initializer {
  Ramp() {}  // must not compile
};
#else
rondo::Initializer initializer = rondo::Zeros();
#endif
