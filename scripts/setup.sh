#!/usr/bin/env bash
# Sets up .venv: the locked packages that fit this machine, and beam_taxi itself, editable.
# Running it again does nothing unless a lock, pyproject.toml, setup.py, the kernel or the Python has changed.
#
#   scripts/setup.sh                    installs what a run needs
#   scripts/setup.sh --with aws|azure   also installs what paths in S3, or in Azure, need; can be given twice
#   scripts/setup.sh --dev              also installs what the tests need, S3 and Azure included
#   scripts/setup.sh --which            only prints which stack, lock and Python it would use
#
# PYTHON=/path/to/python chooses the Python. By default it is that of .venv, or the first on PATH that fits.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() {
  printf 'setup: %s\n' "$@" >&2
  exit 1
}

at_least() { # glibc VERSION
  printf 'glibc %s\n%s\n' "$1" "$glibc" | sort --version-sort --check=quiet
}

# Sets glibc and stack. The current TFDV and ML Metadata have wheels for glibc 2.39 and later.
find_stack() {
  [[ $(uname -sm) == 'Linux x86_64' ]] ||
    fail "this is $(uname -sm), but TFDV and ML Metadata have wheels only for Linux x86_64." \
      'Use such a machine, virtual machine or container.'
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null) ||
    fail 'this system has no glibc, which the wheels of TensorFlow need.' \
      'Use one that has glibc, such as Debian, Ubuntu or Fedora.'
  if at_least 2.39; then
    stack=current
  elif at_least 2.28; then
    stack=compatible
  else
    fail "this system has $glibc, and 2.28 is the oldest that any stack fits." \
      'Use a newer system or a container: Debian 10 and RHEL 8 have 2.28.'
  fi
}

# Sets python, version and lock, to the first Python that has a lock for the stack.
find_python() {
  local candidates=(.venv/bin/python python3.{11,12,13,10} python3) found=() locked candidate
  local probe='import sys; print("%d.%d.%d" % sys.version_info[:3], sys._base_executable)'
  [[ -z ${PYTHON:-} ]] || candidates=("$PYTHON")
  for candidate in "${candidates[@]}"; do
    # A name on PATH can be a shim without a Python. Only running it shows that.
    read -r version python < <("$candidate" -c "$probe" 2>/dev/null) || continue
    lock=requirements/$stack-${version%.*}.txt
    [[ ! -f $lock ]] || return 0
    found+=("$candidate is $version")
  done
  locked=$(printf '%s\n' requirements/"$stack"-*.txt | sed -E 's/.*-(.*)\.txt/\1/' | paste -sd ' ')
  printf -v found '%s; ' "${found[@]:-none in ${PYTHON:-PATH}}"
  fail "no Python fits. With $glibc it is the $stack stack, for Python $locked." \
    "Found: ${found%; }." \
    "Install one of these (as packages: pythonX.Y, pythonX.Y-dev and pythonX.Y-venv)," \
    "or name it: PYTHON=/path/to/python $0"
}

check_compilers() {
  local cc cxx headers missing=() need
  read -r cc cxx headers < <("$python" -c 'import sysconfig as s; print(
    *(s.get_config_var(name).split()[0] for name in ("CC", "CXX")), s.get_path("include"))')
  for need in "${CC:-$cc}" "${CXX:-$cxx}"; do
    type -P "$need" >/dev/null || missing+=("$need")
  done
  [[ -f $headers/Python.h ]] || missing+=("$headers/Python.h")
  [[ ${#missing[@]} == 0 ]] ||
    fail "missing: ${missing[*]}" \
      'pyfarmhash and crcmod have no wheels, so their C++ and C is compiled here.' \
      "Install them: apt-get install g++ python${version%.*}-dev (Debian, Ubuntu)" \
      "or dnf install gcc-c++ python${version%.*}-devel (Fedora, RHEL)."
}

create_venv() {
  if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv --clear .venv
  else # Debian's Python without its venv package
    "$python" -m venv --clear --without-pip .venv
    "$python" -m pip --python .venv/bin/python install --quiet pip ||
      fail "$python has neither ensurepip nor pip 22.3 or newer, which could take its place." \
        "Install it: apt-get install python${version%.*}-venv (Debian, Ubuntu)."
  fi
  .venv/bin/python -m pip install --quiet --require-hashes -r requirements/uv.txt
}

# uv is faster. But only pip reads pip.conf, which may name another index.
install() {
  .venv/bin/uv pip install --quiet --python .venv/bin/python --compile-bytecode "$@" && return
  echo 'setup: uv could not install this; trying with pip' >&2
  .venv/bin/python -m pip install --quiet "$@"
}

key() { # FILE...
  { echo "$version" && cat "$@"; } | sha256sum
}

is_current() { # STAMP FILE...
  [[ -f $1 && $(<"$1") == "$(key "${@:2}")" ]]
}

main() {
  local package=(setup.py pyproject.toml beam_taxi/kernel/source/*)
  local stamp=.venv/stamp package_stamp=.venv/stamp-package which=false extras=() extra
  while [[ $# -gt 0 ]]; do
    case "$1 ${2-}" in
      '--dev '*) extras+=(dev) ;;
      '--which '*) which=true ;;
      '--with aws' | '--with azure') extras+=("$2") && shift ;;
      '--with '*) fail "--with takes aws or azure, not '${2-}'." ;;
      *) fail "what is $1? It takes --dev, --with aws, --with azure, --which or nothing." ;;
    esac
    shift
  done

  find_stack
  find_python
  if $which; then
    echo "$stack: $lock with $python ($version, $glibc)"
    return
  fi

  # What was there before comes with a new .venv too.
  for extra in aws azure dev; do
    [[ ! -f .venv/stamp-$extra ]] || extras+=("$extra")
  done
  if ! is_current "$stamp" "$lock"; then
    echo "setup: installing $lock in .venv, with $python ($version, $glibc)"
    check_compilers
    create_venv
    install --no-deps --require-hashes -r "$lock"
    key "$lock" >"$stamp"
  fi
  if ! is_current "$package_stamp" "${package[@]}"; then
    install --no-deps --no-build-isolation --editable .
    key "${package[@]}" >"$package_stamp"
  fi
  for extra in "${extras[@]}"; do
    is_current ".venv/stamp-$extra" "requirements/$extra.txt" && continue
    echo "setup: installing requirements/$extra.txt in .venv"
    install --no-deps --require-hashes -r "requirements/$extra.txt"
    key "requirements/$extra.txt" >".venv/stamp-$extra"
  done
}

main "$@"
