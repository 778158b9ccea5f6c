// Loss is a handle, not a base class: what one derived from it would override, nobody would call.
#include <rondo/losses.hpp>

#ifdef RONDO_MISUSE
struct Huber : rondo::Loss {
  Huber() {}  // must not compile
};
#else
rondo::Loss loss = rondo::losses::MeanSquaredError();
#endif
