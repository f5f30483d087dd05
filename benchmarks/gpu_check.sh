#!/usr/bin/env bash
# Proves the GPU's kernels on a GPU, offline: build, the suite, compute-sanitizer, the comparison with PyTorch.
#
#   benchmarks/gpu_check.sh [--dry-run] [build] [test] [sanitize] [compare]     all four parts by default
#
# Needs a Python with cupy, torch, pytest, pybind11 and scikit-build-core, an nvcc and a driver. Each part ends within
# ten minutes; logs and results go to $OUT (benchmarks/results/gpu), and a short table is printed last.
set -uo pipefail
cd "$(dirname "$0")/.."
out=${OUT:-benchmarks/results/gpu}
python=${PYTHON:-python3}
architectures=${FASTNN_CUDA_ARCHITECTURES:-90-real}
dry=
parts=()
for argument in "$@"; do
  case $argument in
    --dry-run) dry=1 ;;
    build | test | sanitize | compare) parts+=("$argument") ;;
    *) echo "expected --dry-run, build, test, sanitize or compare, got $argument" >&2; exit 2 ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(build test sanitize compare)

# The generic tests of the table of operations, which take any backend, and those of the GPU alone.
suite=(tests/test_reference.py tests/test_errors.py tests/test_views.py tests/test_special_values.py tests/test_out.py
  tests/cuda)
options=(-q -p no:cacheprovider --backend cuda --require-gpu)

# run NAME command...: to the log of that name; the table says how it ended.
declare -A results
status=0
run() {
  local name=$1
  shift
  echo "\$ $*"
  if [ -n "$dry" ]; then
    results[$name]="not run"
    return 0
  fi
  timeout 600 "$@" >"$out/$name.log" 2>&1
  local code=$?
  results[$name]=$([ $code = 0 ] && echo passed || echo "failed with $code")
  [ $code = 0 ] || status=1
  tail -n 4 "$out/$name.log"
}

[ -n "$dry" ] || mkdir -p "$out"
for part in "${parts[@]}"; do
  case $part in
    build)
      run build "$python" -m pip install -v --no-build-isolation --no-index --no-deps --no-cache-dir . \
        -Cbuild-dir=build/gpu -Ccmake.define.FASTNN_CUDA=ON -Ccmake.define.FASTNN_CUDA_ARCHITECTURES="$architectures"
      ;;
    test) run test "$python" -m pytest "${suite[@]}" "${options[@]}" ;;
    sanitize)
      for tool in memcheck racecheck initcheck synccheck; do
        run "$tool" compute-sanitizer --tool "$tool" --error-exitcode 3 \
          "$python" -m pytest tests/cuda/test_each_kernel.py "${options[@]}"
      done
      ;;
    compare) run compare "$python" benchmarks/gpu_compare.py --out "$out" ;;
  esac
done

echo
for name in build test memcheck racecheck initcheck synccheck compare; do
  [ -z "${results[$name]:-}" ] || printf '%-10s %s\n' "$name" "${results[$name]}"
done
exit $status
