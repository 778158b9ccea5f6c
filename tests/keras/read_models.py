"""Loads with real Keras what tests/keras/write_models.cpp has written, and compares the predictions.

    KERAS_BACKEND=... python read_models.py FOLDER
"""
import sys
from pathlib import Path

import keras
import numpy as np


def tensor(path: Path) -> np.ndarray:
    shape, *numbers = path.read_text().split("\n", 1)
    return np.array(numbers[0].split(), "float32").reshape([int(size) for size in shape.split()])


def main(folder: Path) -> bool:
    good = True
    models = sorted(path.stem for path in folder.glob("*.keras"))
    for name in models:
        x, expected = tensor(folder / f"{name}.x"), tensor(folder / f"{name}.y")
        whole = keras.saving.load_model(folder / f"{name}.keras")
        legacy = keras.saving.load_model(folder / f"{name}.h5", compile=False)
        weights = keras.models.model_from_json(whole.to_json())
        weights.load_weights(folder / f"{name}.weights.h5")
        for kind, model in {".keras": whole, ".h5": legacy, ".weights.h5": weights}.items():
            distance = float(np.max(np.abs(model.predict(x, verbose=0) - expected)))
            ok = distance < 1e-5
            good = good and ok
            print(f"{name}{kind:12} {distance:.1e} {'' if ok else 'TOO FAR'}")
        steps = int(whole.optimizer.iterations) if whole.compiled and whole.optimizer else 0
        if whole.compiled and steps != 6:
            good = False
            print(f"{name}: its optimizer has made {steps} steps, not 6")
    print(f"Keras {keras.__version__}, {keras.config.backend()}: {len(models)} models")
    return good and len(models) > 0


if __name__ == "__main__":
    sys.exit(0 if main(Path(sys.argv[1])) else 1)
