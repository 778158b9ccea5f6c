// A loss object where the optimizer belongs.
#include <rondo/model.hpp>

#ifdef RONDO_MISUSE
rondo::CompileOptions options{.optimizer = rondo::losses::MeanSquaredError()};  // must not compile
#else
rondo::CompileOptions options{.optimizer = rondo::SGD(), .loss = rondo::losses::MeanSquaredError()};
#endif
