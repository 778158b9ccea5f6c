"""Asks real TensorBoard what it sees in the logs of tests/tensorboard/write_logs.cpp.

    python read_logs.py FOLDER

Once through its library, number by number, and once through the running server with its fast reader of logs, which checks
every record's check sum.
"""
import json
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import numpy as np
from tensorboard import program
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.graph import keras_util
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.util import tensor_util

LAYERS = {
    "row": ["row/input_layer", "row/lstm", "row/dropout", "row/gru", "row/dense"],
    "graph": ["graph/in", "graph/sequence", "graph/sum", "graph/last", "graph/out"],
}
EDGES = {"row/lstm": ["row/input_layer"], "row/dense": ["row/gru"], "graph/sum": ["graph/sequence", "graph/in"]}
wrong = 0


def check(holds, what):
    global wrong
    if not holds:
        wrong += 1
        print("WRONG:", what)


class Log:
    """What the library reads in a folder."""

    def __init__(self, folder):
        self.events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
        self.tags = set(self.events.Tags()["tensors"])

    def plugin(self, tag):
        return self.events.SummaryMetadata(tag).plugin_data.plugin_name

    def points(self, tag):
        return [(event.step, tensor_util.make_ndarray(event.tensor_proto)) for event in self.events.Tensors(tag)]

    def curve(self, tag):
        check(self.plugin(tag) == "scalars", f"{tag} belongs to {self.plugin(tag)}")
        return [(step, float(value)) for step, value in self.points(tag)]


def check_run(folder):
    name = folder.name
    history = json.loads((folder / "history.json").read_text())
    train, validation = Log(folder / "train"), Log(folder / "validation")
    for key, values in history.items():
        expected = [(epoch, float(np.float32(value))) for epoch, value in enumerate(values)]
        log, tag = (validation, key[4:]) if key.startswith("val_") else (train, key)
        check(log.curve(f"epoch_{tag}") == expected, f"{name}: epoch_{tag} of {key}")
    epochs = len(history["loss"])
    check([step for step, _ in train.curve("epoch_learning_rate")] == list(range(epochs)), f"{name}: learning rate")
    check([step for step, _ in train.curve("batch_loss")] == list(range(2, 8 * epochs + 1, 2)), f"{name}: batch_loss")
    check(all(value > 0 for _, value in train.curve("epoch_steps_per_second")), f"{name}: steps per second")
    check([step for step, _ in validation.curve("evaluation_loss_vs_iterations")] == [8 * (i + 1) for i in range(epochs)],
          f"{name}: evaluation_loss_vs_iterations")

    weights = np.load(folder / "weights.npz")
    for path in weights.files:
        tag = f"{path}/histogram"
        check(train.plugin(tag) == "histograms", f"{tag} belongs to {train.plugin(tag)}")
        steps, buckets = zip(*train.points(tag))
        check(steps == (0, epochs - 1), f"{tag} at {steps}")
        expected = tensor_util.make_ndarray(histogram_pb("x", weights[path]).value[0].tensor)
        check((buckets[-1][:, 2] == expected[:, 2]).all(), f"{tag}: other counts")
        check(np.allclose(buckets[-1], expected, rtol=1e-12, atol=1e-15), f"{tag}: other edges")

    check(train.plugin("keras") == "graph_keras_model", f"{name}: the graph")
    graph = keras_util.keras_model_to_graph_def(json.loads(train.points("keras")[0][1].item()))
    check([node.name for node in graph.node] == LAYERS[name], f"{name}: layers {[node.name for node in graph.node]}")
    for node in graph.node:
        if node.name in EDGES:
            check(list(node.input) == EDGES[node.name], f"{node.name} reads {list(node.input)}")
    print(f"{name}: {len(train.tags)} tags of training, {len(validation.tags)} of validation, {len(weights.files)} weights")


def check_server(folder):
    board = program.TensorBoard()
    board.configure(argv=["tensorboard", "--logdir", str(folder), "--port", "0", "--load_fast", "true"])
    url = board.launch()

    def get(route, **arguments):
        query = urllib.parse.urlencode(arguments)
        with urllib.request.urlopen(f"{url}data/plugin/{route}?{query}", timeout=20) as answer:
            return answer.read()

    tags = {}
    for _ in range(60):
        tags = json.loads(get("scalars/tags"))
        if {"row/train", "row/validation", "graph/train", "graph/validation"} <= tags.keys():
            break
        time.sleep(0.5)
    check("epoch_loss" in tags.get("row/train", {}), f"the server's curves: {tags}")
    history = json.loads((folder / "row" / "history.json").read_text())
    curve = json.loads(get("scalars/scalars", run="row/train", tag="epoch_loss"))
    check([(step, value) for _, step, value in curve] == [(i, float(np.float32(v))) for i, v in enumerate(history["loss"])],
          f"the server's epoch_loss: {curve}")
    histograms = json.loads(get("histograms/tags"))
    check(any(tag.endswith("/histogram") for tag in histograms.get("graph/train", {})), "the server's histograms")
    info = json.loads(get("graphs/info"))
    for name in LAYERS:
        tag = info.get(f"{name}/train", {}).get("tags", {}).get("keras", {})
        check(tag.get("conceptual_graph"), f"the server's graph of {name}")
        text = get("graphs/graph", run=f"{name}/train", tag="keras", conceptual="true").decode()
        check(all(f'"{layer}"' in text for layer in LAYERS[name]), f"the server's layers of {name}")
    print(f"{len(tags)} runs in the server")


def main(folder):
    runs = sorted(path.parent for path in folder.glob("*/history.json"))
    check([run.name for run in runs] == ["graph", "row"], f"runs {runs}")
    for run in runs:
        check_run(run)
    check_server(folder)
    print("TensorBoard sees all" if wrong == 0 else f"{wrong} wrong")
    return wrong == 0


if __name__ == "__main__":
    sys.exit(0 if main(Path(sys.argv[1])) else 1)
