// A null pointer is no optimizer: the constructor is deleted rather than left to crash.
#include <rondo/model.hpp>

#ifdef RONDO_MISUSE
rondo::CompileOptions options{.optimizer = nullptr};  // must not compile
#else
rondo::CompileOptions options{.optimizer = "adam"};
#endif
