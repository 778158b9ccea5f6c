"""ONNX Runtime from Python through IO binding, inputs and outputs standing still: the least that a call costs there.

Modes: infer (LSTM layers under a Gemm), stream (one LSTM step whose states are bound crosswise, so nothing is copied).
"""
from protocol import THREADS, Run, Setup, repeated, serve

import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

FLOAT = TensorProto.FLOAT


class Graph:
    """Collects nodes and weights of one model."""

    def __init__(self):
        self.nodes, self.weights = [], []
        self.random = np.random.default_rng(1)

    def constant(self, name: str, value: np.ndarray) -> str:
        self.weights.append(numpy_helper.from_array(value, name))
        return name

    def uniform(self, name: str, *shape: int) -> str:
        return self.constant(name, (self.random.random(shape, dtype=np.float32) - 0.5) * 0.4)

    def node(self, kind: str, inputs: list[str], outputs: list[str], **attributes) -> str:
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def squeeze(self, x: str, axis: int) -> str:
        """x without the axis of directions, of which there is one."""
        return self.node("Squeeze", [x, self.constant(f"axis of {x}", np.array([axis], np.int64))], [f"squeezed {x}"])

    def lstm(self, x: str, number: int, features: int, units: int, states: list[str]) -> None:
        weights = [self.uniform(f"W{number}", 1, 4 * units, features), self.uniform(f"R{number}", 1, 4 * units, units),
                   self.uniform(f"B{number}", 1, 8 * units)]
        self.node("LSTM", [x, *weights, *states], [f"all{number}", f"h{number}", f"c{number}"], hidden_size=units)

    def model(self, inputs: dict[str, list[int]], outputs: dict[str, list[int]]) -> bytes:
        def describe(values):
            return [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in values.items()]
        graph = helper.make_graph(self.nodes, "lstm", describe(inputs), describe(outputs), self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        checker.check_model(model)
        return model.SerializeToString()


def inference_model(s: Setup) -> bytes:
    graph, x = Graph(), "x"
    for layer in range(s.layers):
        if layer > 0:
            x = graph.squeeze(f"all{layer - 1}", 1)
        graph.lstm(x, layer, s.features if layer == 0 else s.units, s.units, [])
    last = graph.squeeze(f"h{s.layers - 1}", 0)
    graph.node("Gemm", [last, graph.uniform("D", s.units, 1), graph.uniform("d", 1)], ["y"])
    return graph.model({"x": [s.steps, s.batch, s.features]}, {"y": [s.batch, 1]})


def streaming_model(s: Setup) -> bytes:
    graph, state = Graph(), [1, 1, s.units]
    graph.lstm("x", 0, s.features, s.units, ["", "h", "c"])
    return graph.model({"x": [1, 1, s.features], "h": state, "c": state}, {"h0": state, "c0": state})


def session(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = THREADS, 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def values(*shapes: tuple[int, ...]) -> list[onnxruntime.OrtValue]:
    return [onnxruntime.OrtValue.ortvalue_from_numpy(np.full(shape, 0.1, np.float32)) for shape in shapes]


def bound(running: onnxruntime.InferenceSession, inputs: dict, outputs: dict) -> onnxruntime.IOBinding:
    binding = running.io_binding()
    for name, value in inputs.items():
        binding.bind_ortvalue_input(name, value)
    for name, value in outputs.items():
        binding.bind_ortvalue_output(name, value)
    return binding


def make(setup: Setup) -> Run:
    if setup.mode == "infer":
        running = session(inference_model(setup))
        x, y = values((setup.steps, setup.batch, setup.features), (setup.batch, 1))
        binding = bound(running, {"x": x}, {"y": y})
        return repeated(lambda: running.run_with_iobinding(binding))
    if setup.mode == "stream":
        running, state = session(streaming_model(setup)), (1, 1, setup.units)
        x, h, c, h_next, c_next = values((1, 1, setup.features), state, state, state, state)
        there = bound(running, {"x": x, "h": h, "c": c}, {"h0": h_next, "c0": c_next})
        back = bound(running, {"x": x, "h": h_next, "c": c_next}, {"h0": h, "c0": c})
        bindings = [there, back]

        def step() -> None:
            running.run_with_iobinding(bindings[0])
            bindings.reverse()
        return repeated(step)
    raise ValueError(f"no mode {setup.mode!r}")


serve(make)
