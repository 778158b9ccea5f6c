// Validation data are samples and labels; one tensor is no pair.
#include <rondo/model.hpp>

rondo::Tensor X = {{1.0}, {2.0}};
#ifdef RONDO_MISUSE
rondo::FitOptions options{.validation_data = {X}};  // must not compile
#else
rondo::FitOptions options{.validation_data = {X, X}};
#endif
