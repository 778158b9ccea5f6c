#!/usr/bin/env python3
"""Checks that what the documents (*.md) point at exists.

    tools/check_docs.py              prints file:line for each dead pointer
    tools/check_docs.py --self-test  checks this checker

Checked: relative links with their #anchors, names of files and folders in `back quotes` (`src/core/`, `docs/x.md`,
`tests/*_test.cpp`), and subcommands of ./dev. Blocks of code are skipped, and so are names with <placeholders>, and
links to the web. CHANGELOG.md may name files that are gone.
"""
import re
import sys
import tempfile
from pathlib import Path

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
QUOTED = re.compile(r"`([^`]+)`")
DEV = re.compile(r"\./dev ([a-z]+)")
TOP = ("include/", "src/", "apps/", "python/", "tests/", "examples/", "benchmarks/", "docs/", "tools/", "cmake/")
SKIPPED_FOLDERS = {"build", ".git"}


def lines_outside_code(text):
    """Numbered lines; those inside a fenced block are left out."""
    fenced = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def anchors(path):
    """The anchors that a renderer makes of the headings of a document."""
    found = set()
    for _, line in lines_outside_code(path.read_text(encoding="utf-8")):
        if line.startswith("#"):
            title = line.lstrip("#").strip().lower()
            found.add(re.sub(r"[^\w\- ]", "", title).replace(" ", "-"))
    return found


def link_error(document, target):
    if re.match(r"[a-z]+:", target):
        return None
    name, _, anchor = target.partition("#")
    path = document.parent / name if name else document
    if not path.exists():
        return f"the link leads to {name}, which does not exist"
    if anchor and path.suffix == ".md" and anchor not in anchors(path):
        return f"there is no heading for #{anchor}"
    return None


def name_error(root, name):
    if not name.startswith(TOP) or re.search(r"[<>{}\s]|\.\.\.", name):
        return None
    name = name.split(":")[0].rstrip("/")
    exists = any(root.glob(name)) if "*" in name else (root / name).exists()
    return None if exists else f"{name} does not exist"


def subcommands(root):
    dev = root / "dev"
    return set(re.findall(r"^cmd_([a-z]+)\(\)", dev.read_text(encoding="utf-8"), re.M)) if dev.exists() else set()


def check_tree(root):
    """All dead pointers of a tree, as lines of text, and the number of documents."""
    documents = sorted(p for p in root.rglob("*.md") if not SKIPPED_FOLDERS & set(p.relative_to(root).parts))
    known = subcommands(root)
    errors = []
    for document in documents:
        for number, line in lines_outside_code(document.read_text(encoding="utf-8")):
            found = [link_error(document, target) for target in LINK.findall(line)]
            if document.name != "CHANGELOG.md":
                found += [name_error(root, name) for name in QUOTED.findall(line)]
            found += [f"there is no ./dev {word}" for word in DEV.findall(line) if word not in known]
            errors += [f"{document.relative_to(root)}:{number}: {error}" for error in found if error]
    return errors, len(documents)


def self_test():
    cases = [
        ("[a](docs/a.md) [b](docs/a.md#one-two) [c](#here) [d](https://example.org/x)\n# Here", True),
        ("[a](docs/b.md)", False),
        ("[a](docs/a.md#three)", False),
        ("[a](#nowhere)", False),
        ("`src/core/` `src/core/x.cpp:12` `src/**/*.cpp` `src/<room>/x.cpp` `std::vector` `x/y`", True),
        ("`src/attic/`", False),
        ("`docs/*.txt`", False),
        ("```\n`src/attic/` [a](docs/b.md) ./dev fly\n```", True),
        ("Type `./dev test -R name`.", True),
        ("Type ./dev fly.", False),
    ]
    wrong = 0
    for text, must_pass in cases:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, content in {"docs/a.md": "# One, two!\n", "src/core/x.cpp": "", "dev": "cmd_test() {\n",
                                  "README.md": text}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(content, encoding="utf-8")
            errors, _ = check_tree(root)
            if bool(errors) == must_pass:
                wrong += 1
                print(f"self-test: {text!r} should {'pass' if must_pass else 'fail'}; got {errors}")
    print(f"documents, self-test: {len(cases) - wrong} of {len(cases)} cases right")
    return wrong == 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    errors, documents = check_tree(Path(__file__).resolve().parent.parent)
    print("\n".join(errors) if errors else f"documents: all that {documents} files point at exists")
    return not errors


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
