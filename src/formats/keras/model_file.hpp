// Models in files that are in memory.
#pragma once

#include <string>

#include <rondo/saving.hpp>

#include "core/atomic_file.hpp"
#include "formats/hdf5/file.hpp"

namespace rondo::keras {

// What load_model does with the bytes of a file; `path` is for messages.
Model load_model(core::Bytes bytes, const std::string& path, const LoadOptions& options = {},
                 const hdf5::ReadOptions& reading = {});

}  // namespace rondo::keras
