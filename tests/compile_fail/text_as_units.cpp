// Dense("relu") forgets the units.
#include <rondo/layers.hpp>

#ifdef RONDO_MISUSE
rondo::Dense layer("relu");  // must not compile
#else
rondo::Dense layer(1, {.activation = "relu"});
#endif
