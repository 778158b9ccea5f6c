"""Checks of the grid's own arithmetic and tables, without measuring anything."""
import re
import sys
import xml.etree.ElementTree

from racing.chart import svg
from racing.figures import Spread, differences, flops, had_two_cores, percent_of_peak, ratios
from racing.heat import PEAK, RONDO, Entry, Heat, Stable, entries_of, pooled, run_heat
from racing.machine import Processor
from racing.report import bounds, goals_table, losses, markdown, number, table, times_table, verdict
from racing.rows import BEST, GOALS, PEAK as PEAK_SHARE, ROWS, TIME, TRAINING, Goal
from racing.worker import Worker, WorkerError

ZEN5 = Processor("AuthenticAMD", 26, 2, "Test 5", frozenset())
ZEN4 = Processor("AuthenticAMD", 25, 17, "Test 4", frozenset())

# Answers a second for every iteration; its argument says how it fails.
FAKE = """
import sys, time
for line in sys.stdin:
    word = line.split()[0]
    if word == "quit": break
    if word == "setup" and "no" in sys.argv: print("no mode here", flush=True)
    elif word == "run" and "die" in sys.argv: sys.exit("out of luck")
    elif word == "run" and "hang" in sys.argv: time.sleep(60)
    else: print("ok 1" if word == "setup" else "1.5", flush=True)
"""


def fake(how: str = "") -> str:
    return f"NAME=value '{sys.executable}' -c '{FAKE}' {how}"


def complaint(how: str) -> str:
    """What a worker that fails in this way is reported with."""
    worker = Worker(fake(how), 1, 0.5 if how == "hang" else 20)
    try:
        worker.setup("1 1 1 1 1 1 train")
        worker.run(1)
        return "none"
    except WorkerError as error:
        return str(error)
    finally:
        worker.close()


def example_heat() -> Heat:
    heat = Heat(ROWS["a"], 1, "AVX3")
    heat.slices = {heat.rondo(): [1e-6, 2e-6], heat.fma(): [4e-6, 4e-6], Entry("jax", "", 1, "train"): [9e-6, 20e-6],
                   Entry("swift", "", 1, "train"): [0.5e-6, 1e-6]}
    heat.failures = {Entry("torch", "", 1, "train"): "died with status 1"}
    return heat


def faster_heat() -> Heat:
    """The same at another moment, without one of the rivals."""
    heat = example_heat()
    heat.slices = {entry: [time / 2 for time in times] for entry, times in heat.slices.items() if entry.program != "jax"}
    return heat


def two_thread_heat(slices: int) -> Heat:
    """Half the time on two threads; without slices, one in which no round counted."""
    heat = Heat(ROWS["d"], 2, "AVX3", dropped=3)
    times = {heat.rondo(): 0.5, heat.rondo(threads=1): 1.0, heat.fma(): 1.0, heat.fma(threads=1): 1.0}
    heat.slices = {entry: [time] * slices for entry, time in times.items()}
    return heat


def small_heat() -> Heat:
    """Run with fake workers: one works, one dies."""
    stable = Stable({RONDO: fake(), PEAK: fake(), "mortal": fake("die")}, 20)
    row = ROWS["a"]
    heat = run_heat(stable, row, 1, entries_of(row, 1, ["AVX3"], ["mortal"]), 2, 1)
    stable.keep_only([])
    return heat


def cases() -> list[tuple[str, object, object]]:
    """(what, got, expected)"""
    heat, ran = example_heat(), small_heat()
    text = markdown([heat], ZEN5, ["a fact"])
    peak_goal, time_goal = Goal("b50", 1, BEST, PEAK_SHARE, 58, 75, zen4=65), Goal("a", 1, BEST, TIME, 0.9, 0.4)
    return [
        ("work of a", flops(TRAINING["a"], "train"), 1440),
        ("work of c64", round(flops(TRAINING["c64"], "train") / 1e9, 4), 0.0786),
        ("work of d", round(flops(TRAINING["d"], "train") / 1e9, 1), 33.4),
        ("work of e", round(flops(TRAINING["e"], "train") / 1e9), 426),
        ("work of inference", flops(TRAINING["a"], "infer"), 720),
        ("median and range", Spread.of([3, 1, 2]), Spread(2, 1, 3)),
        ("ratios slice by slice", ratios([2, 30, 8], [1, 10, 2]), Spread(3, 2, 4)),
        ("overhead", differences([25, 26], [1, 1], 24), Spread(1.5, 1, 2)),
        ("percent of peak", percent_of_peak([1.0], [1.0], 786_432, 2).median, 50),
        ("two cores", had_two_cores(1.0, 1.1), True),
        ("one core", had_two_cores(1.0, 1.2), False),
        ("Zen 4", (ZEN4.generation(), bounds(peak_goal, ZEN4)[0], bounds(time_goal, ZEN4)), ("Zen 4", 65, (1.8, 0.8))),
        ("Zen 5", (ZEN5.generation(), bounds(peak_goal, ZEN5)[0], bounds(time_goal, ZEN5)), ("Zen 5", 58, (0.9, 0.4))),
        ("another", Processor("GenuineIntel", 6, 143, "x", frozenset()).generation(), ""),
        ("cpuinfo", Processor.parse("vendor_id\t: A\ncpu family\t: 26\nmodel\t\t: 2\nmodel name\t: N\nflags\t: x y\n\n"
                                    "vendor_id\t: B\n"), Processor("A", 26, 2, "N", frozenset("xy"))),
        ("time met", verdict(time_goal, 0.8, 0.9, 0.4), "met"),
        ("time's aim met", verdict(time_goal, 0.4, 0.9, 0.4), "met, aim too"),
        ("time missed", verdict(time_goal, 1.0, 0.9, 0.4), "**missed**"),
        ("share missed", verdict(peak_goal, 57, 58, 75), "**missed**"),
        ("share met", verdict(peak_goal, 58, 58, None), "met"),
        ("digits", [number(x) for x in (12345.6, 123.4, 12.34, 0.01234)], ["12,346", "123", "12.3", "0.0123"]),
        ("table", table(["a", "n"], [["bb", "1"]], {1}), "| a  | n |\n|----|--:|\n| bb | 1 |"),
        ("goals name rows", [goal.row for goal in GOALS if goal.row not in ROWS], []),
        ("missed goal is printed", bool(re.search(r"1\.5 \(1\.\.2\).*missed", goals_table([heat], ZEN5))), True),
        ("rival's goal is printed", "9.5 (9..10)" in goals_table([heat], ZEN5), True),
        ("the dead are printed", "died with status 1" in times_table([heat]), True),
        ("twice as fast on two threads", "2 (2..2)" in goals_table([two_thread_heat(2)], ZEN5), True),
        ("rounds dropped are told", "3 rounds dropped" in markdown([two_thread_heat(2)], ZEN5, []), True),
        ("not measurable", goals_table([two_thread_heat(0)], ZEN5).count("not measurable here"), 1),
        ("no rival", "No rival was measured" in markdown([two_thread_heat(2)], ZEN5, []), True),
        ("runs are pooled", pooled([heat, faster_heat()])[0].slices,
         {heat.rondo(): [1e-6, 2e-6, 0.5e-6, 1e-6], heat.fma(): [4e-6, 4e-6, 2e-6, 2e-6],
          Entry("swift", "", 1, "train"): [0.5e-6, 1e-6, 0.25e-6, 0.5e-6]}),
        ("runs stand beside each other",
         bool(re.search(r"1\.5, 0\.75 .*\*\*met in 1 of 2\*\*", goals_table([heat, faster_heat()], ZEN5))), True),
        ("a goal met in all runs", goals_table([heat, heat], ZEN5).count("9.5, 9.5"), 1),
        ("losing rows are told", [line.split(":")[0] for line in losses([heat])], ["a on 1"]),
        ("losing rows are printed", "Rondo loses: a on 1: swift 0.5" in text, True),
        ("JSON there and back", Heat.from_json(heat.to_json()), heat),
        ("a processor there and back", Processor.from_json(ZEN4.to_json()), ZEN4),
        ("chart is XML", xml.etree.ElementTree.fromstring(svg([heat], "a < b")).tag, "{http://www.w3.org/2000/svg}svg"),
        ("empty chart", "<svg" in svg([], ""), True),
        ("takes part on two threads", len(entries_of(ROWS["d"], 2, ["AVX3", "AVX2"], ["torch"])), 9),
        ("takes part in a call of fit", [e.mode for e in entries_of(ROWS["fitcall"], 1, ["AVX3", "AVX2"], [])],
         ["fitcall", "train"]),
        ("a worker works", complaint(""), "none"),
        ("a worker refuses", complaint("no"), "mode here"),
        ("a worker dies", complaint("die"), "died with status 1: out of luck"),
        ("a worker hangs", complaint("hang"), "no answer to 'run 1' in 0.5 s"),
        ("the heat goes on", (ran.slices[ran.rondo()], list(ran.failures.values())),
         ([1.5, 1.5], ["died with status 1: out of luck"])),
    ]


def self_test() -> bool:
    all_cases = cases()
    wrong = [f"self-test: {what}: got {got!r}, expected {expected!r}" for what, got, expected in all_cases
             if got != expected]
    print("\n".join([*wrong, f"grid, self-test: {len(all_cases) - len(wrong)} of {len(all_cases)} cases right"]))
    return not wrong
