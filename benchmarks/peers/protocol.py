"""The line protocol of the race for workers in Python (the same as line_protocol.hpp), and the limit on their threads.

A worker imports this module before the library that it measures, because libraries read their limits when they load:

    from protocol import Setup, repeated, serve

    def make(setup: Setup):
        ...                         # may raise: the reason goes to the referee
        return repeated(iterate)    # or another function run(n) -> seconds per iteration

    serve(make)
"""
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

# How many threads this process may use. Most libraries cannot change that later, so it is one process for one number.
THREADS = int(os.environ.get("PEER_THREADS", "1"))

os.environ.update(OMP_NUM_THREADS=str(THREADS), MKL_NUM_THREADS=str(THREADS), OPENBLAS_NUM_THREADS=str(THREADS),
                  NPROC=str(THREADS),  # XLA's
                  CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", JAX_PLATFORMS="cpu")
if THREADS == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

# run(n): at least n iterations; returns seconds per iteration.
Run = Callable[[int], float]


@dataclass(frozen=True)
class Setup:
    """One kind of work: batch rows, time steps, features, units, stacked LSTM layers, threads, and the mode's name."""
    batch: int
    steps: int
    features: int
    units: int
    layers: int
    threads: int
    mode: str

    @staticmethod
    def parse(words: list[str]) -> "Setup":
        return Setup(*map(int, words[:6]), words[6])


def repeated(iterate: Callable[[], object]) -> Run:
    """A run that calls `iterate` n times."""
    def run(n: int) -> float:
        start = time.perf_counter()
        for _ in range(n):
            iterate()
        return (time.perf_counter() - start) / n
    return run


class Stopwatch:
    """Times one run over slices of about the asked length."""

    def __init__(self, run: Run):
        self.run = run
        run(1)  # compiles
        self.estimate = run(1)
        for _ in range(3):
            if self.estimate < 0.1:
                self.slice(0.02)

    def slice(self, seconds: float) -> float:
        if self.estimate < seconds / 4:
            self.run(1)  # the rivals had the caches in between
        self.estimate = self.run(max(1, int(seconds / self.estimate)))
        return self.estimate


def serve(make: Callable[[Setup], Run]) -> None:
    """Answers the referee's lines until "quit" or the end of input."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints must not come between
    stopwatch = None
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            break
        try:
            if words[0] == "setup":
                stopwatch = None  # frees the old model first
                setup = Setup.parse(words[1:])
                if setup.threads != THREADS:
                    raise ValueError(f"this process was started for {THREADS} threads (PEER_THREADS)")
                stopwatch = Stopwatch(make(setup))
                print(f"ok {stopwatch.estimate:.9g}", file=answers)
            elif words[0] == "run" and stopwatch is not None:
                print(f"{stopwatch.slice(float(words[1]) * 1e-3):.9g}", file=answers)
            else:
                print(f"no command {words[0]!r}", file=answers)
        except Exception as error:  # whatever it is, the referee is told and the race goes on
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"no {reason[:200]}", file=answers)
