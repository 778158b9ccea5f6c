// Logs have names and no positions; 0 would be a null pointer.
#include <rondo/history.hpp>

double loss_of(const rondo::Logs& logs) {
#ifdef RONDO_MISUSE
  return logs[0];  // must not compile
#else
  return logs["loss"];
#endif
}
