#include "formats/onnx/operators.hpp"

#include <array>
#include <string_view>

#include <rondo/error.hpp>

#include "core/names.hpp"

namespace rondo::onnx {

namespace {

struct KnownOperator {
  std::string_view op;
  void (*read)(const Node&);
};

// To add an operator: its function in a file of operators/, and a line here.
constexpr std::array kKnownOperators = {
    KnownOperator{"Add", import_add},
    KnownOperator{"BatchNormalization", import_batch_normalization},
    KnownOperator{"Cast", import_identity},
    KnownOperator{"Clip", import_clip},
    KnownOperator{"Concat", import_concat},
    KnownOperator{"Constant", import_constant},
    KnownOperator{"ConstantOfShape", import_constant_of_shape},
    KnownOperator{"Dropout", import_dropout},
    KnownOperator{"Elu", import_activation},
    KnownOperator{"Exp", import_activation},
    KnownOperator{"Expand", import_expand},
    KnownOperator{"Flatten", import_flatten},
    KnownOperator{"GRU", import_recurrent},
    KnownOperator{"Gather", import_gather},
    KnownOperator{"Gelu", import_activation},
    KnownOperator{"Gemm", import_gemm},
    KnownOperator{"HardSigmoid", import_activation},
    KnownOperator{"HardSwish", import_activation},
    KnownOperator{"Identity", import_identity},
    KnownOperator{"LSTM", import_recurrent},
    KnownOperator{"LeakyRelu", import_activation},
    KnownOperator{"LogSoftmax", import_activation},
    KnownOperator{"MatMul", import_matmul},
    KnownOperator{"Mish", import_activation},
    KnownOperator{"Relu", import_activation},
    KnownOperator{"Reshape", import_reshape},
    KnownOperator{"Selu", import_activation},
    KnownOperator{"Shape", import_shape},
    KnownOperator{"Shrink", import_activation},
    KnownOperator{"Sigmoid", import_activation},
    KnownOperator{"Slice", import_slice},
    KnownOperator{"Softmax", import_activation},
    KnownOperator{"Softplus", import_activation},
    KnownOperator{"Softsign", import_activation},
    KnownOperator{"Split", import_split},
    KnownOperator{"Squeeze", import_squeeze},
    KnownOperator{"Tanh", import_activation},
    KnownOperator{"ThresholdedRelu", import_activation},
    KnownOperator{"Transpose", import_transpose},
    KnownOperator{"Unsqueeze", import_unsqueeze},
};

std::string known_operators() {
  std::vector<std::string> names;
  for (const KnownOperator& known : kKnownOperators) names.emplace_back(known.op);
  return quoted_list(names);
}

}  // namespace

void import_operator(const Node& node) {
  const std::string& domain = node.proto().domain;
  if (domain.empty() || domain == "ai.onnx") {
    for (const KnownOperator& known : kKnownOperators) {
      if (known.op == node.op()) return known.read(node);
    }
  }
  if (node.op() == "RNN") node.fail("would be a SimpleRNN, which Rondo does not have");
  node.fail("is of no operator that is read" + (domain.empty() ? "" : " ('" + domain + "')") +
            "; those are: " + known_operators());
}

}  // namespace rondo::onnx
