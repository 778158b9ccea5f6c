// How many processors this process may use: the affinity mask of the calling thread and the cgroup's quota.
#pragma once

#include <string>

#include <rondo/shape.hpp>

namespace rondo::engine {

// At least 1. The mask is asked anew each time (0.1 us), since taskset and the host change it; the quota once.
Index available_processors();

// The quota of the innermost limited cgroup that holds this process, rounded up to whole processors; 0 where there is
// none. Both versions of cgroups. `root` stands before /proc and /sys, so that tests can lay out a system of their own.
Index processors_by_cgroup(const std::string& root = "");

}  // namespace rondo::engine
