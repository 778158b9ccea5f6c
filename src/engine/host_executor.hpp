// The host program's threads, when it has given some (rondo::set_executor).
#pragma once

#include <memory>

#include <rondo/compute.hpp>

namespace rondo::engine {

// Null while Rondo's own pool is in use. Takes no lock then.
std::shared_ptr<ParallelExecutor> host_executor();

}  // namespace rondo::engine
