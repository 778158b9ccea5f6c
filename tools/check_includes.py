#!/usr/bin/env python3
"""Checks that includes follow the arrows of the house (docs/architecture.md).

    tools/check_includes.py              checks include/, src/ and apps/; prints file:line and the rule for each offence
    tools/check_includes.py --self-test  checks this checker

Rules:
  1. A room includes itself and the rooms that it may know (MAY_KNOW), whether through "room/file.hpp" or through a
     public header <rondo/file.hpp>, which belongs to a room as well (PUBLIC_HEADERS).
  2. Files of the house are included from src/ on: "core/names.hpp", never "names.hpp" or "../core/names.hpp".
  3. A public header includes <rondo/...> and the standard library, nothing else.
  4. Programs (apps/) are strangers: they include public headers, libraries of the system, and files beside them.
Unit tests (*_test.cpp) may know every room, because they may build a whole model to test one part of it.
"""
import argparse
import re
import sys
import tempfile
from pathlib import Path

# The main line: each room knows those before it.
LINE = ["core", "kernels", "engine", "graph", "layers", "training"]
MAY_KNOW = {room: set(LINE[:i + 1]) for i, room in enumerate(LINE)}
MAY_KNOW["data"] = {"core", "data"}
for room in ("formats", "forecast", "distributed"):
    MAY_KNOW[room] = {*LINE, "data", room}
MAY_KNOW["apps"] = set(MAY_KNOW) | {"apps"}

# The room of each public header, or folder of them: the innermost that may know it. What it declares may be defined further out, as
# Model::save is in formats.
PUBLIC_HEADERS = {
    "data_source": "core",
    "dtype_policy": "core",
    "error": "core",
    "inputs": "core",
    "keras_compat": "core",
    "random": "core",
    "shape": "core",
    "tensor": "core",
    "tensor_ops": "core",
    "version": "core",
    "compute": "kernels",
    "initializers": "graph",
    "layer": "graph",
    "symbol": "graph",
    "activations": "layers",
    "constraints": "layers",
    "custom_layer": "layers",
    "layers": "layers",
    "regularizers": "layers",
    "callbacks": "training",
    "diagnosis": "training",
    "extend": "training",
    "history": "training",
    "losses": "training",
    "metrics": "training",
    "model": "training",
    "optimizers": "training",
    "schedules": "training",
    "stream": "training",
    "data": "data",
    "npy": "data",
    "rows": "data",
    "audio": "formats",
    "export": "formats",
    "onnx": "formats",
    "checkpoints": "formats",
    "inspection": "formats",
    "plot": "formats",
    "saving": "formats",
    "tensorboard": "formats",
    "rondo": "apps",  # includes all, so nothing in the house may include it
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
STANDARD = re.compile(r"^[a-z0-9_]+$")  # <vector>, <cstdint>: no dot, no slash
SUFFIXES = {".hpp", ".h", ".cpp"}


def arrow_error(room, other):
    if other in MAY_KNOW[room]:
        return None
    return f"{room} may know {', '.join(r for r in MAY_KNOW if r in MAY_KNOW[room])}; not {other}"


def public_header_error(room, target):
    """Why a file of `room` may not include <rondo/target>; None if it may."""
    name = target.removeprefix("rondo/").removesuffix(".hpp").split("/")[0]
    if name not in PUBLIC_HEADERS:
        return f"<{target}> is not in PUBLIC_HEADERS of tools/check_includes.py: say there which room it belongs to"
    return arrow_error(room, PUBLIC_HEADERS[name])


def include_error(room, is_public, root, folder, bracket, target):
    """Why a file of `room`, in `folder`, may not include `target`; None if it may."""
    if bracket == "<" and target.startswith("rondo/"):
        return public_header_error(room, target)
    if is_public:
        if bracket == "<" and STANDARD.match(target):
            return None
        return "a public header includes only <rondo/...> and the standard library"
    if bracket == "<":
        return None  # a library of the system
    if room == "apps":
        return None if (folder / target).exists() else "a program includes <rondo/...> and files beside it alone"
    other = target.split("/")[0]
    if other in MAY_KNOW and (root / "src" / target).exists():
        return arrow_error(room, other)
    return f'"{target}" is not a file of src/; files are included from there on, as "core/names.hpp"'


def check_file(root, path):
    """The offences of one file, as (line number, include, rule)."""
    parts = path.relative_to(root).parts
    if path.name.endswith("_test.cpp"):
        return
    is_public = parts[0] == "include"
    if is_public:
        room = PUBLIC_HEADERS.get(parts[2].removesuffix(".hpp"))
        if room is None:
            yield 1, path.name, public_header_error(None, "/".join(parts[1:]))
            return
    else:
        room = parts[0] if parts[0] == "apps" else parts[1]
        if room not in MAY_KNOW:
            yield 1, path.name, f"src/{room} is not a room; the rooms are {', '.join(MAY_KNOW)}"
            return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        match = INCLUDE.match(line)
        error = match and include_error(room, is_public, root, path.parent, *match.groups())
        if error:
            yield number, match.group(2), error


def check_tree(root):
    """All offences of a tree, as lines of text, and the number of files read."""
    files = sorted(p for top in ("include", "src", "apps") for p in (root / top).rglob("*") if p.suffix in SUFFIXES)
    offences = [f"{path.relative_to(root)}:{number}: {include}: {error}"
                for path in files for number, include, error in check_file(root, path)]
    return offences, len(files)


def self_test():
    """Each case is one file; it says what is included and whether that must pass."""
    existing = ["core/names.hpp", "kernels/table.hpp", "layers/lstm.hpp", "training/model.hpp", "data/csv.hpp",
                "formats/keras.hpp", "forecast/pipeline.hpp"]
    cases = [
        ("src/core/a.cpp", '#include "core/names.hpp"', True),
        ("src/core/a.cpp", "#include <vector>\n#include <hwy/highway.h>", True),
        ("src/core/a.cpp", '#include "kernels/table.hpp"', False),
        ("src/core/a.cpp", '  #  include "kernels/table.hpp"', False),
        ("src/core/a.cpp", "#include <rondo/data.hpp>", False),
        ("src/core/a.cpp", '// #include "kernels/table.hpp"', True),
        ("src/kernels/a-inl.h", '#include "layers/lstm.hpp"', False),
        ("src/layers/parts/a.cpp", '#include "kernels/table.hpp"', True),
        ("src/layers/a.cpp", '#include "training/model.hpp"', False),
        ("src/layers/a_test.cpp", '#include "training/model.hpp"', True),
        ("src/training/a.cpp", '#include "layers/lstm.hpp"', True),
        ("src/training/a.cpp", '#include "data/csv.hpp"', False),
        ("src/data/a.cpp", '#include "core/names.hpp"\n#include <rondo/tensor.hpp>', True),
        ("src/data/a.cpp", '#include "kernels/table.hpp"', False),
        ("src/formats/a.cpp", '#include "training/model.hpp"', True),
        ("src/formats/a.cpp", '#include "forecast/pipeline.hpp"', False),
        ("src/formats/a.cpp", "#include <rondo/rondo.hpp>", False),
        ("src/core/a.cpp", '#include "names.hpp"', False),
        ("src/core/a.cpp", '#include "../core/names.hpp"', False),
        ("src/core/a.cpp", '#include "core/missing.hpp"', False),
        ("src/attic/a.cpp", "", False),
        ("apps/rondo/a.cpp", '#include <rondo/rondo.hpp>\n#include <CLI/CLI.hpp>\n#include "a.cpp"', True),
        ("apps/rondo/a.cpp", '#include "formats/keras.hpp"', False),
        ("apps/rondo/a.cpp", '#include "core/names.hpp"', False),
        ("include/rondo/tensor.hpp", "#include <vector>\n#include <rondo/shape.hpp>", True),
        ("include/rondo/tensor.hpp", "#include <hwy/highway.h>", False),
        ("include/rondo/tensor.hpp", "#include <unistd.h>", False),
        ("include/rondo/tensor.hpp", '#include "core/names.hpp"', False),
        ("include/rondo/tensor.hpp", "#include <rondo/compute.hpp>", False),
        ("include/rondo/data.hpp", "#include <rondo/compute.hpp>", False),
        ("include/rondo/unlisted.hpp", "", False),
        ("include/rondo/rondo.hpp", "#include <rondo/tensor.hpp>\n#include <rondo/data.hpp>", True),
    ]
    wrong = 0
    for path, text, must_pass in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name in existing:
                (root / "src" / name).parent.mkdir(parents=True, exist_ok=True)
                (root / "src" / name).touch()
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text + "\n", encoding="utf-8")
            offences, _ = check_tree(root)
            if bool(offences) == must_pass:
                wrong += 1
                print(f"self-test: {path} with {text!r} should {'pass' if must_pass else 'fail'}; got {offences}")
    print(f"include directions, self-test: {len(cases) - wrong} of {len(cases)} cases right")
    return wrong == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true", help="check this checker")
    if parser.parse_args().self_test:
        return self_test()
    offences, files = check_tree(Path(__file__).resolve().parent.parent)
    print("\n".join(offences) if offences else f"include directions: {files} files, all along the arrows")
    return not offences


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
