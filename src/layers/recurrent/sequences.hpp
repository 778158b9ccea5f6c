// What layers that walk sequences share: rows of states, and words for users.
#pragma once

#include <algorithm>
#include <string>

#include <rondo/error.hpp>

#include "core/range.hpp"
#include "graph/layer_node.hpp"
#include "kernels/rows.hpp"

namespace rondo::layers {

// The first `count` numbers of batch rows of tensors of one step.
template <class T>
void copy_rows(kernels::Rows<const T> from, kernels::Rows<T> to, Range rows, Index count) noexcept {
  for (Index b = rows.begin; b < rows.end; ++b) std::copy_n(from.at(b, 0), count, to.at(b, 0));
}

// The options of all layers that walk a sequence. Unrolling changes no number.
template <class Visitor, class Options>
void sequence_fields(Visitor& v, Options& o) {
  v("return_sequences", o.return_sequences);
  v("return_state", o.return_state);
  v("go_backwards", o.go_backwards);
  v("stateful", o.stateful);
  v.constant("unroll", false);
  v("zero_output_for_mask", o.zero_output_for_mask);
}

template <class Options>
graph::Recurrence recurrence_of(const Options& o) {
  return {o.return_sequences, o.return_state, o.go_backwards, o.stateful, o.zero_output_for_mask};
}

// The options of a copy.
template <class Options>
Options with_recurrence(Options options, const graph::Changes& changes) {
  if (!changes.recurrence) return options;
  const graph::Recurrence& r = *changes.recurrence;
  options.return_sequences = r.return_sequences;
  options.return_state = r.return_state;
  options.go_backwards = r.go_backwards;
  options.stateful = r.stateful;
  options.zero_output_for_mask = r.zero_output_for_mask;
  return options;
}

// LayerNode::output_hint.
inline std::string last_step_hint(bool return_sequences) {
  if (return_sequences) return "";
  return "returns only its last step: give it .return_sequences = true to hand on all of them";
}

// ConfigError for the stream of a layer that goes backwards.
inline void refuse_stream_backwards(const graph::LayerNode& layer, bool go_backwards) {
  if (!go_backwards) return;
  throw ConfigError(layer.where() +
                    " walks time backwards (go_backwards): it cannot be streamed, since it would have to begin with "
                    "the last step");
}

}  // namespace rondo::layers
