#!/usr/bin/env bash
# compilers.sh <export_c_header> <sunspots.csv> <work folder>: the headers that the example writes compile without a
# warning in every compiler that is found here, and pass their self-test wherever a program can be run: on this machine,
# and on ARM under qemu. For AVR and bare ARM they are compiled alone.
set -euo pipefail
rm -rf "$3"
mkdir -p "$3"
"$1" "$2" "$3" >/dev/null
cd "$3"

models=(sunspots_float sunspots_int16 sunspots_int8)
{
  for model in "${models[@]}"; do echo "#include \"$model.h\""; done
  echo "int main(void) {"
  for model in "${models[@]}"; do
    echo "  {"
    echo "    ${model}_state state; float x[${model}_INPUTS] = {0.5f}, y[${model}_OUTPUTS];"
    echo "    ${model}_init(&state);"
    echo "    ${model}_step(&state, x, y);"
    echo "    if (${model}_self_test() != 0 || !(y[0] > -10.0f && y[0] < 10.0f)) return 1;"
    echo "    if (sizeof state != ${model}_STATE_BYTES) return 2;"
    echo "  }"
  done
  echo "  return 0;"
  echo "}"
} >main.c

strict=(-Wall -Wextra -Wconversion -Wshadow -Werror -pedantic)
compiled=0

# try <title> <how to run it, or "-" for not at all> <compiler and options...>
try() {
  local title=$1 run=$2 compiler=$3
  shift 2
  if ! command -v "$compiler" >/dev/null; then
    echo "not here: $title"
    return
  fi
  if [[ $run == - ]]; then
    "$@" "${strict[@]}" -c main.c -o main.o
  else
    if [[ $run != here ]] && ! command -v "${run%% *}" >/dev/null; then
      echo "not here: ${run%% *} for $title"
      return
    fi
    "$@" "${strict[@]}" main.c -o main -lm
    # shellcheck disable=SC2086  # the command is words
    if [[ $run == here ]]; then ./main; else $run ./main; fi
  fi
  compiled=$((compiled + 1))
  echo "works: $title"
}

for options in "-std=c99 -O0" "-std=c99 -O3" "-std=c11 -O2 -ffp-contract=fast" "-std=c99 -Os" "-O3 -ffast-math"; do
  # shellcheck disable=SC2086  # the options are words
  try "gcc $options" here gcc $options
  # shellcheck disable=SC2086
  try "clang $options" here clang $options
done
for standard in c++11 c++17 c++20; do
  try "g++ $standard" here g++ -x c++ -std=$standard -O2
  try "clang++ $standard" here clang++ -x c++ -std=$standard -O2
done
if [[ $(uname -m) == x86_64 ]]; then try "gcc with the 80 bits of x87" here gcc -std=gnu11 -O3 -mfpmath=387; fi
try "gcc with sanitizers" here gcc -std=c99 -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
try "ARM under qemu" "qemu-arm -L /usr/arm-linux-gnueabihf" arm-linux-gnueabihf-gcc -std=c99 -O2
try "ARM under qemu, NEON" "qemu-arm -L /usr/arm-linux-gnueabihf" arm-linux-gnueabihf-gcc -std=gnu99 -O3 -mfpu=neon-vfpv4
try "Cortex-M4" - arm-none-eabi-gcc -std=c99 -O2 -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16
try "Cortex-M0" - arm-none-eabi-gcc -std=c99 -Os -mcpu=cortex-m0 -mthumb
try "AVR" - avr-gcc -std=c99 -Os -mmcu=atmega2560
echo "$compiled compilers"
((compiled > 0))
