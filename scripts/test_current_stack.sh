#!/usr/bin/env bash
# Tests the current stack on a machine whose glibc is too old for it: in a Debian 13 root (glibc
# 2.41, Python 3.13) made by debootstrap. Needs root, and a minute more the first time.
# Arguments go to scripts/test.sh. BEAM_TAXI_ROOT names the folder of the root, else .trixie.
set -euo pipefail
cd "$(dirname "$0")/.."

root=${BEAM_TAXI_ROOT:-$PWD/.trixie}
suite=trixie
packages=ca-certificates,g++,git,mariadb-server,postgresql,python3,python3-dev,python3-pip,python3-venv
network='^(PIP_.*|UV_.*|.*_proxy|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE)='

fail() {
  printf 'test_current_stack: %s\n' "$@" >&2
  exit 1
}

build_root() {
  local mirror new=$root.new
  if ! type -P debootstrap >/dev/null; then
    apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap ||
      fail 'debootstrap is missing, and apt-get could not install it.'
  fi
  # The host's own mirror, if it is a Debian; else debootstrap's default.
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
  rm -rf --one-file-system "$new"
  # Unpacks mariadb-server before what that needs, warns, and tries again; starts no service.
  debootstrap --variant=minbase --include="$packages" "$suite" "$new" ${mirror:+"$mirror"}
  echo "$suite $packages" >"$new/built"
  mv "$new" "$root"
}

# The tree as git sees it, with what is not yet committed; what .gitignore names stays there.
copy_tree() {
  local file target=$root/beam_taxi
  mkdir -p "$target"
  find "$target" -mindepth 1 -maxdepth 1 ! -name .venv ! -name data -exec rm -rf {} +
  git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
      [[ ! -e $file ]] || printf '%s\0' "$file"
    done |
    tar --create --null --files-from=- | tar --extract --no-same-owner --directory="$target"
  # The root has no npm to fetch these with.
  [[ ! -d data/csv-spectrum ]] || cp --recursive --parents data/csv-spectrum "$target"
}

# Every file and folder that pip's configuration and the network's variables name.
network_paths() {
  { python3 -m pip config debug 2>/dev/null || true; env | grep -iE "$network" || true; } |
    grep -oE "/[^ ,:']+" | sort -u
}

bind() { # PATH: the host's, at the same path in the root
  if [[ -d $1 ]]; then
    mkdir -p "$root$1"
  else
    mkdir -p "$root$(dirname "$1")"
    [[ -e $root$1 ]] || touch "$root$1"
  fi
  mount --bind "$1" "$root$1"
}

run_tests() {
  local path variables
  mount -t proc proc "$root/proc"
  mount --rbind /dev "$root/dev"
  while read -r path; do
    [[ ! -e $path ]] || bind "$path"
  done < <(printf '%s\n' /etc/hosts /etc/resolv.conf && network_paths)
  mapfile -t variables < <(env | grep -iE "$network|^(CI|TERM)=")
  env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${variables[@]}" \
    chroot "$root" /beam_taxi/scripts/test.sh "$@"
}

if [[ ${1-} == --in-namespace ]]; then
  run_tests "${@:2}"
  exit
fi

[[ $EUID == 0 ]] || fail 'making and entering a Debian root takes root: run it with sudo.'
[[ -e $root ]] || build_root
[[ $(cat "$root/built" 2>/dev/null) == "$suite $packages" ]] ||
  fail "$root is not a root that this script built for these packages: remove it, or set" \
    'BEAM_TAXI_ROOT to another folder.'
copy_tree
# Mounts end with their namespace, however this ends.
exec unshare --mount --propagation private "$0" --in-namespace "$@"
