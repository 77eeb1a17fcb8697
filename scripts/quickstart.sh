#!/usr/bin/env bash
# The real Chicago taxi trips through the whole pipeline, from nothing: sets up, fetches, runs.
# Arguments go to main.py: scripts/quickstart.sh --help
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
.venv/bin/python scripts/fetch_taxi_data.py
.venv/bin/python main.py --input 'data/taxi/*.csv' --output out "$@"

echo
echo 'Open its report, report/index.html, in a browser; out/ has the examples, statistics, schema and metadata.'
echo 'Run it on your own CSV with: .venv/bin/python main.py --input FILES --output FOLDER'
