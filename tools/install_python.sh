#!/usr/bin/env bash
# Makes .venv with the pinned dependencies and the package itself (editable). Usage: install_python.sh PYTHON REQUIREMENTS
#
# .venv/.complete has a line for each file of requirements that was installed to the end: for this folder, this Python and
# these versions. Without it .venv is made anew, for it was interrupted, or moved, or its Python was replaced.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 requirements=$2
pins=(constraints.txt requirements.txt requirements-emulator.txt layers/cloudpits/pyproject.toml)
# Trust what the system trusts: company networks sign with certificates of their own.
export UV_SYSTEM_CERTS=true

fail() { echo "cloudpits: $1" >&2 && exit 2; }
inside() { .venv/bin/uv pip install --quiet --python "$1/bin/python" "${@:2}"; }

line_for() {
  { pwd -P && .venv/bin/python -c 'import sys; print(sys.implementation.cache_tag)' && cat "${pins[@]}" "$1"; } 2>/dev/null |
    sha256sum
}
complete() { grep -qsxF "$(line_for "$1")" .venv/.complete; }

check_python() {
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
    fail "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3 …"
  "$python" -c 'import ensurepip' 2>/dev/null ||
    fail "$python makes no virtual environments; as an administrator type: apt-get install python3-venv"
}

make_anew() {
  [ ! -e .venv ] || echo "making .venv anew: it is unfinished, or was made elsewhere or by another Python" >&2
  rm -rf .venv/.complete .venv
  check_python
  "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
  # The emulator pins its own botocore, so it lives in an environment of its own; our extension of it needs no more.
  .venv/bin/python -m venv --without-pip .venv/emulator
  inside .venv/emulator -r requirements-emulator.txt
  inside .venv/emulator --no-deps -e ./layers/cloudpits
}

# What is interrupted in here leaves no .complete.
install() {
  local lines
  lines=$(cat .venv/.complete 2>/dev/null) || true
  rm -f .venv/.complete
  inside .venv -c constraints.txt -r "$1" -e './layers/cloudpits[cli]'
  printf '%s\n' "$lines" "$(line_for "$1")" >.venv/.complete.new
  mv .venv/.complete.new .venv/.complete
}

if ! complete requirements.txt; then
  make_anew
  install requirements.txt
fi
complete "$requirements" || install "$requirements"
