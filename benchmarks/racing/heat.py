"""One heat: everyone who takes part in a row gets slices of time in turn, so that a change of the processor's speed, or
a neighbour's load, meets all of them."""
import time
from dataclasses import dataclass, field

from racing.figures import had_two_cores
from racing.rows import ROWS, Row
from racing.worker import Worker, WorkerError

RONDO, PEAK = "rondo", "peak"
PAUSE = 0.03  # seconds between slices: threads of the one before stop spinning
MOST_ROUNDS = 2  # times the wanted ones, where rounds do not count


@dataclass(frozen=True)
class Entry:
    """Who takes part: a program, for Rondo and the peaks its target, its threads, and its mode."""
    program: str
    target: str
    threads: int
    mode: str

    def __str__(self) -> str:
        threads = "" if self.threads == 1 else f", {self.threads} threads"
        return f"{self.program}{' ' if self.target else ''}{self.target} {self.mode}{threads}"


@dataclass
class Heat:
    """What came out: seconds per iteration of every slice that counts, the same number for everyone."""
    row: Row
    threads: int
    target: str  # the best one: Rondo's figure
    slices: dict[Entry, list[float]] = field(default_factory=dict)
    failures: dict[Entry, str] = field(default_factory=dict)
    cores: dict[Entry, float] = field(default_factory=dict)  # that were busy during the slices
    dropped: int = 0  # rounds in which two threads did not have two cores

    def rondo(self, target: str = "", threads: int = 0, mode: str = "") -> Entry:
        return Entry(RONDO, target or self.target, threads or self.threads, mode or self.row.mode)

    def fma(self, target: str = "", threads: int = 0) -> Entry:
        return Entry(PEAK, target or self.target, threads or self.threads, "fma")

    def read(self) -> Entry:
        return Entry(PEAK, self.target, 1, "read")

    def rivals(self) -> list[Entry]:
        return [entry for entry in {**self.slices, **self.failures} if entry.program not in (RONDO, PEAK)]

    def to_json(self) -> dict:
        def rows(values):
            return [[e.program, e.target, e.threads, e.mode, value] for e, value in values.items()]
        return {"row": self.row.name, "threads": self.threads, "target": self.target, "dropped": self.dropped,
                "slices": rows(self.slices), "failures": rows(self.failures), "cores": rows(self.cores)}

    @staticmethod
    def from_json(data: dict) -> "Heat":
        def entries(rows):
            return {Entry(*row[:4]): row[4] for row in rows}
        return Heat(ROWS[data["row"]], data["threads"], data["target"], entries(data["slices"]),
                    entries(data["failures"]), entries(data["cores"]), data["dropped"])


def pooled(heats: list[Heat]) -> list[Heat]:
    """Runs of the same row as one heat, of those who took part in all of them."""
    groups: dict[tuple[str, int], list[Heat]] = {}
    for heat in heats:
        groups.setdefault((heat.row.name, heat.threads), []).append(heat)
    found = []
    for runs in groups.values():
        present = [entry for entry in runs[0].slices if all(entry in run.slices for run in runs)]
        found.append(Heat(runs[0].row, runs[0].threads, runs[0].target,
                          slices={entry: [time for run in runs for time in run.slices[entry]] for entry in present},
                          failures={entry: why for run in runs for entry, why in run.failures.items()},
                          cores={entry: max(run.cores.get(entry, 0) for run in runs) for entry in present},
                          dropped=sum(run.dropped for run in runs)))
    return found


def entries_of(row: Row, threads: int, targets: list[str], rivals: list[str]) -> list[Entry]:
    """Who takes part in a row."""
    entries = []
    for target in targets if row.all_targets else targets[:1]:
        if row.mode in ("train", "infer"):
            entries += [Entry(PEAK, target, n, "fma") for n in range(1, threads + 1)]
        if row.mode == "stream":
            entries.append(Entry(PEAK, target, 1, "read"))
        entries.append(Entry(RONDO, target, threads, row.mode))
        if threads > 1:
            entries.append(Entry(RONDO, target, 1, row.mode))
        if row.base:
            entries.append(Entry(RONDO, target, threads, row.base))
    return entries + [Entry(name, "", threads, row.mode) for name in rivals]


class Stable:
    """The workers that are running, one for each entry."""

    def __init__(self, commands: dict[str, str], timeout: float):
        self.commands, self.timeout = commands, timeout
        self.workers: dict[Entry, Worker] = {}

    def worker(self, entry: Entry) -> Worker:
        if entry not in self.workers:
            command = f"{self.commands[entry.program]} {entry.target}"
            self.workers[entry] = Worker(command, entry.threads, self.timeout)
        return self.workers[entry]

    def keep_only(self, entries: list[Entry]) -> None:
        for entry in set(self.workers) - set(entries):
            self.remove(entry)

    def remove(self, entry: Entry) -> None:
        if entry in self.workers:
            self.workers.pop(entry).close()


def run_heat(stable: Stable, row: Row, threads: int, entries: list[Entry], slices: int, milliseconds: float) -> Heat:
    """Sets everyone up and lets them run in turn. Who fails is out, and the heat goes on."""
    target = next(entry.target for entry in entries if entry.program == RONDO)
    heat = Heat(row, threads, target)
    stable.keep_only(entries)

    def fail(entry: Entry, error: WorkerError) -> None:
        heat.failures[entry] = str(error)
        heat.slices.pop(entry, None)
        stable.remove(entry)

    for entry in entries:
        try:
            stable.worker(entry).setup(f"{row.size.words()} {entry.threads} {entry.mode}")
            heat.slices[entry] = []
        except WorkerError as error:
            fail(entry, error)

    busy = {entry: [0.0, 0.0] for entry in heat.slices}
    kept = 0
    for _ in range(slices * (MOST_ROUNDS if threads > 1 else 1)):
        times = {}
        for entry in list(heat.slices):
            time.sleep(PAUSE)
            try:
                worker, start = stable.worker(entry), time.perf_counter()
                before = worker.cpu_seconds()
                times[entry] = worker.run(milliseconds)
                busy[entry][0] += worker.cpu_seconds() - before
                busy[entry][1] += time.perf_counter() - start
            except WorkerError as error:
                fail(entry, error)
        one, two = times.get(heat.fma(threads=1)), times.get(heat.fma(threads=2))
        if threads == 2 and one and two and not had_two_cores(one, two):
            heat.dropped += 1
            continue
        for entry in heat.slices:
            heat.slices[entry].append(times[entry])
        kept += 1
        if kept == slices:
            break
    heat.cores = {entry: cpu / wall for entry, (cpu, wall) in busy.items() if wall > 0}
    return heat
