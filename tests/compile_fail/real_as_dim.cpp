// A size is a whole number: 2.5 units must not become 2.
#include <rondo/shape.hpp>

#ifdef RONDO_MISUSE
rondo::Shape shape = {3, 2.5};  // must not compile
#else
rondo::Shape shape = {3, 2};
#endif
