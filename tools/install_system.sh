#!/usr/bin/env bash
# Installs what pip and npm cannot: MariaDB (the database), Chromium (reports are tested in it), g++ (the example module).
set -euo pipefail
missing=()
command -v mariadbd >/dev/null || [ -x /usr/sbin/mariadbd ] || missing+=(mariadb-server)
command -v chromium >/dev/null || missing+=(chromium)
command -v g++ >/dev/null || missing+=(g++)
command -v ip >/dev/null || [ -x /usr/sbin/ip ] || missing+=(iproute2)
[ ${#missing[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null; then
  echo "cloudpits: please install these with your system's package manager, then try again: ${missing[*]}" >&2
  exit 2
fi
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
echo "installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# The packaged server must not start by itself: CloudPITS runs a private one.
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
