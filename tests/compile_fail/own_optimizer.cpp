// Optimizer is a handle, not a base class: what one derived from it would override, nobody would call.
#include <rondo/optimizers.hpp>

#ifdef RONDO_MISUSE
struct Lion : rondo::Optimizer {
  Lion() {}  // must not compile
};
#else
rondo::Optimizer optimizer = rondo::Adam();
#endif
