// A misspelt option of fit is refused, and named where the struct is named.
#include <rondo/model.hpp>

#ifdef RONDO_MISUSE
rondo::FitOptions options = rondo::FitOptions{.epoch = 10};  // must not compile
#else
rondo::FitOptions options = rondo::FitOptions{.epochs = 10};
#endif
