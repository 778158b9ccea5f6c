"""From heats to two tables: what was promised and came out (goals), and everyone's times."""
from dataclasses import dataclass

from racing.figures import Spread, differences, flops, percent_of_peak, ratios
from racing.heat import PEAK, RONDO, Entry, Heat, pooled
from racing.machine import Processor
from racing.rows import (BEST, COST, FITS, FITS_TIME, GAIN, GOALS, OF_LSTM, OVER_BOUND, OVERHEAD, PEAK as PEAK_SHARE,
                         SPEEDUP, STEPS_IN, TIME, Goal)

RIGHT, LEFT = str.rjust, str.ljust


def table(header: list[str], rows: list[list[str]], numbers: set[int] = frozenset()) -> str:
    """A Markdown table that also reads well as text; `numbers` are the columns that stand to the right."""
    widths = [max(len(line[i]) for line in [header, *rows]) for i in range(len(header))]

    def line(cells):
        padded = [(RIGHT if i in numbers else LEFT)(cell, widths[i]) for i, cell in enumerate(cells)]
        return f"| {' | '.join(padded)} |".rstrip()
    rule = "|".join("-" * (width + 1) + (":" if i in numbers else "-") for i, width in enumerate(widths))
    return "\n".join([line(header), f"|{rule}|", *map(line, rows)])


def number(value: float) -> str:
    """Three digits that count."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def spread(s: Spread, factor: float = 1) -> str:
    return f"{number(s.median * factor)} ({number(s.low * factor)}..{number(s.high * factor)})"


# ---- goals -----------------------------------------------------------------------------------------------------------


ONE_CORE = "not measurable here: two threads never had two cores"


class NotMeasured(Exception):
    """Why a goal has no figure."""


def slices(heat: Heat, entry: Entry) -> list[float]:
    if entry in heat.failures:
        raise NotMeasured(f"{entry}: {heat.failures[entry]}")
    if entry not in heat.slices:
        raise NotMeasured(f"{entry.program} {entry.target} did not take part")
    if not heat.slices[entry]:
        raise NotMeasured(ONE_CORE)
    return heat.slices[entry]


def figure(heat: Heat, goal: Goal) -> Spread:
    """The goal's measure, as this heat has it."""
    target = heat.target if goal.target == BEST else goal.target
    rondo = slices(heat, heat.rondo(target))
    row = heat.row
    if goal.measure == TIME:
        return ratios(rondo, [1e-6] * len(rondo))
    if goal.measure == FITS_TIME:
        return ratios(rondo, [1e-3 / FITS] * len(rondo))
    if goal.measure == OVERHEAD:
        beside = differences(rondo, slices(heat, heat.rondo(mode=row.base)), STEPS_IN[row.mode])
        return Spread(beside.median * 1e6, beside.low * 1e6, beside.high * 1e6)
    if goal.measure == PEAK_SHARE:
        return percent_of_peak(rondo, slices(heat, heat.fma(target)), flops(row.size, row.mode), heat.threads)
    if goal.measure == SPEEDUP:
        return ratios(slices(heat, heat.rondo(target, threads=1)), rondo)
    if goal.measure == OVER_BOUND:
        return ratios(rondo, slices(heat, heat.read()))
    if goal.measure == GAIN:
        return ratios(slices(heat, heat.rondo(mode=row.base)), rondo)
    if goal.measure in (COST, OF_LSTM):
        return ratios(rondo, slices(heat, heat.rondo(mode=row.base)))
    rival = Entry(goal.measure.removeprefix("x "), "", heat.threads, row.mode)
    return ratios(slices(heat, rival), rondo)


def bounds(goal: Goal, processor: Processor) -> tuple[float, float | None]:
    """What must and what should be reached on this processor."""
    zen4 = processor.generation() == "Zen 4"
    if goal.measure in (TIME, OVERHEAD, FITS_TIME):
        factor = 2 if zen4 else 1
        return goal.must * factor, None if goal.aim is None else goal.aim * factor
    return goal.zen4 if zen4 and goal.zen4 is not None else goal.must, goal.aim


def verdict(goal: Goal, value: float, must: float, aim: float | None) -> str:
    def reached(bound: float) -> bool:
        return value <= bound if goal.less_is_better() else value >= bound
    if aim is not None and reached(aim):
        return "met, aim too"
    return "met" if reached(must) else "**missed**"


@dataclass(frozen=True)
class Outcome:
    """A goal with what came out, or why nothing did; `short` is that without the range."""
    heat: Heat
    goal: Goal
    result: str
    short: str
    verdict: str


def outcomes(heats: list[Heat], processor: Processor) -> list[Outcome]:
    """All goals of the rows that were run; those against programs that nobody started are left to `absentees`."""
    found = []
    for heat in heats:
        present = {entry.program for entry in heat.rivals()}
        for goal in GOALS:
            if (goal.row, goal.threads) != (heat.row.name, heat.threads) or absent(goal, present):
                continue
            try:
                value = figure(heat, goal)
                found.append(Outcome(heat, goal, spread(value), number(value.median),
                                     verdict(goal, value.median, *bounds(goal, processor))))
            except NotMeasured as reason:
                text = str(reason)
                unsupported = "bf16" in heat.row.mode and "mode" in text
                text = "not supported" if unsupported else text
                found.append(Outcome(heat, goal, text, text, "not measured"))
    return found


def rival_of(goal: Goal) -> str | None:
    measures = {TIME, OVERHEAD, FITS_TIME, OVER_BOUND, PEAK_SHARE, SPEEDUP, GAIN, COST, OF_LSTM}
    return None if goal.measure in measures else goal.measure.removeprefix("x ")


def absent(goal: Goal, present: set[str]) -> bool:
    rival = rival_of(goal)
    return rival is not None and rival not in present


def absentees(heats: list[Heat]) -> list[str]:
    """Rivals that goals speak of and that did not run."""
    rows = {heat.row.name for heat in heats}
    present = {entry.program for heat in heats for entry in heat.rivals()}
    return sorted({rival_of(goal) for goal in GOALS if goal.row in rows and absent(goal, present)})


def together(runs: list[Outcome]) -> tuple[str, str]:
    """Result and verdict of a goal in several runs: the median of each, and how often it was met."""
    if len(runs) == 1:
        return runs[0].result, runs[0].verdict
    verdicts = {run.verdict for run in runs}
    met = sum(run.verdict.startswith("met") for run in runs)
    mixed = "met" if met == len(runs) else f"**met in {met} of {len(runs)}**"
    return ", ".join(run.short for run in runs), verdicts.pop() if len(verdicts) == 1 else mixed


def goals_table(heats: list[Heat], processor: Processor) -> str:
    groups: dict[tuple[Goal, int], list[Outcome]] = {}
    for o in outcomes(heats, processor):
        groups.setdefault((o.goal, o.heat.threads), []).append(o)
    lines = []
    for (goal, threads), runs in groups.items():
        heat, (must, aim) = runs[0].heat, bounds(goal, processor)
        result, word = together(runs)
        relation = "<=" if goal.less_is_better() else ">="
        lines.append([heat.row.name, str(heat.row.size), str(threads),
                      heat.target if goal.target == BEST else goal.target, goal.measure, result,
                      f"{relation} {number(must)}", "" if aim is None else number(aim), word])
    return table(["row", "size", "threads", "target", "measured", "result", "must", "aim", "verdict"], lines, {2})


# ---- times -----------------------------------------------------------------------------------------------------------


def duration(s: Spread) -> str:
    """In the unit that suits the median."""
    unit, size = next((u for u in (("s", 1), ("ms", 1e-3), ("µs", 1e-6)) if s.median >= u[1]), ("ns", 1e-9))
    return f"{number(s.median / size)} {unit} ({number(s.low / size)}..{number(s.high / size)})"


def remark(heat: Heat, entry: Entry, over_rondo: float | None) -> str:
    words = []
    if entry.program not in (RONDO, PEAK) and over_rondo is not None and over_rondo < 1:
        words.append("**faster than Rondo**")
    if heat.cores.get(entry, 0) > 1.15 * entry.threads:
        words.append(f"used {heat.cores[entry]:.1f} cores")
    return ", ".join(words)


def times_of(heat: Heat) -> list[list[str]]:
    """A line for everyone who took part in a heat."""
    head = [heat.row.name, str(heat.threads)]
    base = heat.slices.get(heat.rondo())
    lines = []
    if heat.dropped and not base:
        lines.append([*head, "everyone", "", "", "", "", ONE_CORE])
    for entry, times in heat.slices.items():
        if not times:
            continue
        t, rate, share, over = Spread.of(times), "", "", None
        if entry.mode in ("train", "trainbf16", "infer"):
            rate = number(flops(heat.row.size, entry.mode) / t.median / 1e9)
        fma = heat.slices.get(heat.fma(entry.target, entry.threads))
        if entry.program == RONDO and fma and entry.mode in ("train", "infer"):
            work = flops(heat.row.size, entry.mode)
            share = number(percent_of_peak(times, fma, work, entry.threads).median)
        if base and entry.program != PEAK:
            over = ratios(times, base)
        lines.append([*head, str(entry), duration(t), rate, share,
                      spread(over) if over else "", remark(heat, entry, over.median if over else None)])
    for entry, reason in heat.failures.items():
        lines.append([*head, str(entry), "", "", "", "", reason])
    return lines


def times_table(heats: list[Heat]) -> str:
    return table(["row", "threads", "who", "time", "GFLOP/s", "% of peak", "x Rondo", "remark"],
                 [line for heat in heats for line in times_of(heat)], {1, 4, 5})


# ---- the whole -------------------------------------------------------------------------------------------------------


def losses(heats: list[Heat]) -> list[str]:
    """Where somebody was faster than Rondo."""
    found = []
    for heat in heats:
        base = heat.slices.get(heat.rondo())
        for entry in heat.rivals():
            times = heat.slices.get(entry)
            if base and times and ratios(times, base).median < 1:
                found.append(f"{heat.row.name} on {heat.threads}: {entry.program} {spread(ratios(times, base))}")
    return found


def notes(heats: list[Heat], processor: Processor) -> list[str]:
    found = [f"{heat.row.name} on 2 threads: {heat.dropped} rounds dropped, two threads did not have two cores."
             for heat in heats if heat.dropped]
    if not processor.generation():
        found.append("Goals in µs and ms are those of Zen 5; this processor is neither Zen 4 nor Zen 5.")
    if "avx512_bf16" not in processor.flags and any("bf16" in heat.row.name for heat in heats):
        found.append("This processor has no AVX512_BF16, so the goals of bf16 training do not count.")
    if absentees(heats):
        found.append(f"Did not take part, though goals speak of them: {', '.join(absentees(heats))}.")
    beaten = losses(heats)
    if beaten:
        found.append(f"Rondo loses: {'; '.join(beaten)}.")
    elif any(heat.slices.get(entry) for heat in heats for entry in heat.rivals()):
        found.append("Nobody was faster than Rondo in any row that was measured.")
    else:
        found.append("No rival was measured.")
    return found


def markdown(heats: list[Heat], processor: Processor, heading: list[str]) -> str:
    """The report; `heading` says when, how and with whom."""
    facts = [f"Processor: {processor}", *heading]
    rows = pooled(heats)
    words = ["Medians over slices in rotation, with their range in brackets; ratios are medians of ratios slice by slice."]
    if len(rows) < len(heats):
        words.append("Rows that were run several times have the median of each run under Goals; Times pools the runs.")
    return "\n".join([
        "# Grid", "", *[f"- {fact}" for fact in facts], "", *words, "",
        "## Goals", "", goals_table(heats, processor), "",
        *[f"- {note}" for note in notes(rows, processor)], "",
        "## Times", "", times_table(rows), ""])
