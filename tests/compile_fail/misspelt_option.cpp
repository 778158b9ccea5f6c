// A misspelt option is refused by the compiler, not ignored.
#include <rondo/layers.hpp>

#ifdef RONDO_MISUSE
rondo::LSTM layer(4, {.return_sequence = true});  // must not compile
#else
rondo::LSTM layer(4, {.return_sequences = true});
#endif
