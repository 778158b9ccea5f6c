// How many elements a data set or attribute has along each axis.
#pragma once

#include <vector>

#include <rondo/shape.hpp>

namespace rondo::hdf5 {

class Cursor;

struct Dataspace {
  static constexpr Index kUnlimited = INT64_MAX;

  Shape shape;                 // () for a scalar, (0,) where there is nothing at all
  std::vector<Index> largest;  // how far each axis may grow
};

Dataspace read_dataspace(Cursor& cursor);

}  // namespace rondo::hdf5
