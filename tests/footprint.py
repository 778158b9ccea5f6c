#!/usr/bin/env python3
"""Bounds what a program with Rondo in it costs: its size when stripped, and its memory while it runs.

    sh -c 'PROGRAM > /dev/null && exec tests/footprint.py PROGRAM STRIP'

The program must be run by the very process that then becomes this script, which reads its peak from there. (Started by
Python itself, a program is charged with the memory of Python.)
"""
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE_MB, MEMORY_MB = 7, 10.0


def stripped_mb(program: str, strip: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        stripped = Path(folder) / "stripped"
        subprocess.run([strip, "-o", str(stripped), program], check=True)
        return stripped.stat().st_size / 1e6


def main() -> bool:
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6  # before there are other children
    if memory == 0 or len(sys.argv) != 3:
        print(__doc__)
        return False
    size = stripped_mb(*sys.argv[1:])
    print(f"{Path(sys.argv[1]).name}: {size:.2f} MB stripped, at most {SIZE_MB:g}; "
          f"{memory:.2f} MB of memory at the peak, at most {MEMORY_MB:g}")
    return size <= SIZE_MB and memory <= MEMORY_MB


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
