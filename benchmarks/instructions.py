#!/usr/bin/env python3
"""Counts the instructions of small steps under valgrind, and compares them with benchmarks/instructions.json.

    benchmarks/instructions.py PROBE --compiler "GNU 12.2.0"            fails where a count has grown by over 5 %
    benchmarks/instructions.py PROBE --compiler "GNU 12.2.0" --update   stores the counts instead
    benchmarks/instructions.py --self-test                              checks this checker

PROBE is the program instruction_probe of a release build. Unlike times, counts are the same on every machine and under
any load, to about 0.2 %: what is new in them is in the code. They hold for one compiler; numbers stored by another one
are compared with a margin of 25 %.
"""
import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

STORED = Path(__file__).resolve().parent / "instructions.json"
MARGIN, MARGIN_OTHER_COMPILER = 0.05, 0.25

# name: the probe's work, and two numbers of steps, whose difference leaves out what a process costs.
CASES = {
    "train a: B9 T1 I1 H10": ("train 9 1 1 10", 640, 3200),
    "train b4: B32 T3 I1 H4": ("train 32 3 1 4", 640, 3200),
    "stream H8": ("stream 1 1 1 8", 2000, 12000),
    "stream H16": ("stream 1 1 1 16", 2000, 12000),
    "stream H32": ("stream 1 1 1 32", 2000, 12000),
}


def collected(valgrind_output: str) -> int:
    """The total that callgrind reports."""
    found = re.search(r"Collected : (\d+)", valgrind_output)
    if found is None:
        raise ValueError(f"callgrind reported no count:\n{valgrind_output}")
    return int(found.group(1))


def count(probe: str, work: str, steps: int) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", probe, *work.split(), str(steps)]
    return collected(subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stderr)


def measure(probe: str) -> dict[str, int]:
    """Instructions per step of every case."""
    return {name: round((count(probe, work, many) - count(probe, work, few)) / (many - few))
            for name, (work, few, many) in CASES.items()}


def margin(compiler: str, stored_compiler: str) -> float:
    return MARGIN if compiler == stored_compiler else MARGIN_OTHER_COMPILER


def compare(measured: dict[str, int], stored: dict[str, int], allowed: float) -> tuple[list[str], bool]:
    """A line for each case, and whether all are within the margin."""
    lines, fine = [], True
    for name, instructions in measured.items():
        if name not in stored:
            lines.append(f"{name:24} {instructions:8}   not stored yet: run with --update")
            fine = False
            continue
        change = instructions / stored[name] - 1
        verdict = "" if instructions <= stored[name] * (1 + allowed) else f"   more than {allowed:.0%} above"
        lines.append(f"{name:24} {instructions:8}   stored {stored[name]:8}   {change:+6.1%}{verdict}")
        fine = fine and not verdict
    return lines, fine


def self_test() -> bool:
    cases = [
        (collected("==1== Events    : Ir\n==1== Collected : 6997022\n"), 6997022),
        (margin("GNU 12.2.0", "GNU 12.2.0"), MARGIN),
        (margin("GNU 13.2.0", "GNU 12.2.0"), MARGIN_OTHER_COMPILER),
        (compare({"a": 105}, {"a": 100}, 0.05)[1], True),
        (compare({"a": 106}, {"a": 100}, 0.05)[1], False),
        (compare({"a": 50}, {"a": 100}, 0.05)[1], True),
        (compare({"a": 100, "b": 1}, {"a": 100}, 0.05)[1], False),
        (len(compare({"a": 100, "b": 1}, {"a": 100}, 0.05)[0]), 2),
    ]
    wrong = [f"self-test: got {got!r}, expected {expected!r}" for got, expected in cases if got != expected]
    print("\n".join(wrong + [f"instructions, self-test: {len(cases) - len(wrong)} of {len(cases)} cases right"]))
    return not wrong


def main() -> bool:
    parser = argparse.ArgumentParser(description="Counts the instructions of small steps under valgrind.")
    parser.add_argument("probe", nargs="?", help="the program instruction_probe")
    parser.add_argument("--compiler", default="", help="name and version of the compiler that built it")
    parser.add_argument("--update", action="store_true", help="store the counts")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    if not options.probe or not options.compiler:
        parser.error("a probe and --compiler are needed")
    measured = measure(options.probe)
    if options.update:
        stored = {"compiler": options.compiler, "instructions per step": measured}
        STORED.write_text(json.dumps(stored, indent=2) + "\n", encoding="utf-8")
        print("\n".join(f"{name:24} {instructions:8}   stored" for name, instructions in measured.items()))
        return True
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    allowed = margin(options.compiler, stored["compiler"])
    if options.compiler != stored["compiler"]:
        print(f"Built by {options.compiler}, but the stored counts are of {stored['compiler']}: "
              f"the margin is {allowed:.0%} instead of {MARGIN:.0%}.")
    lines, fine = compare(measured, stored["instructions per step"], allowed)
    print("\n".join(lines))
    if not fine:
        print("If the growth is meant, store the new counts: the same command with --update.")
    return fine


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
