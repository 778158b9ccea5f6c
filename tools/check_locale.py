#!/usr/bin/env python3
"""Checks that nothing in include/ and src/ asks the program's locale, or the state of a stream, for how numbers look.

    tools/check_locale.py              prints file:line, what was found and what to use, for each offence
    tools/check_locale.py --self-test  checks this checker

A user's program may call setlocale, set std::locale::global or leave std::cout in hexadecimal; Rondo's texts and files
must not show it. Numbers become text through core/names.hpp (number_text, fixed_text, scientific_text) and are read by
std::from_chars. std::to_string is for integers alone, which no pattern can see: tests/error_texts_test.cpp and
tests/locale_test.cpp run in a locale with a decimal comma. Tests (*_test.cpp) may use what they like.
"""
import argparse
import re
import sys
from pathlib import Path

USE_NUMBERS = "use number_text, fixed_text or scientific_text of core/names.hpp"
RULES = [
    (r"\bv?[sfd]?n?printf\s*\(", USE_NUMBERS),
    (r"\b(?:strto[df]|strtold|ato[fil]|sto[df]|stold|[fs]?scanf)\s*\(", "use std::from_chars"),
    (r"\bo?stringstream\b|<sstream>|<iomanip>|\bsetprecision\b", USE_NUMBERS + " and strings"),
    (r"\bstd::c(?:out|err|log)\s*<<", "use print of training/terminal.hpp, which no flag of the stream changes"),
    (r"<cctype>|\bstd::(?:is|to)(?:alpha|alnum|digit|space|punct|lower|upper)\b", "compare with 'a' to 'z', or lower_case"),
    (r"\bstrerror(?:_r)?\s*\(|_category\(\)\.message\(", "use system_error_text of core/names.hpp"),
]
# Where a tool is made that the others use.
ALLOWED = {"src/core/names.cpp": "_category().message("}
SUFFIXES = {".hpp", ".h", ".cpp"}


def offences_of(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        code = line.split("//")[0]
        for pattern, instead in RULES:
            match = re.search(pattern, code)
            if match and match.group(0) != ALLOWED.get(path):
                yield f"{path}:{number}: {match.group(0).strip()}: depends on the locale or the stream; {instead}"


def self_test():
    cases = [
        ('std::snprintf(text, sizeof text, "%g", v);', False),
        ("const double v = std::strtod(text, nullptr);", False),
        ("const double v = std::stod(text);", False),
        ("std::ostringstream out;", False),
        ("std::cout << loss;", False),
        ("if (std::isdigit(c)) return;", False),
        ("#include <cctype>", False),
        ("reason = std::generic_category().message(errno);", False),
        ("// as std::snprintf( does", True),
        ("print(number_text(v));", True),
        ("out << text;", True),
        ("std::from_chars(begin, end, v);", True),
        ("fingerprint(model);", True),
    ]
    wrong = [text for text, must_pass in cases if bool(list(offences_of("src/core/a.cpp", text))) == must_pass]
    for text in wrong:
        print(f"self-test: judged wrongly: {text!r}")
    print(f"locale, self-test: {len(cases) - len(wrong)} of {len(cases)} cases right")
    return not wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--self-test", action="store_true", help="check this checker")
    if parser.parse_args().self_test:
        return self_test()
    root = Path(__file__).resolve().parent.parent
    files = sorted(p for top in ("include", "src") for p in (root / top).rglob("*")
                   if p.suffix in SUFFIXES and not p.name.endswith("_test.cpp"))
    offences = [o for p in files for o in offences_of(str(p.relative_to(root)), p.read_text(encoding="utf-8"))]
    print("\n".join(offences) if offences else f"locale: {len(files)} files, none asks for it")
    return not offences


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
