// How weights stand in memory for the kernels: panels of whole vectors, so that a product reads them in a straight
// line.
//
// Padding (units or outputs that fill up the last vector) is exactly zero and stays so.
#pragma once

#include <algorithm>

#include "core/range.hpp"

namespace rondo::kernels {

// Output columns of a product, cut into groups of up to four vectors of nearly equal width: 5 vectors are 3 + 2.
struct ColumnGroups {
  Index vectors = 0;  // ceil(columns / lanes)

  static constexpr Index kWidest = 4;

  ColumnGroups() = default;
  ColumnGroups(Index columns, Index lanes) : vectors((columns + lanes - 1) / lanes) {}

  Index count() const { return (vectors + kWidest - 1) / kWidest; }
  // First vector of group g; first(count()) is the number of vectors.
  Index first(Index g) const { return g * (vectors / count()) + std::min(g, vectors % count()); }
  Index width(Index g) const { return first(g + 1) - first(g); }
  // The group that holds vector v.
  Index group_of(Index v) const {
    Index g = 0;
    while (first(g + 1) <= v) ++g;
    return g;
  }
};

// LSTM weights: one panel per vector of units. Row k of a panel is 4 vectors, the gates i, f, c, o of those units.
// Rows in order: inputs, recurrent units, and the bias where there is one.
struct LstmLayout {
  Index inputs = 0;
  Index units = 0;
  bool use_bias = true;
  Index lanes = 1;

  Index panels() const { return (units + lanes - 1) / lanes; }
  Index rows() const { return inputs + units + (use_bias ? 1 : 0); }
  Index panel_width() const { return 4 * lanes; }
  Index panel_size() const { return rows() * panel_width(); }
  Index size() const { return panels() * panel_size(); }
  // Units in panel p, without padding.
  Index units_in(Index p) const { return std::min(lanes, units - p * lanes); }

  Index index(Index row, Index gate, Index unit) const {
    return (unit / lanes) * panel_size() + row * panel_width() + gate * lanes + unit % lanes;
  }
};

// Dense weights: one panel per column group. Rows in order: inputs, and the bias where there is one.
struct DenseLayout {
  Index inputs = 0;
  Index units = 0;
  bool use_bias = true;
  Index lanes = 1;

  ColumnGroups groups() const { return {units, lanes}; }
  Index rows() const { return inputs + (use_bias ? 1 : 0); }
  Index size() const { return groups().vectors * lanes * rows(); }
  Index panel_offset(Index group) const { return groups().first(group) * lanes * rows(); }

  Index index(Index row, Index unit) const {
    const ColumnGroups g = groups();
    const Index group = g.group_of(unit / lanes);
    return panel_offset(group) + row * g.width(group) * lanes + (unit - g.first(group) * lanes);
  }
};

}  // namespace rondo::kernels
