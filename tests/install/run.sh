#!/usr/bin/env bash
# run.sh <Rondo's sources> <work folder> <build folders' beginning>: builds and installs Rondo as a user does, then
# builds and runs a stranger's program against it in every way that the README promises.
set -euo pipefail
source=$(realpath "$1") work=$2 build=$3
stranger=$source/tests/install/stranger
rm -rf "$work"
mkdir -p "$work"
work=$(realpath "$work")

# The library is compiled several times here with the flags of preset `release`, its warnings too, and in folders as far
# from the sources: ccache has the objects.
launcher=$(command -v ccache || true)
export CCACHE_DEPEND=1 CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$source
as_tested=-DRONDO_WARNINGS=ON

configure() {  # configure <sources> <build folder> <options...>
  cmake -S "$1" -B "$2" -G Ninja -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" --log-level=WARNING "${@:3}"
}

try() {  # try <title> <options for the stranger's CMake...>
  local title=$1 folder=$build-stranger log=$work/stranger.log
  rm -rf "$folder"
  configure "$stranger" "$folder" -DCMAKE_BUILD_TYPE=Release "${@:2}" >"$log" 2>&1 &&
    cmake --build "$folder" --parallel 2 --target stranger >>"$log" 2>&1 &&
    "$folder/stranger" >>"$log" 2>&1 || { cat "$log"; echo "FAILED: $title"; exit 1; }
  rm -rf "$folder"
  echo "works: $title"
}

build_and_install() {  # build_and_install <name> <options...>
  configure "$source" "$build-$1" "$as_tested" "${@:2}" >"$work/$1.log" 2>&1 &&
    cmake --build "$build-$1" --parallel 2 >>"$work/$1.log" 2>&1 &&
    cmake --install "$build-$1" --prefix "$work/$1" >>"$work/$1.log" 2>&1 ||
    { cat "$work/$1.log"; echo "FAILED: build and install ($1)"; exit 1; }
  rm -rf "$build-$1"  # nothing of the build may be needed any more
  if grep -rnF -e "$source" -e "$work" "$work/$1" --include='*.cmake' --include='*.pc'; then
    echo "FAILED: the installed package ($1) knows folders of the machine that built it"
    exit 1
  fi
  # The package must also work from another place than it was installed to.
  mv "$work/$1" "$work/$1-moved"
}

check_program() {  # check_program <name>: the command line, where CLI11 is found
  local program=$work/$1-moved/bin/rondo
  [[ -e $program ]] || return 0
  "$program" inspect "$source/tests/golden/models/seed_model.keras" >"$work/program.log" 2>&1 ||
    { cat "$work/program.log"; echo "FAILED: bin/rondo ($1)"; exit 1; }
  echo "works: bin/rondo ($1)"
}

build_and_install static
check_program static
try "find_package, core" -DCMAKE_PREFIX_PATH="$work/static-moved" -DRONDO_COMPONENT=core
try "find_package, rondo" -DCMAKE_PREFIX_PATH="$work/static-moved" -DRONDO_COMPONENT=rondo

build_and_install shared -DBUILD_SHARED_LIBS=ON
check_program shared
try "find_package, shared libraries" -DCMAKE_PREFIX_PATH="$work/shared-moved" -DRONDO_COMPONENT=rondo

# The core alone: what is compiled together lies in another folder than elsewhere, so that ccache does not have it.
try "add_subdirectory" -DRONDO_SOURCE="$source" -DRONDO_COMPONENT=core "$as_tested"

for kind in static shared; do
  libraries=$(dirname "$(find "$work/$kind-moved" -name rondo.pc)")
  for package in rondo-core rondo; do
    flags=$(PKG_CONFIG_PATH=$libraries pkg-config --cflags --libs "$package")
    # shellcheck disable=SC2086  # the flags are words
    "${CXX:-c++}" -std=c++20 "$stranger/main.cpp" $flags -o "$work/stranger-pc"
    LD_LIBRARY_PATH=$(dirname "$libraries") "$work/stranger-pc" >"$work/pc.log" ||
      { cat "$work/pc.log"; echo "FAILED: pkg-config $package ($kind)"; exit 1; }
    echo "works: pkg-config $package ($kind)"
  done
done
