// Stored elements as numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "formats/hdf5/datatype.hpp"
#include "formats/hdf5/image.hpp"

namespace rondo::hdf5 {

// FileError where such elements do not become numbers of this type: floating-point numbers would lose their fraction.
void check_numbers(const Place& place, const Datatype& type, bool to_integers);

// to.size() elements. FileError for an integer that does not fit.
void convert(const Place& place, const Datatype& type, std::span<const std::byte> from, std::span<float> to);
void convert(const Place& place, const Datatype& type, std::span<const std::byte> from, std::span<double> to);
void convert(const Place& place, const Datatype& type, std::span<const std::byte> from, std::span<std::int64_t> to);

}  // namespace rondo::hdf5
