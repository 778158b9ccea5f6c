// How weights stand in memory for the kernels: panels of whole vectors, so that a product reads them in a straight
// line. In every panel the bias row comes first, where there is one: it is where the sums begin.
//
// Padding (units or outputs that fill up the last vector) is exactly zero and stays so.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "core/range.hpp"

namespace rondo::kernels {

// Output columns of a product, cut into groups of up to four vectors of nearly equal width: 5 vectors are 3 + 2.
struct ColumnGroups {
  Index vectors = 0;  // ceil(columns / lanes)

  static constexpr Index kWidest = 4;

  ColumnGroups() = default;
  ColumnGroups(Index columns, Index lanes)  // lanes are a power of 2: a shift, as divisions show in tiny steps
      : vectors((columns + lanes - 1) >> std::countr_zero(static_cast<std::size_t>(lanes))) {}

  Index count() const { return (vectors + kWidest - 1) / kWidest; }
  // First vector of group g; first(count()) is the number of vectors.
  Index first(Index g) const {
    if (vectors <= kWidest) return g * vectors;  // a single group
    return g * (vectors / count()) + std::min(g, vectors % count());
  }
  Index width(Index g) const { return first(g + 1) - first(g); }
  // The group that holds vector v. Wider groups come first.
  Index group_of(Index v) const {
    if (vectors <= kWidest) return 0;
    const Index narrow = vectors / count(), wider = vectors % count(), in_wider = wider * (narrow + 1);
    return v < in_wider ? v / (narrow + 1) : wider + (v - in_wider) / narrow;
  }
};

// What a recurrent layer computes in a step. The two GRUs apply the reset gate behind the product of the recurrent
// kernel (Keras's default) or before it.
enum class RecurrentCell { lstm, gru, gru_reset_before };
constexpr Index gates_of(RecurrentCell cell) { return cell == RecurrentCell::lstm ? 4 : 3; }
constexpr Index states_of(RecurrentCell cell) { return cell == RecurrentCell::lstm ? 2 : 1; }  // h, c; h

// Weights of a recurrent layer: panels of units. A row of a panel holds the gates of its units, one gate after the
// other. Rows in order: the bias where there is one, inputs, then what goes with the state: the recurrent bias where
// the cell has one, recurrent units.
//
//   LSTM  every row [i f c o]
//   GRU   rows of the inputs [h z r], rows of the state [z r h]
//
// A product adds to sums in a record of four vectors to the row, in which its gates stand side by side: those of an
// LSTM all, those of a GRU [h z r] of the inputs and, one vector on, [z r h] of the state. For z and r are one sum of
// both, but the candidate's two parts meet in the cell alone.
//
//   LSTM  i  f  c  o             GRU   h of x   z   r   h of the state
//
// A panel takes one vector of units (`lanes`). Units left over at the end take narrower panels, a half vector or a
// quarter of one to the gate, which in an LSTM's four gates are two whole vectors or one:
//
//   lanes 16, units 50:  |  16  |  16  |  16  |4|      13 vectors to a row of weights; four whole panels were 16
//   lanes 16, units 26:  |  16  |   8   |4|             7 vectors instead of 8
//
// Two narrow panels alone are not worth it: a layer of 9 to 12 units has one whole panel, and half the calls. Nor are
// they in a GRU, whose three gates do not fill vectors together.
class RecurrentLayout {
 public:
  RecurrentLayout() = default;
  RecurrentLayout(RecurrentCell cell, Index inputs, Index units, bool use_bias, Index lanes);

  RecurrentCell cell() const { return cell_; }
  bool is_lstm() const { return cell_ == RecurrentCell::lstm; }
  Index gates() const { return gates_; }
  Index inputs() const { return inputs_; }
  Index units() const { return units_; }
  bool use_bias() const { return use_bias_; }
  bool use_recurrent_bias() const { return use_bias_ && cell_ == RecurrentCell::gru; }
  Index lanes() const { return lanes_; }

  Index first_input() const { return use_bias_ ? 1 : 0; }           // row of the first input
  Index first_of_state() const { return first_input() + inputs_; }  // the first row that goes with the state
  Index first_recurrent() const { return first_recurrent_; }        // row of the first recurrent unit
  Index rows() const { return first_recurrent() + units_; }

  Index whole_panels() const { return whole_panels_; }
  Index panels() const { return whole_panels_ + narrow_panels_; }
  Index padded_units() const { return padded_units_; }
  Index size() const { return rows() * gates_ * padded_units_; }

  Index panel_lanes(Index p) const { return p < whole_panels_ ? lanes_ : narrow_[narrow_number(p)]; }
  Index panel_width(Index p) const { return gates_ * panel_lanes(p); }  // of a row of weights
  Index first_unit(Index p) const { return p <= whole_panels_ ? p * lanes_ : whole_panels_ * lanes_ + narrow_[0]; }
  // Units in panel p, without padding.
  Index units_in(Index p) const { return std::min(panel_lanes(p), units_ - first_unit(p)); }
  Index panel_offset(Index p) const { return first_unit(p) * gates_ * rows(); }

  // Where one weight stands, by Keras's number of its gate. Not for inner loops.
  Index index(Index row, Index gate, Index unit) const;

 private:
  std::size_t narrow_number(Index p) const { return static_cast<std::size_t>(p - whole_panels_); }

  RecurrentCell cell_ = RecurrentCell::lstm;
  Index gates_ = 4;
  Index inputs_ = 0, units_ = 0, lanes_ = 1;
  bool use_bias_ = true;
  Index first_recurrent_ = 0;
  Index whole_panels_ = 0, narrow_panels_ = 0, padded_units_ = 0;
  std::array<Index, 2> narrow_{};  // lanes of the narrow panels, the wider one first
};

inline RecurrentLayout::RecurrentLayout(RecurrentCell cell, Index inputs, Index units, bool use_bias, Index lanes)
    : cell_(cell),
      gates_(gates_of(cell)),
      inputs_(inputs),
      units_(units),
      lanes_(lanes),
      use_bias_(use_bias),
      first_recurrent_(first_of_state() + (use_recurrent_bias() ? 1 : 0)),
      whole_panels_(units / lanes) {
  const auto add_narrow = [this](Index panel_lanes) {
    narrow_[static_cast<std::size_t>(narrow_panels_++)] = panel_lanes;
  };
  Index rest = units % lanes;
  const Index half = lanes / 2, quarter = lanes / 4;
  const bool takes_two = is_lstm() && whole_panels_ > 0;
  if (rest > (takes_two ? half + quarter : half)) {
    ++whole_panels_;
    rest = 0;
  }
  if (rest > quarter) {
    add_narrow(half);
    rest -= half;
  }
  if (rest > 0) add_narrow(quarter);
  padded_units_ = whole_panels_ * lanes + narrow_[0] + narrow_[1];
}

inline Index RecurrentLayout::index(Index row, Index gate, Index unit) const {
  Index p = std::min(unit / lanes_, panels() - 1);
  while (first_unit(p) + panel_lanes(p) <= unit) ++p;
  const Index place = is_lstm() || row >= first_of_state() ? gate : (gate + 1) % 3;
  return panel_offset(p) + row * panel_width(p) + place * panel_lanes(p) + (unit - first_unit(p));
}

// Dense weights: one panel per column group. Rows in order: the bias where there is one, inputs. Few units stand in the
// narrowest vector that holds them: with one unit, an optimizer has a sixteenth of the numbers to update.
struct DenseLayout {
  Index inputs = 0;
  Index units = 0;
  bool use_bias = true;
  Index lanes = 1;  // of the target's vector

  Index panel_lanes() const {
    return std::min(lanes, static_cast<Index>(std::bit_ceil(static_cast<std::size_t>(units))));
  }
  ColumnGroups groups() const { return {units, panel_lanes()}; }
  Index first_input() const { return use_bias ? 1 : 0; }
  Index rows() const { return first_input() + inputs; }
  Index size() const { return groups().vectors * panel_lanes() * rows(); }
  Index panel_offset(Index group) const { return groups().first(group) * panel_lanes() * rows(); }

  // A single column: transposed it stands just so.
  bool is_own_transpose() const { return units == 1; }

  // Where one weight stands. Not for inner loops.
  Index index(Index row, Index unit) const {
    const ColumnGroups g = groups();
    const Index group = g.group_of(unit / panel_lanes());
    return panel_offset(group) + row * g.width(group) * panel_lanes() + (unit - g.first(group) * panel_lanes());
  }
};

}  // namespace rondo::kernels
