# For scripts that work in a Debian root of their own, made by debootstrap and entered by chroot. They source this file
# after they have defined fail MESSAGE...
# shellcheck shell=bash

# The variables that configure pip and the network. A root gets the same ones.
network='^(PIP_.*|UV_.*|.*_proxy|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE)='

build_root() { # FOLDER SUITE PACKAGES
  local mirror
  [[ ! -e $1 ]] || {
    [[ $(cat "$1/built" 2>/dev/null) == "$2 $3" ]] ||
      fail "$1 is not a root that this script built for these packages: remove it, or set" \
        'BEAM_TAXI_ROOT to another folder.'
    return
  }
  if ! type -P debootstrap >/dev/null; then
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends debootstrap; } ||
      fail 'debootstrap is missing, and apt-get could not install it.'
  fi
  # The host's own mirror if it runs Debian, otherwise debootstrap's default.
  # shellcheck disable=SC2016
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' | head -n 1)
  rm -rf --one-file-system "$1.new"
  # This unpacks some packages before those that they need, warns, and tries again. It starts no service.
  debootstrap --variant=minbase --include="$3" "$2" "$1.new" ${mirror:+"$mirror"}
  echo "$2 $3" >"$1.new/built"
  mv "$1.new" "$1"
}

# Copies the tree as git sees it, with uncommitted files, but without those that .gitignore names.
tree_into() { # FOLDER
  local file
  git ls-files -z --cached --others --exclude-standard |
    while IFS= read -r -d '' file; do
      [[ ! -e $file ]] || printf '%s\0' "$file"
    done |
    tar --create --null --files-from=- | tar --extract --no-same-owner --directory="$1"
}

# Prints every file and folder that pip's configuration and the network's variables name. An index in a folder named
# simple may link to files beside it, so the folder's parent is printed.
network_paths() {
  { python3 -m pip config debug 2>/dev/null || true; env | grep -iE "$network" || true; } |
    grep -oE "/[^ ,:']+" | sed -E 's|^/+|/|; s|/simple/?$||' | sort -u
}

bind() { # ROOT PATH: the host's PATH, at the same place in the root
  if [[ -d $2 ]]; then
    mkdir -p "$1$2"
  else
    mkdir -p "$1$(dirname "$2")"
    [[ -e $1$2 ]] || touch "$1$2"
  fi
  mount --bind "$2" "$1$2"
}

# Mounts what a root's programs need. The mounts end with their namespace.
open_root() { # FOLDER
  local path
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  while read -r path; do
    [[ ! -e $path ]] || bind "$1" "$path"
  done < <(printf '%s\n' /etc/hosts /etc/resolv.conf && network_paths)
}

in_root() { # FOLDER COMMAND...
  local variables
  mapfile -t variables < <(env | grep -iE "$network|^(CI|TERM)=")
  env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${variables[@]}" chroot "$@"
}
