#!/usr/bin/env python3
"""Two threads beside one, at many batch sizes, on a machine that is idle or whose processors other programs keep busy.

    ./dev bench --busy                  as many spinning programs as there are processors
    ./dev bench --busy --spinners 0     an idle machine
    ./dev bench --busy --batches 32,512 --slices 5 --before path/to/old/race_worker

Training steps of LSTM(16) over 10 time steps of one feature. Each worker is a process of its own that gets slices of
time in turn; a figure is the median over slices of the time of one thread by that of the default number of threads:
above 1 the default wins.
"""
import argparse
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

from racing.worker import Worker

HERE = Path(__file__).resolve().parent


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=HERE.parent / "build/release/benchmarks",
                        help="where race_worker is")
    parser.add_argument("--before", help="an older race_worker that takes part with its default number of threads")
    parser.add_argument("--batches", type=lambda text: [int(n) for n in text.split(",")],
                        default=[32, 64, 128, 256, 512, 1024])
    parser.add_argument("--spinners", type=int, default=os.cpu_count(), help="programs that keep a processor busy each")
    parser.add_argument("--slices", type=int, default=21)
    parser.add_argument("--ms", type=float, default=1000, help="milliseconds in a slice")
    return parser.parse_args()


def measure(commands: dict[str, tuple[str, int]], batch: int, options) -> dict[str, list[float]]:
    """Seconds of a step, slice by slice. commands: name -> command and number of threads (0: the default)."""
    workers = {}
    times = {name: [] for name in commands}
    try:
        for name, (command, threads) in commands.items():
            workers[name] = Worker(command, threads, timeout=300)
            workers[name].setup(f"{batch} 10 1 16 1 {threads} train")
            workers[name].run(20)
        for _ in range(options.slices):
            for name, worker in workers.items():
                times[name].append(worker.run(options.ms))
    finally:
        for worker in workers.values():
            worker.close()
    return times


def main() -> int:
    options = parse_options()
    worker = shlex.quote(str(options.programs / "race_worker"))
    commands = {"one thread": (worker, 1), "default": (worker, 0)}
    if options.before:
        commands["before"] = (shlex.quote(options.before), 0)
    print(f"LSTM(16), 10 time steps, {options.spinners} spinning programs on {os.cpu_count()} processors")
    print("batch   one thread     default    one thread / default" + ("    one thread / before" if options.before else ""))
    spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(options.spinners)]
    try:
        for batch in options.batches:
            times = measure(commands, batch, options)
            line = f"{batch:5d}" + "".join(f"{statistics.median(times[name]) * 1e6:10.1f} us"
                                           for name in ("one thread", "default"))
            for name in commands:
                if name == "one thread":
                    continue
                ratios = [one / other for one, other in zip(times["one thread"], times[name])]
                line += f"    {statistics.median(ratios):6.2f} [{min(ratios):.2f} .. {max(ratios):.2f}]"
            print(line, flush=True)
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
