"""On what a grid was measured: the processor, the peers' versions."""
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Processor:
    vendor: str
    family: int
    model: int
    name: str
    flags: frozenset[str]

    @staticmethod
    def parse(cpuinfo: str) -> "Processor":
        """Of the text of /proc/cpuinfo."""
        fields = {}
        for line in cpuinfo.splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
        return Processor(fields.get("vendor_id", "unknown"), int(fields.get("cpu family", 0)),
                         int(fields.get("model", 0)), fields.get("model name", "unknown"),
                         frozenset(fields.get("flags", "").split()))

    @staticmethod
    def of_this_machine() -> "Processor":
        return Processor.parse(Path("/proc/cpuinfo").read_text(encoding="utf-8"))

    def to_json(self) -> list:
        return [self.vendor, self.family, self.model, self.name, sorted(self.flags)]

    @staticmethod
    def from_json(fields: list) -> "Processor":
        return Processor(*fields[:4], frozenset(fields[4]))

    def generation(self) -> str:
        """"Zen 4", "Zen 5", or "" for others: the goals know these two."""
        if self.vendor != "AuthenticAMD":
            return ""
        if self.family == 26:
            return "Zen 5"
        zen4 = any(low <= self.model <= high for low, high in ((0x10, 0x1F), (0x60, 0x7F), (0xA0, 0xAF)))
        return "Zen 4" if self.family == 25 and zen4 else ""

    def __str__(self) -> str:
        generation = f", {self.generation()}" if self.generation() else ""
        return f"{self.name} ({self.vendor} family {self.family} model {self.model}{generation})"


VERSIONS = """
import importlib.metadata as m, platform
print("Python", platform.python_version())
for name in ("torch", "keras", "tensorflow-cpu", "jax", "onnxruntime", "numpy"):
    try: print(name, m.version(name))
    except m.PackageNotFoundError: pass
"""


def peer_versions(python: Path) -> list[str]:
    """Of the peers that are installed for this interpreter."""
    return subprocess.run([str(python), "-c", VERSIONS], capture_output=True, text=True, check=True).stdout.splitlines()
