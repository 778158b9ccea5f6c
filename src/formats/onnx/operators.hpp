// The operators that are read. Each is a function in a file of operators/ that makes layers of a node, or reads it as
// what it does to axes and sizes.
#pragma once

#include <cmath>
#include <optional>

#include <rondo/activations.hpp>

#include "formats/onnx/import.hpp"

namespace rondo::onnx {

// A node by the function of its operator. FileError, naming both, for one that is not known.
void import_operator(const Node& node);
// The last node of a formula.
void import_formula(const Node& node, const Composites::Found& formula);

// ---- activations, of operators and inside LSTM and GRU
// ---------------------------------------------------------------

// Files hold floats.
inline bool is_near(double a, double b) { return std::abs(a - b) < 1e-6; }

ActivationFn elu_of(double alpha);
ActivationFn leaky_relu_of(double alpha);
std::optional<ActivationFn> hard_sigmoid_of(double alpha, double beta);  // none for other numbers than Keras's

// ---- operators/ -----------------------------------------------------------------------------------------------------

void import_activation(const Node& node);  // of one operator
void import_add(const Node& node);
void import_batch_normalization(const Node& node);
void import_clip(const Node& node);
void import_concat(const Node& node);
void import_constant(const Node& node);
void import_constant_of_shape(const Node& node);
void import_dropout(const Node& node);
void import_expand(const Node& node);
void import_flatten(const Node& node);
void import_gather(const Node& node);
void import_gemm(const Node& node);
void import_identity(const Node& node);
void import_matmul(const Node& node);
void import_recurrent(const Node& node);  // LSTM, GRU
void import_reshape(const Node& node);
void import_shape(const Node& node);
void import_slice(const Node& node);
void import_split(const Node& node);
void import_squeeze(const Node& node);
void import_transpose(const Node& node);
void import_unsqueeze(const Node& node);

}  // namespace rondo::onnx
