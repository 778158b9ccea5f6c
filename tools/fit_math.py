#!/usr/bin/env python3
"""Fits every constant of src/kernels/math-inl.h and prints it as it stands there.

    pip install mpmath                                         (1.3 or newer; nothing else is needed)
    python3 tools/fit_math.py                                  prints the block, errors on stderr
    python3 tools/fit_math.py --check src/kernels/math-inl.h   exit status 1 where the header differs

All arithmetic is mpmath's at 60 digits, so the output is the same on every machine; it takes about ten seconds.

Method: the Remez exchange with a weight, for polynomials and for quotients of polynomials (see `remez`). Every coefficient is
then rounded to the lane type, once, by mpmath (round to nearest even, no detour through double). Two sources of error are
printed for each fit: of the exact minimax approximation, and of the same with rounded coefficients. Both are relative to the
function named, in units of u = 2^-24 (float) or 2^-53 (double); the roundings of the evaluation come on top, and the bounds in
the header, which are measured, include them.
"""

import sys

from mpmath import mp, mpf

mp.dps = 60

BEGIN = "// Begin of the block printed by tools/fit_math.py."
END = "// End of the block printed by tools/fit_math.py."


class LaneType:
    def __init__(self, name, suffix, precision, max_exponent, digits):
        self.name = name
        self.suffix = suffix  # of a C++ literal
        self.precision = precision  # bits of the significand, the hidden one included
        self.max_exponent = max_exponent
        self.digits = digits  # enough to read every value back exactly
        self.unit = mpf(2) ** -precision

    def round(self, value):
        """The nearest value of the type (all our constants are normal numbers), ties to even."""
        with mp.workprec(self.precision):
            return +mpf(value)

    def literal(self, value):
        assert self.round(value) == value
        text = "%.*g" % (self.digits, float(value))
        assert self.round(mpf(text)) == value
        if "." not in text and "e" not in text:
            text += ".0"
        return text + self.suffix


FLOAT = LaneType("float", "f", 24, 128, 9)
DOUBLE = LaneType("double", "", 53, 1024, 17)


# ---------------------------------------------------------------- Remez exchange


def evaluate(coefficients, x):
    """c[0] + c[1] x + c[2] x^2 ... by Horner's rule."""
    y = mpf(0)
    for c in reversed(coefficients):
        y = y * x + c
    return y


class Quotient:
    """P(u) / Q(u), each a list of coefficients that starts with the constant one."""

    def __init__(self, p, q):
        self.p, self.q = p, q

    def __call__(self, u):
        return evaluate(self.p, u) / evaluate(self.q, u)

    def rounded(self, lane):
        return Quotient([lane.round(c) for c in self.p], [lane.round(c) for c in self.q])


def solve_at(points, f, variable, weight, given, terms_p, terms_q, scale):
    """The quotient whose weighted error is +E, -E, +E ... at the points: P(u) + s E Q(u)/w = f Q(u).

    The product E Q makes the system nonlinear when Q is unknown; Q from the previous round in that place converges fast.
    """
    size = len(points)
    given_p = [c * scale**j for j, c in enumerate(given.p)]
    given_q = [c * scale**j for j, c in enumerate(given.q)]
    q, level = given_q, mpf(0)
    for _ in range(20):
        a, b = mp.matrix(size, size), mp.matrix(size, 1)
        for row, x in enumerate(points):
            u, y = variable(x) / scale, f(x)
            for j in range(terms_p):
                a[row, j] = u ** (j + len(given_p))
            for j in range(terms_q):
                a[row, terms_p + j] = -y * u ** (j + len(given_q))
            a[row, size - 1] = (-1) ** row * evaluate(q, u) / weight(x)
            b[row] = y * evaluate(given_q, u) - evaluate(given_p, u)
        solution = mp.lu_solve(a, b)
        q = given_q + [solution[terms_p + j] for j in range(terms_q)]
        change, level = abs(solution[size - 1] - level), solution[size - 1]
        if terms_q == 0 or change < abs(level) * mpf(10) ** -6:
            break
    p = given_p + [solution[j] for j in range(terms_p)]
    return Quotient([c / scale**j for j, c in enumerate(p)], [c / scale**j for j, c in enumerate(q)]), abs(level)


def alternating_extrema(xs, errors):
    """One extremum for each run of equal sign."""
    found = []
    for x, e in zip(xs, errors):
        if e == 0:
            continue
        if found and (found[-1][1] > 0) == (e > 0):
            if abs(e) > abs(found[-1][1]):
                found[-1] = (x, e)
        else:
            found.append((x, e))
    return found


def chebyshev_points(low, high, count):
    return [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]


def remez(f, low, high, degree_p, degree_q=0, variable=lambda x: x, weight=None, given=None, grid=1500):
    """Minimises max |weight(x) (P(u)/Q(u) - f(x))|, u = variable(x), over [low, high]; the default weight is 1/f.

    The coefficients of `given`, a Quotient, are kept, the others are free; without it only Q's first is given, 1.
    Returns the quotient and its worst error.
    """
    low, high = mpf(low), mpf(high)
    weight = weight or (lambda x: 1 / f(x))
    given = given or Quotient([], [mpf(1)])
    terms_p, terms_q = degree_p + 1 - len(given.p), degree_q + 1 - len(given.q)
    size = terms_p + terms_q + 1
    xs = chebyshev_points(low, high, grid)
    # The ends are left out: a weight may vanish, or f be 0/0, exactly there.
    xs = xs[1:-1] + [high - (high - low) * mpf(10) ** -12]
    fs = {x: f(x) for x in xs}
    ws = {x: weight(x) for x in xs}
    scale = max(abs(variable(low)), abs(variable(high)))
    points = [xs[(2 * i + 1) * len(xs) // (2 * size)] for i in range(size)]
    for _ in range(40):
        fit, level = solve_at(points, fs.get, variable, ws.get, given, terms_p, terms_q, scale)
        errors = [ws[x] * (fit(variable(x)) - fs[x]) for x in xs]
        worst = max(abs(e) for e in errors)
        if worst < level * mpf("1.001"):
            return fit, worst
        extrema = alternating_extrema(xs, errors)
        if len(extrema) < size:
            break
        while len(extrema) > size:
            extrema.pop(0 if abs(extrema[0][1]) < abs(extrema[-1][1]) else -1)
        points = [x for x, _ in extrema]
    raise RuntimeError("no convergence")


def worst_error(fit, f, low, high, variable=lambda x: x, weight=None):
    weight = weight or (lambda x: 1 / f(x))
    xs = chebyshev_points(mpf(low), mpf(high), 3001)[1:-1]
    return max(abs(weight(x) * (fit(variable(x)) - f(x))) for x in xs)


def report(lane, name, exact, rounded):
    text = "%-6s %-9s minimax error %6s u, rounded coefficients %6s u\n"
    sys.stderr.write(text % (lane.name, name, mp.nstr(exact / lane.unit, 3), mp.nstr(rounded / lane.unit, 3)))


def fit_and_round(lane, name, f, low, high, degree_p, degree_q=0, **options):
    fit, exact = remez(f, low, high, degree_p, degree_q, **options)
    fit = fit.rounded(lane)
    report(lane, name, exact, worst_error(fit, f, low, high, **options))
    return fit


# ---------------------------------------------------------------- the functions


def fit_exp(lane, degree):
    """O and E in exp(r) = (E(z) + r O(z)) / (E(z) - r O(z)), z = r^2, |r| <= ln(2)/2 and a margin.

    Then r O / E = tanh(r/2), which is what is fitted, with O(0) / E(0) = 1/2 exactly. Its relative error is that of expm1(r)
    to first order. The common factor of O and E is chosen so that O's leading coefficient is 1, which saves a multiplication.
    """
    half = mp.log(2) / 2 * (1 + mpf(2) ** -10)

    def f(r):
        return mp.tanh(r / 2) / r * 2

    def square(r):
        return r * r

    fit, exact = remez(f, 0, half, degree, degree, variable=square, given=Quotient([mpf(1)], [mpf(1)]))
    constant = lane.round(1 / fit.p[-1])
    odd = [lane.round(c * constant) for c in fit.p[:-1]]
    even = [lane.round(c * 2 * constant) for c in fit.q]
    rounded = Quotient([2 * c for c in odd] + [mpf(2)], even)
    report(lane, "exp", exact, worst_error(rounded, f, 0, half, variable=square))
    return odd, even


def fit_log(lane, degree):
    """L in log(1 + f) = 2 s + s z L(z), s = f / (2 + f), z = s^2, for 1 + f in [sqrt(1/2), sqrt(2)]."""
    s_max = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1) * (1 + mpf(2) ** -10)

    def f(s):
        return (2 * mp.atanh(s) - 2 * s) / s**3

    def weight(s):
        return s**3 / (2 * mp.atanh(s))

    return fit_and_round(lane, "log", f, 0, s_max, degree, variable=lambda s: s * s, weight=weight).p


def fit_erf_small(lane, split, degree):
    """S in erf(x) = x + x S(x^2), |x| <= split."""

    def f(x):
        return mp.erf(x) / x - 1

    def weight(x):
        return x / mp.erf(x)

    return fit_and_round(lane, "erf small", f, 0, split, degree, variable=lambda x: x * x, weight=weight).p


def fit_erf_large(lane, split, limit, degree):
    """G in erfc(a) = exp(a G(a)), split <= a <= limit; an error d of a G(a) is an error erfc(a) d of erf(a)."""

    def f(a):
        return mp.log(mp.erfc(a)) / a

    return fit_and_round(lane, "erf large", f, split, limit, degree, weight=lambda a: a * mp.erfc(a) / mp.erf(a)).p


def split_ln2(lane):
    """ln 2 = high + low to about twice the precision."""
    high = lane.round(mp.log(2))
    return high, lane.round(mp.log(2) - high)


# ---------------------------------------------------------------- printing


def scalar(lane, name, value, comment):
    return "  static constexpr %s %s = %s;  // %s" % (lane.name, name, lane.literal(lane.round(value)), comment)


def array(lane, name, values, comment):
    lines = ["  // %s" % comment, "  static constexpr %s %s[] = {" % (lane.name, name)]
    line = "     "
    for value in values:
        item = " " + lane.literal(value) + ","
        if len(line) + len(item) > 100:
            lines.append(line)
            line = "     "
        line += item
    lines.append(line[:-1] + "};")
    return "\n".join(lines)


def constants(lane, degrees):
    ln2_high, ln2_low = split_ln2(lane)
    # erfc falls below u/2, half a unit in the last place under 1, at:
    erf_limit = lane.round(mp.ceil(mp.findroot(lambda x: mp.log(mp.erfc(x)) - mp.log(lane.unit / 2), 4) * 64) / 64)
    exp_odd, exp_even = fit_exp(lane, degrees["exp"])
    # For r / 2 instead of r: the same numbers times powers of two, O's leading coefficient 1 again.
    degree = degrees["exp"]
    half_odd = [c / 4 ** (degree - j) for j, c in enumerate(exp_odd)]
    # 2 O - E, without its constant coefficient, which is 0.
    gap = [lane.round(2 * o - e) for o, e in zip(exp_odd[1:] + [mpf(1)], exp_even[1:])]
    half_even = [c / (2 * mpf(4) ** (degree - j)) for j, c in enumerate(exp_even)]
    return "\n".join(
        [
            "template <>",
            "struct Constants<%s> {" % lane.name,
            scalar(lane, "kLog2E", 1 / mp.log(2), "1 / ln 2"),
            scalar(lane, "kLn2High", ln2_high, "ln 2 rounded"),
            scalar(lane, "kLn2Low", ln2_low, "what the rounding left"),
            array(lane, "kExpOdd", exp_odd, "exp(r) = (E + r O) / (E - r O): O(r^2) without its last coefficient, 1"),
            array(lane, "kExpEven", exp_even, "E(r^2)"),
            array(lane, "kExpGap", gap, "(2 O(z) - E(z)) / z"),
            array(lane, "kExpHalfOdd", half_odd, "exp(2 r) = (E + r O) / (E - r O): O(r^2) without its last coefficient, 1"),
            array(lane, "kExpHalfEven", half_even, "E(r^2)"),
            array(lane, "kLog", fit_log(lane, degrees["log"]), "(2 atanh(s) - 2 s) / s^3 in s^2"),
            scalar(lane, "kErfLimit", erf_limit, "erf rounds to 1 from here"),
            array(lane, "kErfSmall", fit_erf_small(lane, 1, degrees["erf small"]), "erf(x) / x - 1 in x^2, |x| < 1"),
            array(
                lane,
                "kErfLarge",
                fit_erf_large(lane, 1, erf_limit, degrees["erf large"]),
                "log(erfc(a)) / a, 1 <= a <= kErfLimit",
            ),
            "};",
        ]
    )


FLOAT_DEGREES = {"exp": 1, "log": 2, "erf small": 6, "erf large": 7}
DOUBLE_DEGREES = {"exp": 2, "log": 6, "erf small": 11, "erf large": 18}


def block():
    return "\n".join([BEGIN, constants(FLOAT, FLOAT_DEGREES), "", constants(DOUBLE, DOUBLE_DEGREES), END])


def main(arguments):
    if arguments and (len(arguments) != 2 or arguments[0] != "--check"):
        sys.exit(__doc__)
    printed = block()
    if not arguments:
        print(printed)
        return
    with open(arguments[1], encoding="utf-8") as header:
        if printed not in header.read():
            sys.exit("%s does not hold the printed block" % arguments[1])
    sys.stderr.write("the header holds these constants\n")


if __name__ == "__main__":
    main(sys.argv[1:])
