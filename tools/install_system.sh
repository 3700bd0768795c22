#!/usr/bin/env bash
# Installs what pip and npm cannot, from Debian's packages. Usage: install_system.sh PYTHON use|test
set -euo pipefail
python=$1 purpose=$2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin  # a normal user's PATH leaves them out, and the database server lies there
missing=()

# need PACKAGE COMMAND…: notes PACKAGE as missing when one of its commands is, or when its installation was interrupted.
need() {
  local package=$1 command state
  state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || state=unknown
  case $state in half-installed | unpacked | half-configured) missing+=("$package") && return ;; esac
  for command in "${@:2}"; do
    command -v "$command" >/dev/null || { missing+=("$package") && return; }
  done
}

# Only the programs of MariaDB: its package mariadb-server would start a service, and CloudPITS runs servers of its own.
need mariadb-server-core mariadbd mariadb-install-db
need mariadb-client-core my_print_defaults
need g++ g++
if command -v "$python" >/dev/null && ! "$python" -c 'import ensurepip' 2>/dev/null; then missing+=(python3-venv); fi
if [ "$purpose" = test ]; then
  need chromium chromium
  need iproute2 ip
  need mariadb-client mariadb-dump
fi
[ ${#missing[@]} -gt 0 ] || exit 0

if ! command -v apt-get >/dev/null; then
  echo "cloudpits: please install these with your system's package manager, then try again: ${missing[*]}" >&2
  exit 2
fi
remedy="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"

# sudo may ask for a password only where somebody can type one.
may_use_sudo() {
  command -v sudo >/dev/null || return 1
  sudo -n true 2>/dev/null && return
  (: </dev/tty) 2>/dev/null || return 1
  echo "installing ${missing[*]} needs your password for sudo" >&2
  sudo -v
}

sudo=()
if [ "$(id -u)" != 0 ]; then
  sudo=(sudo)
  may_use_sudo || { echo "cloudpits: packages are missing; as an administrator type: $remedy" >&2 && exit 2; }
fi
echo "installing ${missing[*]}" >&2
# as_root COMMAND…: shows what it said only if it fails.
as_root() {
  local said
  said=$("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "$@" 2>&1 </dev/null) || { echo "$said" >&2 && return 1; }
}
# Nobody is asked about a configuration file that lies there already, from an interruption or from an earlier time: it stays.
keep=(--force-confdef --force-confold)
apt=(apt-get -qq -o DPkg::Lock::Timeout=300 "${keep[@]/#/-oDpkg::Options::=}")
# An installation that was interrupted is finished first: apt-get would not begin another.
as_root dpkg "${keep[@]}" --configure -a 2>/dev/null || true
if ! { as_root "${apt[@]}" update && as_root "${apt[@]}" install -y --fix-broken --no-install-recommends "${missing[@]}"; }; then
  echo "cloudpits: apt-get failed, its reason stands above; this is to work: $remedy" >&2
  exit 2
fi
