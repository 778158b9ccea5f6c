"""Arithmetic of the grid: work, medians, ratios. Pure functions."""
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from racing.rows import Size

FMA_FLOPS = 786_432  # of one iteration of peak_worker's mode fma, on each thread
FMA_SPEEDUP = 1.8    # what two threads must give at least; else they did not have two cores


def flops(size: Size, mode: str) -> int:
    """Products and additions of one iteration, from a state of zeros. Training: the first layer's gradient of x is
    needed by nobody."""
    total = 0
    for layer in range(size.layers):
        inputs = 8 * size.batch * size.steps * (size.features if layer == 0 else size.units) * size.units
        recurrent = 8 * size.batch * (size.steps - 1) * size.units**2
        total += inputs + recurrent
        if mode != "infer":
            total += inputs + 2 * recurrent + (inputs if layer > 0 else 0)
    return total


@dataclass(frozen=True)
class Spread:
    """The median of some slices and their range."""
    median: float
    low: float
    high: float

    @staticmethod
    def of(values: Sequence[float]) -> "Spread":
        return Spread(statistics.median(values), min(values), max(values))


def ratios(times: Sequence[float], base: Sequence[float]) -> Spread:
    """Slice by slice: what the processor did to one slice it did to its neighbours too."""
    return Spread.of([a / b for a, b in zip(times, base)])


def differences(times: Sequence[float], base: Sequence[float], count: float) -> Spread:
    """What an iteration takes beside `count` iterations of the base."""
    return Spread.of([a - count * b for a, b in zip(times, base)])


def percent_of_peak(times: Sequence[float], fma_times: Sequence[float], work: float, threads: int) -> Spread:
    return Spread.of([100 * work / t / (threads * FMA_FLOPS / fma) for t, fma in zip(times, fma_times)])


def had_two_cores(one_thread_fma: float, two_threads_fma: float) -> bool:
    """Whether two threads computed at least FMA_SPEEDUP times what one did."""
    return 2 * one_thread_fma / two_threads_fma >= FMA_SPEEDUP
