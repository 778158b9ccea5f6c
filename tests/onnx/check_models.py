"""Compares Rondo with ONNX's checker, ONNX Runtime and ONNX's own tests.

    python check_models.py FOLDER RUN_ONNX_MODEL

FOLDER holds what write_models.cpp has written; RUN_ONNX_MODEL is the program of run_model.cpp.
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx.backend.test.case.node import collect_testcases
from onnx.reference import ReferenceEvaluator

NEAR = 1e-5


def tensor(path: Path, dtype="float32") -> np.ndarray:
    shape, numbers = path.read_text().split("\n", 1)
    return np.array(numbers.split(), dtype).reshape([int(size) for size in shape.split()])


def tensors(folder: Path, batch: str, kind: str, dtype="float32") -> list[np.ndarray]:
    return [tensor(folder / f"{batch}.{kind}{i}", dtype) for i in range(9) if (folder / f"{batch}.{kind}{i}").exists()]


def distance(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """The largest between numbers of two lists of arrays; infinite where their shapes differ."""
    if len(a) != len(b) or any(x.shape != y.shape for x, y in zip(a, b)):
        return float("inf")
    return max(float(np.max(np.abs(x - y), initial=0)) for x, y in zip(a, b))


class Runner:
    """A model in ONNX Runtime, or for doubles, which its LSTM does not take, in the evaluator of ONNX itself."""

    def __init__(self, path: Path):
        model = onnx.load(path)
        onnx.checker.check_model(model, full_check=True)
        self.names = [value.name for value in model.graph.input]
        self.outputs = [value.name for value in model.graph.output]
        is_double = model.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.DOUBLE
        self.dtype = "float64" if is_double else "float32"
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.runtime = None if is_double else onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        self.evaluator = ReferenceEvaluator(model) if is_double else None

    def __call__(self, inputs: list[np.ndarray]) -> list[np.ndarray]:
        feed = dict(zip(self.names, inputs, strict=True))
        return self.runtime.run(None, feed) if self.runtime else self.evaluator.run(None, feed)


def step_by_step(run: Runner, x: np.ndarray, states: list[np.ndarray]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Sequences one step after the other, each from the states that the one before has left."""
    steps = []
    for t in range(x.shape[1]):
        y, *states = run([x[:, t:t + 1], *states])
        steps.append(y)
    return np.concatenate(steps, axis=1), states


def distance_with_states(run: Runner, x: np.ndarray, expected: list[np.ndarray]) -> float:
    sizes = [value.shape[1] for value in run.runtime.get_inputs()[1:]]
    zeros = [np.zeros((x.shape[0], size), run.dtype) for size in sizes]
    y, *last = run([x, *zeros])
    stepped, last_stepped = step_by_step(run, x, zeros)
    return max(distance([y], expected), distance([stepped, *last_stepped], [y, *last]))


def check_exported(folder: Path) -> bool:
    """Every model of the folder on every batch."""
    good, worst = True, ("", 0.0)
    models = sorted(folder.glob("*.onnx"))
    for path in models:
        run = Runner(path)
        distances = []
        for batch in sorted({file.name.rsplit(".", 1)[0] for file in folder.glob(f"{path.stem}.[0-9]*.x0")}):
            x, y = tensors(folder, batch, "x", run.dtype), tensors(folder, batch, "y", run.dtype)
            lengths = tensors(folder, batch, "l", "int32")
            if path.stem.startswith("states_"):
                distances.append(distance_with_states(run, x[0], y))
            else:
                distances.append(distance(run([*x, *lengths]), y))
        far = max(distances, default=float("inf"))
        good = good and far < NEAR
        worst = max(worst, (path.stem, far), key=lambda entry: entry[1])
        print(f"{path.stem:40} {len(distances)} batches {far:.1e} {'' if far < NEAR else 'TOO FAR'}")
    print(f"ONNX Runtime {onnxruntime.__version__}: {len(models)} models, at most {worst[1]:.1e} ({worst[0]})")
    return good and len(models) > 0


def imported(program: str, model: Path, output: str, inputs: list[np.ndarray]) -> list[np.ndarray] | str:
    """What Rondo makes of a file: its outputs, or why not."""
    folder = model.parent
    paths = []
    for i, x in enumerate(inputs):
        paths.append(str(folder / f"{model.stem}.in{i}.npy"))
        np.save(paths[-1], np.ascontiguousarray(x))
    made = subprocess.run([program, str(model), str(folder / output), *paths], capture_output=True, text=True, check=False)
    if made.returncode == 2:
        return made.stdout.strip()
    if made.returncode != 0:
        return f"ended with {made.returncode}: {made.stderr}"
    return [tensor(folder / f"{output}{i}") for i in range(9) if (folder / f"{output}{i}").exists()]


def check_back(folder: Path, program: str) -> bool:
    """What Rondo has written it reads again."""
    good, read = True, 0
    for path in sorted(folder.glob("*.onnx")):
        batch = f"{path.stem}.0"
        if path.stem.startswith(("states_", "lengths_")):
            continue
        x, y = tensors(folder, batch, "x"), tensors(folder, batch, "y")
        made = imported(program, path, f"{batch}.again", x)
        if isinstance(made, str):
            expected = path.stem in NOT_READ
            good = good and expected
            print(f"{path.stem:40} {'is refused, as expected' if expected else 'REFUSED'}: {made[made.find(': ') + 2:][:110]}")
            continue
        read += 1
        far = distance(made, y)
        good = good and far < NEAR
        if far >= NEAR:
            print(f"{path.stem:40} {far:.1e} TOO FAR after import")
    print(f"{read} of them are read again")
    return good


# Forms that export writes and import has no layer for: parts of formulas, products of both directions, rows of time steps.
NOT_READ = {"activation_sparsemax", "activation_on_steps", "bidirectional_backwards", "bidirectional_lstm_ave",
            "bidirectional_lstm_ave_sequences", "bidirectional_lstm_mul", "bidirectional_lstm_mul_sequences",
            "bidirectional_unlike", "days_of_hours", "weeks"}


def keras_form(name: str, value: np.ndarray, batch_first: bool) -> np.ndarray:
    """An output of an operator as Rondo returns it: (batch, time, directions * units)."""
    if name.endswith(("Y_h", "Y_c")):
        value = value if batch_first else value.transpose(1, 0, 2)
        return value.reshape(value.shape[0], -1)
    value = value if batch_first else value.transpose(2, 0, 1, 3)
    return value.reshape(*value.shape[:2], -1)


def with_weights_inside(model: onnx.ModelProto, inputs: list[np.ndarray]) -> onnx.ModelProto:
    """The model with x as its only input."""
    inside = onnx.ModelProto()
    inside.CopyFrom(model)
    for value, numbers in list(zip(inside.graph.input, inputs))[1:]:
        inside.graph.initializer.append(onnx.numpy_helper.from_array(numbers, value.name))
    del inside.graph.input[1:]
    return inside


REFUSED = {"simple_rnn": "SimpleRNN", "rnn_seq_length": "SimpleRNN", "peepholes": "peepholes", "gru_reverse": "backwards"}


def check_node_tests(program: str) -> bool:
    """ONNX's tests of its recurrent operators."""
    good, passed, refused = True, 0, 0
    with np.errstate(all="ignore"):  # of other operators
        all_cases = collect_testcases("")
    cases = [case for case in all_cases if case.name.startswith(("test_lstm", "test_gru", "test_simple_rnn", "test_rnn"))]
    for case in cases:
        inputs, outputs = case.data_sets[0]
        node = case.model.graph.node[0]
        batch_first = any(a.name == "layout" and a.i == 1 for a in node.attribute)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            onnx.save(with_weights_inside(case.model, inputs), path)
            x = inputs[0] if batch_first else inputs[0].transpose(1, 0, 2)
            made = imported(program, path, "out", [x])
        names = [value.name for value in case.model.graph.output]
        expected = [keras_form(name, value, batch_first) for name, value in zip(names, outputs)]
        reason = next((text for part, text in REFUSED.items() if part in case.name), None)
        if isinstance(made, str):
            ok = reason is not None and reason in made
            refused += ok
            print(f"{case.name:40} {'is refused, as expected' if ok else 'REFUSED'}: {made[made.find(': ') + 2:][:110]}")
        else:
            far = distance(made, expected)
            ok = reason is None and far < NEAR
            passed += ok
            print(f"{case.name:40} {far:.1e} {'' if ok else 'TOO FAR, or should be refused'}")
        good = good and ok
    print(f"ONNX {onnx.__version__}: {passed} of its tests pass, {refused} are refused by name, of {len(cases)}")
    return good and passed > 0


def main(folder: Path, program: str) -> bool:
    return all([check_exported(folder), check_back(folder, program), check_node_tests(program)])


if __name__ == "__main__":
    sys.exit(0 if main(Path(sys.argv[1]), sys.argv[2]) else 1)
