#!/usr/bin/env bash
# Sets up, lints, checks types and imports, and runs the tests, on all cores.
#
#   scripts/test.sh --quick            leaves out whole runs and graphs, stores, browsers, emulators and scripts
#   scripts/test.sh --python-kernel    all tests, without the compiled kernel
#   scripts/test.sh ARGUMENTS          runs only pytest, with these arguments
set -euo pipefail
cd "$(dirname "$0")/.."

slow=(browser campaigns cloud/rehearsal docker emulators end_to_end examples/test_reading.py graph
  inputs/csv/test_difficult_files.py lifecycle metadata recipes scripts)

check() {
  .venv/bin/ruff check
  .venv/bin/ruff format --check
  .venv/bin/mypy
  .venv/bin/lint-imports
}

# Tests of a file share what they have made, so they stay in one process. Files are begun in the order that
# tests/conftest.py gives them. Many wait for servers and processes, so there is one process more than there are cores.
test_in_parallel() {
  .venv/bin/python -m pytest --numprocesses $(($(nproc) + 1)) --dist loadfile --no-loadscope-reorder "$@"
}

scripts/setup.sh --dev
# The tests that need it are skipped without it, and say so. It takes longest.
[[ ${1-} == --quick ]] || .venv/bin/python scripts/fetch_azurite.py &
.venv/bin/python scripts/fetch_taxi_data.py
.venv/bin/python scripts/fetch_tfx_testdata.py
# The tests that need these files are skipped without them, and say so.
.venv/bin/python scripts/fetch_csv_spectrum.py || true
.venv/bin/python scripts/fetch_protobuf.py || true
wait

case ${1-} in
  '')
    check
    test_in_parallel
    ;;
  --python-kernel)
    BEAM_TAXI_KERNEL=python test_in_parallel "${@:2}"
    ;;
  --quick)
    check
    test_in_parallel "${slow[@]/#/--ignore=tests/}" "${@:2}"
    ;;
  *)
    .venv/bin/python -m pytest "$@"
    ;;
esac
