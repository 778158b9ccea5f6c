#!/usr/bin/env bash
# check.sh <compiler> <source> <include folder>: the source compiles, and does not with -DRONDO_MISUSE, where the
# compiler's message points at the line marked "// must not compile".
set -euo pipefail
compiler=$1 source=$2 include=$3
compile=("$compiler" -std=c++20 -Wall -Wextra -Wconversion -Werror -fsyntax-only "-I$include")

marked=$(grep -n '// must not compile' "$source" | cut -d: -f1)
if [[ ! $marked =~ ^[0-9]+$ ]]; then
  echo "$source: exactly one line must be marked '// must not compile'"
  exit 1
fi
if ! "${compile[@]}" "$source"; then
  echo "$source: without the misuse it must compile, and does not"
  exit 1
fi
if output=$("${compile[@]}" -DRONDO_MISUSE "$source" 2>&1); then
  echo "$source:$marked: this misuse compiles, and must not"
  exit 1
fi
if ! grep -qF "$source:$marked:" <<<"$output"; then
  echo "$source: it fails, but not because of line $marked:"
  echo "$output"
  exit 1
fi
echo "$source:$marked: refused, as it must be"
