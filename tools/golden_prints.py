#!/usr/bin/env python3
"""Writes tests/golden/prints.json: arrays, and how NumPy prints them.

    python3 -m venv build/numpy && build/numpy/bin/pip install numpy==2.4.6
    build/numpy/bin/python tools/golden_prints.py > tests/golden/prints.json

The arrays are drawn from a fixed seed and stand in the file as they are, so that nothing depends on how.
"""
import json

import numpy as np

NAN, INF = float("nan"), float("inf")
DTYPES = ("float64", "float32")


def chosen():
    """Arrays that each stand at an edge of a rule: (name, values)."""
    yield "integers_of_mixed_width", [10, 20, 100, 112, 120]
    yield "one", [7]
    yield "nothing", []
    yield "no_rows", np.zeros((0, 3))
    yield "no_columns", np.zeros((3, 0))
    yield "signs", [[0.5, 2], [-1, 0.25]]
    yield "zeros", [0.0, -0.0, 0.0]
    yield "negative_zero_alone", [-0.0]
    yield "tenths", [0.1, 0.2, 0.30000000000000004]
    yield "nine_digits", [0.123456789, 1.5]
    yield "ninth_digit_rounds_to_nothing", [0.1000000001, 0.25]
    yield "halves_of_the_last_digit", [0.000000005 + 1, 2.000000015, 3.5]
    yield "carry", [0.999999999, 9.999999996]
    yield "thirds", [1 / 3, 2 / 3, 100 / 3]
    yield "pi", [np.pi, np.e, -np.pi * 100]
    for limit in (1e5, 1e6, 1e7, 1e8, 1e9):
        yield f"below_{limit:.0e}", [limit - 1, limit - 2]
        yield f"at_{limit:.0e}", [limit, limit / 2]
    yield "at_a_ten_thousandth", [0.0001, 0.0002]
    yield "below_a_ten_thousandth", [0.00009999, 0.0002]
    yield "ratio_of_1000", [1.0, 1000.0]
    yield "ratio_above_1000", [1.0, 1000.5]
    yield "ratio_of_1000_in_tenths", [0.1, 100.0]
    yield "ratio_with_zero", [0.0, 1.0, 999.0]
    yield "ratio_of_negatives", [-1.0, 2.0, -1001.0]
    yield "nan", [1.0, NAN, 3.5]
    yield "nan_alone", [NAN]
    yield "infinities", [1.0, INF, -INF]
    yield "plus_infinity", [1.0, INF]
    yield "infinity_alone", [INF]
    yield "minus_infinity_alone", [-INF, NAN]
    yield "nan_among_long_ones", [NAN, 0.123456, 1234.5]
    yield "nan_in_exponents", [NAN, 1e-7, INF, -2.5e-6]
    yield "minus_infinity_in_exponents", [-INF, 1e20]
    yield "negative_with_nan", [-1.0, NAN]
    yield "large", [1e20, 1.5e21, -1e22]
    yield "huge_exponents", [1e30, 1e-30]
    yield "powers_of_ten", [10.0 ** k for k in range(-6, 7)]
    yield "mixed_exponents", [1e5, 1.25e9]
    yield "exponents_of_zero", [0.0, 1e-10, -0.0]
    yield "smallest_single", [1.1754944e-38, 1.4e-45, 1.0]
    yield "largest_single", [3.4028235e38, -3.4028235e38]
    yield "one_dimensional_line", np.arange(40)
    yield "line_of_fractions", np.arange(30) / 7
    yield "exact_line", np.full(15, 1234.0)
    yield "line_that_wraps_by_one", np.full(16, 100.5)
    yield "wrapped_lines_with_blanks_at_the_end", [1.0, 2.25] * 20
    yield "rows_that_wrap", np.arange(60).reshape(2, 30)
    yield "cubes_that_wrap", (np.arange(120) / 3).reshape(2, 2, 30)
    yield "rows_of_exponents_that_wrap", np.arange(1, 21).reshape(2, 10) * 1e10
    yield "cube", np.arange(24).reshape(2, 3, 4)
    yield "four_axes", np.arange(16).reshape(2, 2, 2, 2) / 4
    yield "five_axes", np.arange(12).reshape(1, 2, 1, 3, 2)
    yield "column", np.arange(5).reshape(5, 1) - 2.5
    yield "a_thousand", np.arange(1000) % 7
    yield "above_a_thousand", np.arange(1001)
    yield "above_a_thousand_of_one", np.full(1001, 0.5)
    yield "wide_ends_only", np.where(np.arange(1002) % 999 < 2, 3, 123456.789)
    yield "summary_of_rows", np.arange(1200).reshape(300, 4)
    yield "summary_of_columns", np.arange(1200).reshape(4, 300)
    yield "summary_of_both", np.arange(1200).reshape(40, 30) / 8
    yield "summary_of_a_cube", np.arange(1331).reshape(11, 11, 11)
    yield "summary_with_short_axes", np.arange(1152).reshape(6, 6, 32)
    yield "summary_that_wraps", (np.arange(1100).reshape(2, 550) + 0.123456789) * 1e-5
    yield "seven_of_six", np.arange(7 * 200).reshape(7, 200) % 10


def drawn(random):
    """Arrays of every size of number, as data come."""
    shapes = [(3,), (8,), (2, 3), (5, 2), (2, 2, 2), (1, 1), (20,), (3, 12)]
    for number in range(110):
        shape = shapes[number % len(shapes)]
        kind = number % 11
        size = int(np.prod(shape))
        if kind == 0:
            values = random.integers(-1000, 1000, size)
        elif kind == 1:
            values = random.normal(size=size)
        elif kind == 2:
            values = random.normal(size=size) * 10.0 ** random.integers(-8, 9)
        elif kind == 3:
            values = 10.0 ** random.uniform(-1, 1, size)
        elif kind == 4:
            values = 10.0 ** random.uniform(-30, 30, size)
        elif kind == 5:
            values = np.round(random.uniform(-100, 100, size), random.integers(0, 6))
        elif kind == 6:
            values = random.uniform(0, 1, size) * (random.uniform(size=size) < 0.5)
        elif kind == 7:
            values = np.where(random.uniform(size=size) < 0.2, NAN, random.normal(size=size))
        elif kind == 8:
            values = np.where(random.uniform(size=size) < 0.2, -INF, random.integers(0, 100, size))
        elif kind == 9:
            values = random.integers(1, 10, size) * 10.0 ** random.integers(-5, 8)
        else:
            values = random.uniform(-1, 1, size).astype(np.float32)
        yield f"drawn_{number}", values.reshape(shape)


def scalars():
    for value in (0.0, -0.0, 1.0, -2.5, 0.1, 1 / 3, 1e15, 123456789012345678.0, 1e16, 1e-4, 9.999e-5, 1e-5, 1.5e300, 1e22,
                  -1e-300, 16777216.0, NAN, INF, -INF, 5e-324):
        yield f"scalar_{value!r}", value


def number(value):
    if np.isnan(value):
        return "NaN"
    if np.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    whole = value == int(value) and abs(value) < 1e6 and not (value == 0 and np.signbit(value))
    return int(value) if whole else float(value)


def case(name, values, dtype):
    with np.errstate(over="ignore"):
        array = np.array(values, dtype=np.float64).astype(dtype)
    return {"id": f"{name}_{dtype}", "function": "print",
            "args": {"shape": list(array.shape), "dtype": dtype, "data": [number(v) for v in array.ravel()]},
            "result": str(array)}


def main():
    random = np.random.default_rng(20)
    arrays = [*chosen(), *drawn(random), *scalars()]
    meta = {"schema": "rondo-golden-1", "area": "utils", "numpy": np.__version__, "dtype": "mixed"}
    print('{"meta":%s,' % json.dumps(meta))
    cases = [json.dumps(case(name, values, dtype), separators=(",", ":")) for name, values in arrays for dtype in DTYPES]
    print('"cases":[\n%s\n]}' % ",\n".join(cases))


if __name__ == "__main__":
    main()
