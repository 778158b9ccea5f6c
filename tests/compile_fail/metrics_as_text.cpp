// Metrics are a list, also a single one (as in Keras): a bare name might be a typo for something else.
#include <rondo/model.hpp>

#ifdef RONDO_MISUSE
rondo::CompileOptions options{.metrics = "mae"};  // must not compile
#else
rondo::CompileOptions options{.metrics = {"mae"}};
#endif
