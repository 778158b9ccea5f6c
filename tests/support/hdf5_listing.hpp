// All that is in an HDF5 file, as lines of text.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "formats/hdf5/file.hpp"

namespace rondo::test {

std::vector<std::byte> bytes_of_file(const std::string& path);

// As tools/golden_hdf5.py makes it with h5py. What throws a FileError is "refused"; its text follows where
// `with_errors` is set. Ends after 5000 objects (a group may contain itself), and leaves the numbers out where there
// are more than a million.
std::string hdf5_listing(const hdf5::File& file, bool with_errors = false);

}  // namespace rondo::test
