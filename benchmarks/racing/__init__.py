"""The parts of benchmarks/grid.py."""
