#!/usr/bin/env bash
# Sets up, then lints, checks types and imports, and tests. With arguments: only pytest, with these.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --dev
.venv/bin/python scripts/fetch_taxi_data.py
.venv/bin/python scripts/fetch_tfx_testdata.py
# The tests that need these files are skipped without them, and say so.
.venv/bin/python scripts/fetch_csv_spectrum.py || true
if [[ $# == 0 ]]; then
  .venv/bin/ruff check
  .venv/bin/ruff format --check
  .venv/bin/mypy
  .venv/bin/lint-imports
fi
.venv/bin/python -m pytest "$@"
