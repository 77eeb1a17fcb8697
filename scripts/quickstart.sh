#!/usr/bin/env bash
# Sets up .venv, fetches the real Chicago taxi trips, and runs the whole pipeline on them.
# Arguments are passed on to main.py, as in: scripts/quickstart.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
.venv/bin/python scripts/fetch_taxi_data.py
.venv/bin/python main.py --input 'data/taxi/*.csv' --output out "$@"

echo
echo 'Open its report, report/index.html, in a browser. out/ has the examples, statistics, schema and metadata.'
echo 'To run it on your own CSV: .venv/bin/python main.py --input FILES --output FOLDER'
