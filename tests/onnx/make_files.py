"""Makes the ONNX files of tests/onnx/files/ as other exporters write them, and what ONNX Runtime computes of them.

    python make_files.py

Of each: NAME.onnx, and NAME.x and NAME.y, the sizes in a line, then the numbers. The graphs are written here with the
operators and in the order in which PyTorch and tf2onnx write an LSTM or GRU; time stands where they have it.
"""
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent / "files"
RANDOM = np.random.default_rng(7)


def weight(name, *shape):
    return numpy_helper.from_array(RANDOM.uniform(-0.7, 0.7, shape).astype("float32"), name)


def integers(name, values):
    return numpy_helper.from_array(np.array(values, "int64"), name)


def recurrent(op, name, features, units, directions):
    gates = {"LSTM": 4, "GRU": 3}[op]
    return [weight(f"{name}_W", directions, gates * units, features), weight(f"{name}_R", directions, gates * units, units),
            weight(f"{name}_B", directions, 2 * gates * units)]


def pytorch_lstm():
    """Two layers, the first in both directions, batch first; the last step goes into a Linear."""
    nodes = [
        helper.make_node("Transpose", ["input"], ["x"], name="/lstm/Transpose", perm=[1, 0, 2]),
        helper.make_node("Shape", ["x"], ["sizes"], name="/lstm/Shape"),
        helper.make_node("Constant", [], ["one"], name="/lstm/Constant", value=numpy_helper.from_array(np.array(1, "int64"))),
        helper.make_node("Gather", ["sizes", "one"], ["batch"], name="/lstm/Gather", axis=0),
        helper.make_node("Unsqueeze", ["batch", "axis_0"], ["batch_1"], name="/lstm/Unsqueeze"),
        helper.make_node("Concat", ["directions", "batch_1", "units"], ["state_sizes"], name="/lstm/Concat", axis=0),
        helper.make_node("ConstantOfShape", ["state_sizes"], ["zeros"], name="/lstm/ConstantOfShape",
                         value=numpy_helper.from_array(np.zeros(1, "float32"))),
        helper.make_node("LSTM", ["x", "a_W", "a_R", "a_B", "", "zeros", "zeros"], ["a_y", "a_h", "a_c"], name="/lstm/LSTM",
                         direction="bidirectional", hidden_size=4),
        helper.make_node("Transpose", ["a_y"], ["a_turned"], name="/lstm/Transpose_1", perm=[0, 2, 1, 3]),
        helper.make_node("Reshape", ["a_turned", "joined"], ["a_joined"], name="/lstm/Reshape"),
        helper.make_node("LSTM", ["a_joined", "b_W", "b_R", "b_B"], ["b_y"], name="/lstm/LSTM_1", hidden_size=3),
        helper.make_node("Squeeze", ["b_y", "axis_1"], ["b_squeezed"], name="/lstm/Squeeze"),
        helper.make_node("Transpose", ["b_squeezed"], ["b_turned"], name="/lstm/Transpose_2", perm=[1, 0, 2]),
        helper.make_node("Gather", ["b_turned", "last"], ["step"], name="/Gather", axis=1),
        helper.make_node("Gemm", ["step", "fc.weight", "fc.bias"], ["output"], name="/fc/Gemm", alpha=1.0, beta=1.0, transB=1),
    ]
    constants = [integers("axis_0", [0]), integers("axis_1", [1]), integers("directions", [2]), integers("units", [4]),
                 integers("joined", [0, 0, -1]), integers("last", -1), *recurrent("LSTM", "a", 3, 4, 2),
                 *recurrent("LSTM", "b", 8, 3, 1), weight("fc.weight", 2, 3), weight("fc.bias", 2)]
    return nodes, constants, ["batch", "steps", 3], ["batch", 2], (2, 6, 3), 17


def pytorch_gru():
    """As PyTorch writes it with time in front: GRU, Squeeze, Linear on each step, ReLU."""
    nodes = [
        helper.make_node("GRU", ["input", "g_W", "g_R", "g_B"], ["g_y", "g_h"], name="/gru/GRU", hidden_size=4,
                         linear_before_reset=1),
        helper.make_node("Squeeze", ["g_y", "axis_1"], ["g_squeezed"], name="/gru/Squeeze"),
        helper.make_node("Transpose", ["fc_weight"], ["fc_turned"], name="/fc/Transpose", perm=[1, 0]),
        helper.make_node("MatMul", ["g_squeezed", "fc_turned"], ["product"], name="/fc/MatMul"),
        helper.make_node("Add", ["fc_bias", "product"], ["sum"], name="/fc/Add"),
        helper.make_node("Relu", ["sum"], ["output"], name="/Relu"),
    ]
    constants = [integers("axis_1", [1]), *recurrent("GRU", "g", 3, 4, 1), weight("fc_weight", 2, 4), weight("fc_bias", 2)]
    return nodes, constants, ["steps", "batch", 3], ["steps", "batch", 2], (6, 2, 3), 14


def tensorflow_lstm():
    """As tf2onnx writes Keras's LSTM of opset 9: axes as attributes, the last state squeezed."""
    nodes = [
        helper.make_node("Transpose", ["input"], ["x"], name="model/lstm/transpose", perm=[1, 0, 2]),
        helper.make_node("LSTM", ["x", "k_W", "k_R", "k_B"], ["k_y", "k_h", "k_c"], name="model/lstm/PartitionedCall__12",
                         direction="forward", hidden_size=4),
        helper.make_node("Squeeze", ["k_h"], ["state"], name="model/lstm/Squeeze__13", axes=[0]),
        helper.make_node("MatMul", ["state", "kernel"], ["product"], name="model/dense/MatMul"),
        helper.make_node("Add", ["product", "bias"], ["sum"], name="model/dense/BiasAdd"),
        helper.make_node("Softmax", ["sum"], ["output"], name="model/dense/Softmax", axis=1),
    ]
    constants = [*recurrent("LSTM", "k", 3, 4, 1), weight("kernel", 4, 2), weight("bias", 2)]
    return nodes, constants, ["batch", 6, 3], ["batch", 2], (2, 6, 3), 9


def write(name, nodes, constants, axes, out, sizes, opset):
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, axes)]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, out)]
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"{name}.onnx")
    x = RANDOM.uniform(-1, 1, sizes).astype("float32")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    for end, numbers in {"x": x, "y": session.run(None, {"input": x})[0]}.items():
        text = " ".join(map(str, numbers.shape)) + "\n" + "\n".join(repr(float(v)) for v in numbers.ravel()) + "\n"
        (FOLDER / f"{name}.{end}").write_text(text)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write("pytorch_lstm", *pytorch_lstm())
    write("pytorch_gru", *pytorch_gru())
    write("tensorflow_lstm", *tensorflow_lstm())
