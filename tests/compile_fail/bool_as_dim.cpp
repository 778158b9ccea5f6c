// LSTM(true) is a mistake, never a size of one.
#include <rondo/shape.hpp>

#ifdef RONDO_MISUSE
rondo::Dim units = true;  // must not compile
#else
rondo::Dim units = 1;
#endif
