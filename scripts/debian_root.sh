# For scripts that work in a Debian root of their own, which debootstrap and apt make and chroot enters. They source this
# file after they have defined fail MESSAGE...
# shellcheck shell=bash

# The variables that configure pip and the network. A root gets the same ones.
network='^(PIP_.*|UV_.*|.*_proxy|SSL_CERT_(FILE|DIR)|(REQUESTS|CURL)_CA_BUNDLE)='

build_root() { # FOLDER SUITE PACKAGES, with commas between them
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
  debootstrap --variant=minbase --include=ca-certificates "$2" "$1.new" ${mirror:+"$mirror"}
  # The rest by apt, which chooses among packages that provide what another needs; debootstrap does not. Its mounts end
  # with a namespace of their own.
  # shellcheck disable=SC2016
  unshare --mount --propagation private bash -euo pipefail -c '. "$1"; install_into "${@:2}"' bash \
    "${BASH_SOURCE[0]}" "$1.new" "$3" || fail "apt-get could not install packages into $1.new."
  echo "$2 $3" >"$1.new/built"
  mv "$1.new" "$1"
}

install_into() { # FOLDER PACKAGES
  local options=(-qq -o APT::Sandbox::User=root)
  # What apt trusts of the host, but not at its own place: some packages put certificates there.
  if [[ -n ${SSL_CERT_FILE-} ]]; then
    cp "$SSL_CERT_FILE" "$1/tmp/certificates.crt"
    options+=(-o Acquire::https::CAInfo=/tmp/certificates.crt)
  fi
  # No service starts, now or later; Docker's images of Debian have the same.
  printf '#!/bin/sh\nexit 101\n' >"$1/usr/sbin/policy-rc.d"
  chmod +x "$1/usr/sbin/policy-rc.d"
  mount_system "$1"
  in_root "$1" apt-get "${options[@]}" update
  # shellcheck disable=SC2086
  in_root "$1" env DEBIAN_FRONTEND=noninteractive \
    apt-get "${options[@]}" install --yes --no-install-recommends ${2//,/ }
  in_root "$1" apt-get clean
  rm -f "$1/tmp/certificates.crt"
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

# What any program in a root needs: processes, devices, and the names of hosts.
mount_system() { # FOLDER
  local path
  mount -t proc proc "$1/proc"
  mount --rbind /dev "$1/dev"
  for path in /etc/hosts /etc/resolv.conf; do
    [[ ! -e $path ]] || bind "$1" "$path"
  done
}

# Mounts what a root's programs need, pip among them. Mounts end with their namespace.
open_root() { # FOLDER
  local path
  mount_system "$1"
  while read -r path; do
    [[ ! -e $path ]] || bind "$1" "$path"
  done < <(network_paths)
}

in_root() { # FOLDER COMMAND...
  local variables
  mapfile -t variables < <(env | grep -iE "$network|^(CI|TERM)=")
  env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${variables[@]}" chroot "$@"
}
