"""What is raced: sizes, rows, and what Rondo promises of each (GOALS)."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Batch rows, time steps, features, units, stacked LSTM layers under Dense(1)."""
    batch: int
    steps: int
    features: int
    units: int
    layers: int = 1

    def words(self) -> str:
        return f"{self.batch} {self.steps} {self.features} {self.units} {self.layers}"

    def __str__(self) -> str:
        text = f"B{self.batch} T{self.steps} I{self.features} H{self.units}"
        return f"{text} x{self.layers}" if self.layers > 1 else text


TRAINING = {
    "a": Size(9, 1, 1, 10),
    "b4": Size(32, 3, 1, 4),
    "b50": Size(32, 12, 1, 50),
    "c64": Size(32, 24, 8, 64),
    "c128": Size(64, 96, 32, 128),
    "d": Size(64, 100, 128, 256, 2),
    "e": Size(128, 100, 512, 1024),
}
GRU = ("b50", "c64", "c128", "d")
INFERENCE = {"infer256": Size(256, 64, 16, 128), "infer-c128": TRAINING["c128"], "infer-d": TRAINING["d"]}
STREAMING = {f"stream{units}": Size(1, 1, 1, units) for units in (8, 16, 32, 64, 128, 256)}


@dataclass(frozen=True)
class Row:
    """One row of the grid. `mode` is what the workers do (race_worker.cpp says what an iteration is); `base` is another
    mode that Rondo runs beside it, so that the row can tell the difference or the quotient."""
    name: str
    size: Size
    mode: str
    base: str = ""
    all_targets: bool = False  # else the best one only
    two_threads: bool = False  # else one thread only
    few_slices: bool = False   # an iteration takes a good part of a second, or more


ROWS = {row.name: row for row in [
    *[Row(name, size, "train", all_targets=True, two_threads=True, few_slices=name in "de")
      for name, size in TRAINING.items()],
    Row("epoch1", TRAINING["a"], "epoch1", base="train"),
    Row("fitcall", Size(1, 1, 1, 4), "fitcall", base="train"),
    Row("newfit", TRAINING["a"], "newfit"),
    *[Row(name, size, "infer", all_targets=True, two_threads=True) for name, size in INFERENCE.items()],
    *[Row(name, size, "stream", all_targets=True) for name, size in STREAMING.items()],
    *[Row(f"streambf16-{units}", STREAMING[f"stream{units}"], "streambf16", base="stream") for units in (128, 256)],
    *[Row(f"trainbf16-{name}", TRAINING[name], "trainbf16", base="train", few_slices=True) for name in "de"],
    *[Row(f"gru-{name}", TRAINING[name], "gru", base="train", few_slices=name == "d") for name in GRU],
    Row("recompute", Size(8, 100_000, 1, 64), "recompute", base="train", few_slices=True),
]}

# How often the base mode is done in one iteration of a mode.
STEPS_IN = {"epoch1": 1, "fitcall": 24}
FITS = 30  # of the row newfit

# Measures. Of the first group less is better.
TIME, OVERHEAD, FITS_TIME, OVER_BOUND = "µs", "µs beside the steps", f"ms, {FITS} fits", "x reading the weights"
PEAK, SPEEDUP, GAIN, COST = "% of peak", "x one thread", "x float32", "x keeping all"
OF_LSTM = "x an LSTM"
LESS_IS_BETTER = {TIME, OVERHEAD, FITS_TIME, OVER_BOUND, COST, OF_LSTM}
BEST = "best"


@dataclass(frozen=True)
class Goal:
    row: str
    threads: int
    target: str
    measure: str
    must: float
    aim: float | None = None
    zen4: float | None = None  # what must be there, where it differs

    def less_is_better(self) -> bool:
        return self.measure in LESS_IS_BETTER


# Times hold on Zen 5; on Zen 4 twice as long. A rival's goal is the least ratio of its time to Rondo's.
# `prototype` takes part through --extra. Goals against onnxruntime were set for its C
# interface; the worker here calls it from Python, which adds about 1 µs a call.
GOALS = [
    Goal("a", 1, BEST, TIME, 0.9, 0.4),
    Goal("a", 1, BEST, "x jax", 4.5, 9),
    Goal("a", 1, BEST, "x libtorch", 250, 600),
    Goal("a", 1, BEST, "x keras-jax", 70, 170),
    Goal("b4", 1, BEST, TIME, 3.5, 1.5),
    Goal("b4", 1, BEST, "x jax", 4, 9),
    Goal("b4", 1, BEST, "x libtorch", 70, 170),
    Goal("b50", 1, BEST, PEAK, 58, 75, zen4=65),
    Goal("b50", 1, BEST, "x jax", 2.4, 3.7),
    Goal("b50", 1, BEST, "x libtorch", 2.8, 4.3),
    Goal("c64", 1, BEST, PEAK, 80, 90, zen4=85),
    Goal("c64", 1, BEST, "x libtorch", 2.05, 2.5),
    Goal("c128", 1, BEST, PEAK, 83, 92, zen4=86),
    Goal("c128", 1, BEST, "x keras-tf", 1.85, 2.2),
    Goal("c128", 1, BEST, "x libtorch", 2.1, 2.6),
    Goal("d", 1, BEST, PEAK, 86, 95, zen4=90),
    Goal("d", 1, BEST, "x keras-tf", 1.35, 1.65),
    Goal("d", 1, BEST, "x torch", 1.35, 1.65),
    Goal("e", 1, BEST, PEAK, 86, 95, zen4=90),
    Goal("e", 1, BEST, "x torch", 1.25, 1.4),
    *[Goal(row, 2, BEST, SPEEDUP, 1.7, 1.95) for row in ("c128", "d", "e")],
    Goal("c128", 2, BEST, "x keras-tf", 1.85, 2.2),
    Goal("c128", 2, BEST, "x libtorch", 2.1, 2.6),
    Goal("d", 2, BEST, "x keras-tf", 1.35, 1.65),
    Goal("d", 2, BEST, "x torch", 1.5, 1.85),
    Goal("e", 2, BEST, "x torch", 1.25, 1.4),
    *[Goal(row, 1, "AVX2", PEAK, 80, 90) for row in ("c64", "c128", "d", "e")],
    Goal("epoch1", 1, BEST, OVERHEAD, 2, 0.3),
    Goal("fitcall", 1, BEST, OVERHEAD, 2, 0.3),
    Goal("fitcall", 1, BEST, "x keras-jax", 200, 550),
    Goal("newfit", 1, BEST, FITS_TIME, 40, 15),
    Goal("newfit", 1, BEST, "x torch", 500, 1300),
    Goal("infer256", 1, BEST, PEAK, 82, 90),
    Goal("infer256", 1, BEST, "x libtorch", 1.45, 1.65),
    Goal("infer256", 1, BEST, "x onnxruntime", 1.6),
    Goal("infer-c128", 1, BEST, PEAK, 84, 92),
    Goal("infer-c128", 1, BEST, "x libtorch", 1.14, 1.27),
    Goal("infer-c128", 1, BEST, "x onnxruntime", 1.4),
    Goal("infer-d", 1, BEST, PEAK, 90, 95),
    Goal("infer-d", 1, BEST, "x libtorch", 1.03, 1.1),
    Goal("infer-d", 1, BEST, "x onnxruntime", 1.2),
    *[Goal(row, 1, BEST, OVER_BOUND, 1.05) for row in ("stream64", "stream128", "stream256")],
    *[Goal(f"stream{units}", 1, BEST, "x onnxruntime", ratio)
      for units, ratio in {8: 45, 16: 45, 32: 40, 64: 10, 128: 3.8, 256: 1.7}.items()],
    # At most 1.1 times the prototype's time; 0.75 of it where it is small.
    *[Goal(row, 1, BEST, "x prototype", 1 / 1.1, 1 / 0.75 if row in ("stream8", "stream16", "stream32") else None)
      for row in STREAMING],
    Goal("streambf16-128", 1, BEST, GAIN, 1.3, 2.2),
    Goal("streambf16-256", 1, BEST, GAIN, 1.8, 2.2),
    *[Goal(f"trainbf16-{name}", 1, BEST, GAIN, 1.5, 1.8) for name in "de"],
    *[Goal(f"gru-{name}", 1, BEST, OF_LSTM, 0.85) for name in GRU],
    Goal("recompute", 1, BEST, COST, 1.4),
]
