// A flag in the place of a learning rate or a dropout.
#include <rondo/shape.hpp>

struct Options {
  rondo::Real learning_rate = 0.001;
};

#ifdef RONDO_MISUSE
Options options{.learning_rate = true};  // must not compile
#else
Options options{.learning_rate = 1};
#endif
