#!/usr/bin/env bash
# Resolves every lock anew, with the newest releases that the *.in files admit.
# Each lock's first lines give the command that makes it alone.
set -euo pipefail
cd "$(dirname "$0")/.."
export UV_PYTHON_DOWNLOADS=never

lock() { # OUTPUT ARGUMENT...
  .venv/bin/uv pip compile --upgrade "${@:2}" --generate-hashes -o "$1" >/dev/null
}

stack() { # NAME MANYLINUX PYTHON
  lock "requirements/$1-$3.txt" "requirements/$1.in" \
    --python-version "$3" --python-platform "x86_64-$2"
}

stack compatible manylinux_2_28 3.11
for python in 3.10 3.11 3.12 3.13; do
  stack current manylinux_2_39 "$python"
done

# The image has each stack's TensorFlow without what only GPUs run; see docker/Dockerfile.
lock requirements/cpu-compatible.txt requirements/cpu-compatible.in --no-deps \
  --python-version 3.11 --python-platform x86_64-manylinux_2_28
lock requirements/cpu-current.txt requirements/cpu-current.in --no-deps \
  --python-version 3.13 --python-platform x86_64-manylinux_2_39

lock requirements/tfx-3.10.txt requirements/tfx.in \
  --python-version 3.10 --python-platform x86_64-manylinux_2_28

lock requirements/uv.txt requirements/uv.in --universal --python-version 3.10

# These go beside any of the stacks: what they share must have one version.
constraints=(--excludes requirements/excluded.in)
for stack in requirements/{compatible,current}-*.txt; do
  constraints+=(-c "$stack")
done
for extra in aws azure; do
  lock "requirements/$extra.txt" "requirements/$extra.in" --universal --python-version 3.10 "${constraints[@]}"
done
lock requirements/dev.txt requirements/dev.in --universal --python-version 3.10 "${constraints[@]}" \
  -c requirements/aws.txt -c requirements/azure.txt
