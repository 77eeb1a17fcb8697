#!/usr/bin/env bash
# Rehearses docker/Dockerfile without Docker. It does the steps in Debian roots of its own, one root per stage that begins
# with a Python image. Then it runs the pipeline in the last root, and prints how large the packages are.
#
#   scripts/rehearse_image.sh [ARGUMENT=VALUE ...]
#
# The arguments are those of docker build --build-arg, such as DEBIAN=trixie PYTHON=3.13 STACK=current BEAM=...
# Debian's own Python takes the place of python:VERSION-slim: 3.11 in bookworm, 3.13 in trixie. The boot and launcher
# programs, which come from the images of Beam and Google, are left out. This needs root and about 10 GB, and takes ten
# minutes.
# BEAM_TAXI_ROOT names the folder of the roots; default: .image.
set -euo pipefail
cd "$(dirname "$0")/.."

roots=${BEAM_TAXI_ROOT:-$PWD/.image}
packages=ca-certificates,python3,python3-dev,python3-venv
declare -A arguments=() # of the build, by name
declare -A stages=()    # roots, by the name of their stage
globals=()              # ARG NAME=DEFAULT before the first FROM
variables=()            # NAME=VALUE from this stage's ARG and ENV
root='' folder=/

fail() {
  printf 'rehearse_image: %s\n' "$@" >&2
  exit 1
}

. scripts/debian_root.sh

# Prints one instruction per line, without comments.
instructions() {
  sed -E '/^[[:space:]]*(#|$)/d' docker/Dockerfile | sed -E -e ':again' -e '/\\$/{N;s/\\\n[[:space:]]*//;b again' -e '}'
}

# Prints TEXT with this stage's $NAME and ${NAME} replaced, as Docker does outside RUN.
expand() {
  local text=$1 variable name value
  for variable in "${variables[@]}"; do
    name=${variable%%=*} value=${variable#*=}
    text=${text//"\${$name}"/"$value"}
    text=$(sed -E "s|\\\$$name\b|${value//|/\\|}|g" <<<"$text")
  done
  printf '%s' "$text"
}

set_variable() { # NAME=VALUE
  local index
  for index in "${!variables[@]}"; do
    [[ ${variables[$index]%%=*} != "${1%%=*}" ]] || unset "variables[$index]"
  done
  variables+=("$1")
}

declare_argument() { # NAME or NAME=DEFAULT
  local name=${1%%=*} known value=
  [[ $1 != *=* ]] || value=${1#*=}
  for known in "${globals[@]}"; do
    [[ ${known%%=*} != "$name" || $1 == *=* ]] || value=${known#*=}
  done
  set_variable "$name=${arguments[$name]-$value}"
}

begin_stage() { # IMAGE [AS NAME]
  local image suite
  [[ -n $root ]] || globals=("${variables[@]}")
  variables=("${globals[@]}")
  image=$(expand "$1")
  variables=("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
  folder=/
  if [[ $image != python:* ]]; then
    root=none
    stages[$3]=none
    return
  fi
  suite=${image##*-}
  build_root "$roots/$suite" "$suite" "$packages"
  root=$roots/${3:-final}
  stages[${3:-final}]=$root
  rm -rf --one-file-system "$root"
  cp --archive "$roots/$suite" "$root"
  open_root "$root"
}

copy() { # [--from=STAGE] SOURCE... TARGET
  local from=$roots/context target=${*: -1} sources=("${@:1:$#-1}") source
  if [[ $1 == --from=* ]]; then
    from=${stages[${1#--from=}]}
    sources=("${sources[@]:1}")
    [[ $from != none ]] || return 0
  fi
  [[ $target == /* ]] || target=$folder/$target
  for source in "${sources[@]}"; do
    if [[ -d $from/$source ]]; then # its content, as Docker does
      mkdir -p "$root$target"
      cp --archive "$from/$source/." "$root$target/"
    else
      [[ $target != */ && ${#sources[@]} == 1 ]] || mkdir -p "$root$target"
      cp --archive "$from/$source" "$root$target"
    fi
  done
}

run() { # COMMAND: in this stage's root, with its variables
  in_root "$root" /usr/bin/env --chdir="$folder" "${variables[@]}" /bin/sh -c "$1"
}

follow() {
  local line keyword rest words word
  while IFS= read -r line; do
    printf '\n\033[1m%s\033[0m\n' "${line:0:160}"
    keyword=${line%% *} rest=${line#* }
    read -ra words <<<"$rest"
    [[ $root != none || $keyword == FROM ]] || fail "this script cannot do $keyword in a stage of another image"
    case $keyword in
      ARG) declare_argument "$rest" ;;
      FROM) begin_stage "${words[@]}" ;;
      ENV)
        # All of them see the values from before this instruction.
        mapfile -t words < <(for word in "${words[@]}"; do expand "$word" && echo; done)
        for word in "${words[@]}"; do
          set_variable "$word"
        done
        ;;
      WORKDIR)
        folder=$rest
        mkdir -p "$root$folder"
        ;;
      COPY)
        mapfile -t words < <(for word in "${words[@]}"; do expand "$word" && echo; done)
        copy "${words[@]}"
        ;;
      RUN) run "$rest" ;;
      LABEL | ENTRYPOINT) ;;
      *) fail "what is $keyword? This script knows ARG, FROM, ENV, WORKDIR, COPY, RUN, LABEL and ENTRYPOINT." ;;
    esac
  done < <(instructions)
}

# Checks what the image must be able to do with its last stage alone.
check() {
  printf '\n\033[1mIn the last stage:\033[0m\n'
  run '! command -v gcc g++ cc c++ ld' || fail 'the last stage has a compiler'
  [[ $(run 'command -v python') == /opt/beam_taxi/bin/python ]] || fail 'python is not the one in /opt/beam_taxi'
  run 'python -m pip --version' # Beam's boot program calls this.
  run '{ echo fare,company && seq 1 2000 | sed "s/.*/&.5,Company &/"; } >/tmp/trips.csv'
  run 'python /template/main.py --input /tmp/trips.csv --output /tmp/out --run_id rehearsal && ls -R /tmp/out/runs/rehearsal'
  rm -r "$root/tmp/trips.csv" "$root/tmp/out"
}

measure() {
  local by
  printf '\nThe layer of packages, /opt/beam_taxi: %s MB' "$(du --summarize --block-size=1M "$root/opt/beam_taxi" | cut -f 1)"
  for by in gzip zstd; do
    ! type -P "$by" >/dev/null ||
      printf ', %s MB by %s' "$(($(tar --create --directory="$root" opt/beam_taxi | "$by" -c | wc -c) / 1048576))" "$by"
  done
  printf '.\n'
}

[[ $EUID == 0 ]] || fail 'only root can make and enter Debian roots: run this with sudo.'
if [[ ${1-} != --in-namespace ]]; then
  # The mounts end with their namespace, however this script ends.
  exec unshare --mount --propagation private "$0" --in-namespace "$@"
fi
for argument in "${@:2}"; do
  [[ $argument == ?*=* ]] || fail "what is $argument? It takes build arguments, NAME=VALUE."
  arguments[${argument%%=*}]=${argument#*=}
done
rm -rf --one-file-system "$roots/context"
mkdir -p "$roots/context"
tree_into "$roots/context"
follow
check
measure
