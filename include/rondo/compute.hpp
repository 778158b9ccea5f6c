// How Rondo computes on this machine: threads and vector instructions. Neither ever changes a bit of a result.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <rondo/shape.hpp>

namespace rondo {

// At most this many threads work on one model, the caller included; 0 means "as many processors as this process may
// use" (affinity mask and cgroup limit), the default. Small steps run on one thread whatever is set. ConfigError
// below 0. Takes effect at the next call of fit, evaluate or predict.
void set_num_threads(Dim threads);
Index num_threads();

// The instruction sets that this build and this processor share, best first: for example AVX3 (Highway's name of
// AVX-512), AVX2, SSE4, SCALAR.
std::vector<std::string> simd_targets();

// The target that layers built from now on will use. The default is the best one, or the one that the environment
// variable RONDO_TARGET names.
std::string simd_target();

// Chooses a target by name (case does not matter; AVX512 is taken as AVX3). ConfigError for a name that is not in
// simd_targets(). A layer keeps the target it was built with.
void set_simd_target(std::string_view name);

}  // namespace rondo
