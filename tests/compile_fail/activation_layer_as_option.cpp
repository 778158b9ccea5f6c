// Activation is the layer; an option takes a function: a name, or one of rondo::activations.
#include <rondo/layers.hpp>

#ifdef RONDO_MISUSE
rondo::Dense layer(1, {.activation = rondo::Activation("relu")});  // must not compile
#else
rondo::Dense layer(1, {.activation = rondo::activations::relu({.negative_slope = 0.1})});
#endif
