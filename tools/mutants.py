#!/usr/bin/env python3
"""Changes the library on purpose, one place at a time, and reports which changes the tests do not notice.

    ./dev mutants                      all of them (about half an hour on two processors)
    ./dev mutants --only chunk,relay   those whose name has one of the words in it
    tools/mutants.py --check           only whether every change still finds its place in the sources (part of ./dev test)

A change that no test notices is a line of the library that could be wrong without anybody knowing: it wants a test. The
changes are in tools/mutants_list.py; add one where a new loop, key, bound or refresh came into the house.

Nothing happens to your checkout: a copy stands in build/mutants, with one instruction set beside the scalar one, so that
kernels compile quickly.
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mutants_list import MUTANTS

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / "build/mutants/tree"
BUILD = ROOT / "build/mutants/build"

# In the order in which they notice most for their time; each stops at its first failure.
TESTS = [
    ("rondo_tests", "*", "ThreadPool.*:HostExecutor.*"),
    ("rondo_acceptance", "*Conformance*:Golden*:*Sizes*", "*ManyWeights*"),
    ("rondo_acceptance", "*RandomGraphs*:*RandomModels*:Reproducib*:*NotFinite*:*Tutorial*", ""),
    ("rondo_acceptance", "*", "*Conformance*:Golden*:*Sizes*:*RandomGraphs*:*RandomModels*:Reproducib*:*NotFinite*:*Tutorial*"),
    ("rondo_acceptance", "*ManyWeights*", ""),
    ("rondo_tests", "ThreadPool.*:HostExecutor.*", ""),
]
NOT_HERE = "Reproducibility.EveryInstructionSetOfThisProcessorIsThere"  # most are left out


def misplaced(root: Path) -> list[str]:
    """What is wrong with the list itself."""
    faults, names = [], set()
    for mutant in MUTANTS:
        if mutant.name in names:
            faults.append(f"two changes are called '{mutant.name}'")
        names.add(mutant.name)
        path = root / mutant.file
        count = path.read_text().count(mutant.before) if path.exists() else 0
        if count != 1:
            faults.append(f"'{mutant.name}': its text stands {count} times in {mutant.file}; it must be there once")
        if mutant.before == mutant.after:
            faults.append(f"'{mutant.name}' changes nothing")
    return faults


def run(command: list[str], **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          **options)


def copy_tree() -> None:
    """The tracked files as they stand, into TREE; unchanged files keep their time, so that little is built again."""
    listed = run(["git", "-C", ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]).stdout.split("\0")
    wanted = {name for name in listed if name and (ROOT / name).is_file()}
    for name in wanted:
        source, target = ROOT / name, TREE / name
        if target.exists() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for path in sorted(TREE.rglob("*"), reverse=True):
        if path.is_file() and str(path.relative_to(TREE)) not in wanted:
            path.unlink()


def build() -> subprocess.CompletedProcess:
    return run(["cmake", "--build", BUILD, "--parallel", os.cpu_count(), "--target", "rondo_tests", "rondo_acceptance"])


def configure() -> None:
    done = run(["cmake", "-S", TREE, "-B", BUILD, "-G", "Ninja", "-DRONDO_DEVELOPER=ON", "-DCMAKE_BUILD_TYPE=Release",
                "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -w", "-DRONDO_DISABLED_TARGETS=HWY_SSSE3|HWY_SSE4|HWY_AVX3|HWY_AVX3_DL"])
    if done.returncode != 0:
        sys.exit(done.stdout)


def start_shard(program: str, tests: str, but: str, shard: int) -> subprocess.Popen:
    environment = {**os.environ, "GTEST_TOTAL_SHARDS": str(os.cpu_count()), "GTEST_SHARD_INDEX": str(shard)}
    output = tempfile.TemporaryFile("w+")
    process = subprocess.Popen([BUILD / "tests" / program, f"--gtest_filter={tests}-{NOT_HERE}:{but}", "--gtest_fail_fast",
                                "--gtest_brief=1"], cwd=BUILD / "tests", env=environment, stdout=output,
                               stderr=subprocess.STDOUT)
    process.output = output
    return process


def failure_of(program: str, process: subprocess.Popen) -> str | None:
    """What the test program that has ended says, None if all is well."""
    if process.returncode == 0:
        return None
    process.output.seek(0)
    failed = [line for line in process.output if line.startswith("[  FAILED  ]")]
    return failed[0].split("] ")[1].split(",")[0].split(" (")[0].strip() if failed else f"{program} crashed"


def run_tests(program: str, tests: str, but: str) -> str | None:
    """The first failure of these tests, which processes share; the others end with the one that fails."""
    running = [start_shard(program, tests, but, shard) for shard in range(os.cpu_count())]
    give_up = time.monotonic() + 900
    try:
        while running:
            for process in [process for process in running if process.poll() is not None]:
                running.remove(process)
                failure = failure_of(program, process)
                if failure:
                    return failure
            if time.monotonic() > give_up:
                return f"{program} did not end"
            time.sleep(0.05)
        return None
    finally:
        for process in running:
            process.kill()
            process.wait()


def first_failure() -> str | None:
    """The first test that fails, None if none does."""
    for program, tests, but in TESTS:
        failure = run_tests(program, tests, but)
        if failure:
            return failure
    return None


def try_one(mutant) -> str:
    path = TREE / mutant.file
    original = path.read_text()
    path.write_text(original.replace(mutant.before, mutant.after))
    try:
        if build().returncode != 0:
            return "does not compile"
        return first_failure() or "SURVIVED"
    finally:
        path.write_text(original)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="words of the names, several with commas between")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    faults = misplaced(ROOT)
    if faults:
        print(*faults, sep="\n")
        return 1
    if options.check:
        print(f"{len(MUTANTS)} changes find their place")
        return 0

    chosen = [mutant for mutant in MUTANTS if any(words in mutant.name for words in options.only.split(","))]
    copy_tree()
    configure()
    done = build()
    if done.returncode != 0:
        print(done.stdout[-4000:])
        return 1
    failing = first_failure()
    if failing:
        print(f"The tests fail without any change: {failing}")
        return 1
    bad = 0
    for mutant in chosen:
        start = time.monotonic()
        result = try_one(mutant)
        bad += result in ("SURVIVED", "does not compile")
        print(f"{mutant.name:60} {result}  ({time.monotonic() - start:.0f} s)", flush=True)
    print(f"{len(chosen) - bad} of {len(chosen)} changes were noticed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
