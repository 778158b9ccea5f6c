"""Writes the models of this folder, and troubles.json with what Keras predicts from them.

    KERAS_BACKEND=jax python make.py FOLDER

What users of other readers of Keras's files met with (tests/keras_troubles_test.cpp), where no other golden file has
it. Each archive is packed again, deflated and without dates, so that it is small.
"""
import io
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import layers


def array(values) -> dict:
    values = np.asarray(values, "float32")
    return {"shape": list(values.shape), "dtype": "float32", "data": [float(v) for v in values.ravel()]}


def packed(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        out = io.BytesIO()
        with zipfile.ZipFile(path) as whole, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as small:
            for name in ("metadata.json", "config.json", "model.weights.h5"):
                small.writestr(zipfile.ZipInfo(name), whole.read(name), zipfile.ZIP_DEFLATED)
        return out.getvalue()


def padded(rng: np.random.Generator, lengths: list[int], steps: int, in_front: bool) -> np.ndarray:
    """Rows of so many steps that count; the others are zeros."""
    x = np.zeros((len(lengths), steps, 2), "float32")
    for row, length in enumerate(lengths):
        where = slice(steps - length, steps) if in_front else slice(0, length)
        x[row, where] = rng.uniform(-1, 1, (length, 2))
    return x


LENGTHS = [5, 3, 1, 4, 2, 0]


def masking_trained(rng):
    """Masking, LSTM, Dense: trained until the weights are far from the first ones."""
    model = keras.Sequential([layers.Input((5, 2)), layers.Masking(0.0), layers.LSTM(3), layers.Dense(1)])
    x = padded(rng, LENGTHS * 4, 5, in_front=False)
    y = x.sum((1, 2))[:, None]
    model.compile(keras.optimizers.Adam(0.05), "mse")
    before = model.get_weights()[0]
    model.fit(x, y, epochs=60, batch_size=8, verbose=0)
    assert np.abs(model.get_weights()[0] - before).max() > 0.5
    return model, {"behind": [padded(rng, LENGTHS, 5, False)], "in_front": [padded(rng, LENGTHS, 5, True)]}


def bidirectional_masked(rng):
    model = keras.Sequential([
        layers.Input((5, 2)), layers.Masking(0.0),
        layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
        layers.Bidirectional(layers.GRU(2)), layers.Dense(1)])
    return model, {"behind": [padded(rng, LENGTHS, 5, False)], "in_front": [padded(rng, LENGTHS, 5, True)]}


def bidirectional_last_step(rng):
    model = keras.Sequential([layers.Input((4, 2)), layers.Bidirectional(layers.LSTM(3))])
    return model, {"any": [rng.uniform(-1, 1, (3, 4, 2))]}


def states_from_tensors(rng):
    """The states of a layer are tensors of the user's, and those of a Bidirectional another layer's."""
    x, h, c = layers.Input((4, 2), name="x"), layers.Input((3,), name="h"), layers.Input((3,), name="c")
    y, last_h, last_c = layers.LSTM(3, return_sequences=True, return_state=True)(x, initial_state=[h, c])
    both = layers.Bidirectional(layers.LSTM(3))(y, initial_state=[last_h, last_c, h, c])
    model = keras.Model([x, h, c], layers.Dense(1)(both))
    return model, {"any": [rng.uniform(-1, 1, (3, 4, 2)), rng.uniform(-1, 1, (3, 3)), rng.uniform(-1, 1, (3, 3))]}


def unrolled(rng):
    model = keras.Sequential([
        layers.Input((4, 2)), layers.LSTM(3, unroll=True, return_sequences=True), layers.GRU(2, unroll=True)])
    return model, {"any": [rng.uniform(-1, 1, (3, 4, 2))]}


def constant_states(rng):
    x = layers.Input((4, 2), batch_size=3, name="x")
    h, c = np.full((3, 3), 0.5, "float32"), np.full((3, 3), -0.25, "float32")
    model = keras.Model(x, layers.LSTM(3)(x, initial_state=[keras.ops.convert_to_tensor(h), keras.ops.convert_to_tensor(c)]))
    return model, {"any": [rng.uniform(-1, 1, (3, 4, 2))]}


def constant_mask(rng):
    x = layers.Input((4, 2), batch_size=3, name="x")
    mask = np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 1, 1]], bool)
    model = keras.Model(x, layers.LSTM(3)(x, mask=keras.ops.convert_to_tensor(mask)))
    return model, {"any": [rng.uniform(-1, 1, (3, 4, 2))]}


MODELS = [masking_trained, bidirectional_masked, bidirectional_last_step, states_from_tensors, unrolled, constant_states,
          constant_mask]


def main(folder: Path) -> None:
    cases = []
    for number, make in enumerate(MODELS):
        keras.utils.set_random_seed(number)
        model, inputs = make(np.random.default_rng(number))
        file = f"{make.__name__}.keras"
        (folder / file).write_bytes(packed(model))
        calls = []
        for what, x in inputs.items():
            predicted = np.asarray(model([np.asarray(each, "float32") for each in x] if len(x) > 1 else np.asarray(x[0], "float32")))
            calls.append({"what": what, "x": [array(each) for each in x], "predict": array(predicted)})
        cases.append({"id": make.__name__, "file": file, "calls": calls})
    meta = {"area": "troubles", "keras": keras.__version__, "backend": keras.config.backend(), "dtype": "float32"}
    lines = ",\n".join(json.dumps(case) for case in cases)
    (folder / "troubles.json").write_text('{"meta": ' + json.dumps(meta) + ', "cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
