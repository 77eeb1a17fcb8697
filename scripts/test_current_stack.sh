#!/usr/bin/env bash
# Tests the current stack on a machine whose glibc is too old for it, in a Debian 13 root (glibc 2.41, Python 3.13) that
# debootstrap and apt make. This needs root, and takes a minute longer the first time.
# Arguments are passed on to scripts/test.sh. BEAM_TAXI_ROOT names the folder of the root; default: .trixie.
set -euo pipefail
cd "$(dirname "$0")/.."

root=${BEAM_TAXI_ROOT:-$PWD/.trixie}
suite=trixie
# dbus-x11 is what chromium needs of D-Bus; left to itself apt takes a package that brings systemd.
packages=ca-certificates,chromium,dbus-x11,fonts-dejavu-core,g++,git,mariadb-server,postgresql,python3,python3-dev,python3-pip,python3-venv

fail() {
  printf 'test_current_stack: %s\n' "$@" >&2
  exit 1
}

. scripts/debian_root.sh

copy_tree() {
  local target=$root/beam_taxi
  mkdir -p "$target"
  find "$target" -mindepth 1 -maxdepth 1 ! -name .venv ! -name data -exec rm -rf {} +
  tree_into "$target"
  # What was built in the tree is gone.
  rm --force "$target/.venv/stamp-package"
  # The root has no npm, which would fetch these.
  [[ ! -d data/csv-spectrum ]] || cp --recursive --parents data/csv-spectrum "$target"
}

if [[ ${1-} == --in-namespace ]]; then
  open_root "$root"
  in_root "$root" /beam_taxi/scripts/test.sh "${@:2}"
  exit
fi

[[ $EUID == 0 ]] || fail 'only root can make and enter a Debian root: run this with sudo.'
build_root "$root" "$suite" "$packages"
copy_tree
# The mounts end with their namespace, however this script ends.
exec unshare --mount --propagation private "$0" --in-namespace "$@"
