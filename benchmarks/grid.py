#!/usr/bin/env python3
"""Races Rondo against what the processor can do at most, and against its peers, and prints what was promised of each
size beside what came out.

    ./dev bench                               all rows, Rondo and the peaks
    ./dev bench --peers                       and PyTorch (Python, C++), Keras, JAX, ONNX Runtime
    ./dev bench --rows a,b4 --threads 1 --slices 5
    benchmarks/grid.py --render part1.json part2.json --markdown grid.md --svg grid.svg
    benchmarks/grid.py --self-test

Everyone is a process of its own that gets slices of time in turn; benchmarks/README.md says more.
"""
import argparse
import datetime
import json
import re
import shlex
import sys
from pathlib import Path

from racing.chart import svg
from racing.heat import PEAK, RONDO, Heat, Stable, entries_of, pooled, run_heat
from racing.machine import Processor, peer_versions
from racing.report import markdown, times_of
from racing.rows import ROWS
from racing.self_test import self_test
from racing.worker import Worker, WorkerError

HERE = Path(__file__).resolve().parent

# name: worker (a Python script, or a program that ./dev bench --peers builds), environment, and the modes that it takes
# part in. (A new model with its fit takes Keras most of a
# minute: epoch1 tells as much.)
PEERS = {
    "torch": ("torch_worker.py", "", {"train", "epoch1", "fitcall", "newfit", "infer", "stream"}),
    "libtorch": ("libtorch_worker", "", {"train", "epoch1", "fitcall", "newfit", "infer", "stream"}),
    "keras-tf": ("keras_worker.py", "KERAS_BACKEND=tensorflow", {"train", "epoch1", "fitcall", "infer", "stream"}),
    "keras-jax": ("keras_worker.py", "KERAS_BACKEND=jax", {"train", "epoch1", "fitcall", "infer", "stream"}),
    "jax": ("jax_worker.py", "", {"train", "infer", "stream"}),
    "onnxruntime": ("onnx_worker.py", "", {"infer", "stream"}),
}


def comma_list(known=None):
    """An option's type: words with commas between, of those that are known."""
    def parse(text: str) -> list[str]:
        words = text.split(",")
        unknown = [word for word in words if known is not None and word not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")
        return words
    return parse


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=comma_list(ROWS), default=list(ROWS), help=f"some of {','.join(ROWS)}")
    parser.add_argument("--threads", type=comma_list(["1", "2"]), default=["1", "2"], help="1,2")
    parser.add_argument("--targets", type=comma_list(), default=["AVX3", "AVX2"],
                        help="instruction sets, the best first; what the processor lacks is left out")
    parser.add_argument("--slices", type=int, help="of each in every row; 15, and 5 where an iteration is long")
    parser.add_argument("--ms", type=float, default=60, help="milliseconds in a slice, at least one iteration")
    parser.add_argument("--timeout", type=float, default=300, help="seconds that a worker may take to answer")
    parser.add_argument("--programs", type=Path, default=HERE.parent / "build/release/benchmarks",
                        help="where race_worker and peak_worker are")
    parser.add_argument("--peers", type=Path, metavar="DIR", help="the virtual environment that the peers are in")
    parser.add_argument("--only", type=comma_list(PEERS), default=list(PEERS), help="some of the peers")
    parser.add_argument("--extra", action="append", default=[], metavar="NAME=COMMAND",
                        help="any other program that speaks the line protocol")
    parser.add_argument("--markdown", type=Path, help="write the report there")
    parser.add_argument("--svg", type=Path, help="draw the chart there")
    parser.add_argument("--json", type=Path, help="keep every slice there")
    parser.add_argument("--render", type=Path, nargs="+", metavar="JSON",
                        help="measure nothing: report what earlier runs have kept, each run of a row beside the others")
    parser.add_argument("--self-test", action="store_true")
    return parser.parse_args()


def commands(options: argparse.Namespace) -> dict[str, str]:
    """How everyone is started."""
    found = {RONDO: shlex.quote(str(options.programs / "race_worker")),
             PEAK: shlex.quote(str(options.programs / "peak_worker"))}
    if options.peers:
        python = shlex.quote(str(options.peers / "bin/python"))
        for name in options.only:
            worker, environment, _ = PEERS[name]
            if worker.endswith(".py"):
                found[name] = f"{environment} {python} {shlex.quote(str(HERE / 'peers' / worker))}"
            else:
                found[name] = f"{environment} {shlex.quote(str(options.peers / 'bin' / worker))}"
    for extra in options.extra:
        name, _, command = extra.partition("=")
        found[name] = command
    return found


def available(targets: list[str], command: str) -> list[str]:
    """Those targets that this processor has."""
    found = []
    for target in targets:
        try:
            worker = Worker(f"{command} {target}", 1, 60)
            try:
                worker.setup("1 1 1 1 1 1 fma")
                found.append(target)
            finally:
                worker.close()
        except WorkerError as error:
            print(f"target {target} is left out: {error}")
    return found


def measure(options: argparse.Namespace, targets: list[str]) -> list[Heat]:
    """One heat after the other; whatever is there when it is interrupted is the result."""
    everyone = commands(options)
    stable, heats = Stable(everyone, options.timeout), []
    rows = [ROWS[name] for name in options.rows]
    try:
        for threads in map(int, options.threads):
            for row in rows if threads == 1 else [row for row in rows if row.two_threads]:
                rivals = [name for name in everyone if name not in (RONDO, PEAK)
                          and (name not in PEERS or row.mode in PEERS[name][2])]
                slices = options.slices or (5 if row.few_slices else 15)
                heat = run_heat(stable, row, threads, entries_of(row, threads, targets, rivals), slices, options.ms)
                heats.append(heat)
                print(f"\n{row.name}: {row.size}, {row.mode}, threads {threads}")
                for line in times_of(heat):
                    print("  " + "  ".join([f"{line[2]:24}", f"{line[3]:36}", *[cell for cell in line[4:] if cell]]),
                          flush=True)
    except KeyboardInterrupt:
        print("interrupted: the report holds what was measured until here")
    finally:
        stable.keep_only([])
    return heats


def heading(options: argparse.Namespace) -> list[str]:
    """When, how, with whom."""
    words = [re.sub(r"(?<![\w.])/\S*/", "", word) for word in sys.argv[1:]]  # where things lie is nobody's business
    facts = [f"{datetime.date.today():%d %b %Y}", f"Command: `grid.py {shlex.join(words)}`"]
    if options.peers:
        facts.append("Peers: " + ", ".join(peer_versions(options.peers / "bin/python")))
    return facts


def main() -> bool:
    options = parse_options()
    if options.self_test:
        return self_test()
    if options.render:
        stored = [json.loads(path.read_text(encoding="utf-8")) for path in options.render]
        heats = [Heat.from_json(heat) for run in stored for heat in run["heats"]]
        facts = list(dict.fromkeys(fact for run in stored for fact in run["heading"]))
        processors = {Processor.from_json(run["processor"]) for run in stored}
        if len(processors) > 1:
            print("these runs are of different processors: " + ", ".join(map(str, processors)))
            return False
        processor = processors.pop()
    else:
        targets = available(options.targets, commands(options)[PEAK])
        if not targets:
            print("nothing to measure: build race_worker and peak_worker first (./dev bench does)")
            return False
        heats, facts, processor = measure(options, targets), heading(options), Processor.of_this_machine()
    report = markdown(heats, processor, facts)
    print("\n" + report)
    if options.markdown:
        options.markdown.write_text(report, encoding="utf-8")
    if options.svg:
        options.svg.write_text(svg(pooled(heats), f"{processor}; {facts[0]}"), encoding="utf-8")
    if options.json:
        kept = {"processor": processor.to_json(), "heading": facts, "heats": [heat.to_json() for heat in heats]}
        options.json.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
