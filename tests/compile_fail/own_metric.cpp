// Metric is a handle, not a base class: what one derived from it would override, nobody would call.
#include <rondo/metrics.hpp>

#ifdef RONDO_MISUSE
struct Bias : rondo::Metric {
  Bias() {}  // must not compile
};
#else
rondo::Metric metric = rondo::metrics::MeanSquaredError();
#endif
