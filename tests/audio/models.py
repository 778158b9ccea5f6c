"""Files of RTNeural and of the Neural Amp Modeler, written and computed by the rules of these formats, with NumPy alone.

    python models.py write                 writes rtneural.json, amp.nam, an input for each, and what comes out
    python models.py rtneural FILE X Y     computes FILE on the array X.npy and compares with Y.npy
    python models.py nam FILE X Y          the same; FILE is a .nam file

Everything is in the folder where it is started.
"""
import json
import sys

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


ACTIVATIONS = {
    "": lambda x: x,
    "tanh": np.tanh,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": sigmoid,
    "softmax": softmax,
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
}


def lstm_step(z, c):
    i, f, g, o = np.split(z, 4, axis=-1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


class RtLayer:
    """A layer of RTNeural, with its state, on one sample of many sequences at a time."""

    def __init__(self, layer):
        self.type, self.activation = layer["type"], ACTIVATIONS[layer.get("activation", "")]
        self.weights = [np.array(weight, float) for weight in layer["weights"]]
        self.units, self.epsilon = layer["shape"][-1], layer.get("epsilon", 0)
        self.h = self.c = 0.0

    def step(self, x):
        if self.type in ("dense", "time-distributed-dense"):
            return self.activation(x @ self.weights[0] + self.weights[1])
        if self.type == "activation":
            return self.activation(x)
        if self.type == "batchnorm":
            gamma, beta = self.weights[:2] if len(self.weights) == 4 else (1, 0)
            mean, variance = self.weights[-2:]
            return gamma * (x - mean) / np.sqrt(variance + self.epsilon) + beta
        w, u, b = self.weights
        h = np.zeros((len(x), self.units)) + self.h
        if self.type == "lstm":
            self.h, self.c = lstm_step(x @ w + h @ u + b, self.c)
            return self.h
        assert self.type == "gru", self.type
        inputs, states = np.split(x @ w + b[0], 3, axis=-1), np.split(h @ u + b[1], 3, axis=-1)
        z, r = sigmoid(inputs[0] + states[0]), sigmoid(inputs[1] + states[1])
        self.h = (1 - z) * np.tanh(inputs[2] + r * states[2]) + z * h
        return self.h


def run_rtneural(model, x):
    layers = [RtLayer(layer) for layer in model["layers"]]
    outputs = []
    for t in range(x.shape[1]):
        y = x[:, t]
        for layer in layers:
            y = layer.step(y)
        outputs.append(y)
    return np.stack(outputs, 1)


def run_nam(model, x, from_zeros):
    size, hidden, layers = (model["config"][key] for key in ("input_size", "hidden_size", "num_layers"))
    flat = np.array(model["weights"], float)

    def take(*shape):
        nonlocal flat
        taken, flat = flat[:np.prod(shape)].reshape(shape), flat[np.prod(shape):]
        return taken

    cells = [[take(4 * hidden, (size if i == 0 else hidden) + hidden), take(4 * hidden), take(hidden), take(hidden)]
             for i in range(layers)]
    head, bias = take(hidden), take(1)
    assert flat.size == 0, f"{flat.size} weights are left"
    states = [[np.tile(h * (not from_zeros), (len(x), 1)), np.tile(c * (not from_zeros), (len(x), 1))]
              for _, _, h, c in cells]
    outputs = []
    for t in range(x.shape[1]):
        y = x[:, t]
        for state, (w, b, _, _) in zip(states, cells):
            state[0], state[1] = lstm_step(np.concatenate([y, state[0]], 1) @ w.T + b, state[1])
            y = state[0]
        outputs.append(y @ head[:, None] + bias)
    return np.stack(outputs, 1)


def write():
    draw = np.random.default_rng(1)

    def some(*shape):
        return draw.normal(0, 0.5, shape).astype(np.float32).tolist()

    def layer(kind, units, weights, activation="", **more):
        return {"type": kind, "activation": activation, "shape": [None, None, units], **more, "weights": weights}

    rtneural = {
        "in_shape": [None, None, 2],
        "layers": [
            layer("time-distributed-dense", 3, [some(2, 3), some(3)], "elu"),
            layer("lstm", 4, [some(3, 16), some(4, 16), some(16)], "tanh"),
            layer("batchnorm", 4, [some(4), some(4), some(4), np.abs(some(4)).tolist()], epsilon=0.01),
            layer("gru", 5, [some(4, 15), some(5, 15), some(2, 15)], "tanh"),
            layer("batchnorm", 5, [some(5), np.abs(some(5)).tolist()], epsilon=0.001),
            layer("dense", 3, [some(5, 3), some(3)], "relu"),
            layer("activation", 3, [], "softmax"),
            layer("dense", 2, [some(3, 2), some(2)]),
        ],
    }
    json.dump(rtneural, open("rtneural.json", "w"), indent=4)
    x = draw.normal(size=(3, 7, 2)).astype(np.float32)
    np.savez("rtneural.npz", x=x, y=run_rtneural(rtneural, x))

    cells = [[some(16, 1 + 4), some(16), some(4), some(4)], [some(16, 8), some(16), some(4), some(4)]]
    flat = np.concatenate([np.ravel(part) for cell in cells for part in cell] + [some(4), some(1)])
    nam = {
        "version": "0.5.4",
        "metadata": {"date": {"year": 2024}, "loudness": -20.5, "name": None},
        "architecture": "LSTM",
        "config": {"input_size": 1, "hidden_size": 4, "num_layers": 2},
        "weights": flat.tolist(),
        "sample_rate": 48000,
    }
    json.dump(nam, open("amp.nam", "w"))
    x = draw.normal(size=(2, 9, 1)).astype(np.float32)
    np.savez("amp.npz", x=x, from_zeros=run_nam(nam, x, True), y=run_nam(nam, x, False))


def main(kind, file=None, x=None, y=None):
    if kind == "write":
        return write()
    model, x, y = json.load(open(file)), np.load(x), np.load(y)
    if kind == "nam":
        assert model["version"].startswith("0.5.") and model["architecture"] == "LSTM", model
        assert set(model["config"]) == {"input_size", "hidden_size", "num_layers"}, model["config"]
        result = run_nam(model, x, from_zeros=False)
    else:
        assert [size if size else 0 for size in model["in_shape"]][-1] == x.shape[-1], model["in_shape"]
        result = run_rtneural(model, x)
    if y.ndim == 2:  # the last step alone
        result = result[:, -1]
    distance = np.abs(result - y).max()
    assert result.shape == y.shape and distance < 1e-5, (result.shape, y.shape, distance)


if __name__ == "__main__":
    main(*sys.argv[1:])
