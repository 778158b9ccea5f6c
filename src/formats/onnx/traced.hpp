// What stands behind a name of a graph while it is imported.
//
// A tensor that hangs on the inputs is a symbol of Rondo's, (batch, time, features), and what the axes of the graph's
// tensor are among its axes. So a graph's Transpose, Squeeze and Unsqueeze around its LSTMs change a list of numbers,
// and no layer stands for them.
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include <rondo/symbol.hpp>

#include "formats/onnx/messages.hpp"

namespace rondo::onnx {

// Axes that are none of the symbol's: one of size 1, and that of both directions of an operator.
constexpr Index kOne = -1, kDirections = -2;

struct Traced {
  // One; of both directions two, or one where they are side by side along the features. None: its steps are wanted by
  // nobody but for the last one.
  std::vector<Symbol> symbols;
  // For each axis of the graph's tensor that of the symbol, 0 being the batch; or kOne, kDirections.
  std::vector<Index> axes;
  bool backwards = false;           // its last step is the symbol's first
  std::optional<Symbol> last = {};  // of a sequence: its last step

  bool has(Index axis) const;
  // Whether the axes are those of the symbol, one for one.
  bool is_plain() const;
};

// Sizes of axes when the graph runs: those that are not known are below 0, kSizeOfAxis - axis.
constexpr Index kSizeOfAxis = -2;
struct Sizes {
  std::vector<Index> values;
  bool is_scalar = false;
};

// A tensor of one number, whatever its shape.
struct Filled {
  double value = 0;
};

using Item = std::variant<const TensorProto*, Traced, Sizes, Filled>;

}  // namespace rondo::onnx
