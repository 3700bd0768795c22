#!/usr/bin/env bash
# Makes .venv with the pinned dependencies and the package itself (editable). Usage: install_python.sh PYTHON
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "cloudpits: Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3 …" >&2
  exit 2
fi
[ -x .venv/bin/python ] || "$python" -m venv .venv
# Trust what the system trusts: company networks sign with certificates of their own.
export UV_SYSTEM_CERTS=true
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
.venv/bin/uv pip install --quiet --python .venv/bin/python -c constraints.txt -r requirements-dev.txt -e './layers/cloudpits[cli]'
# The emulator pins its own botocore, so it lives in an environment of its own; our extension of it needs no more.
[ -x .venv/emulator/bin/python ] || "$python" -m venv .venv/emulator
.venv/bin/uv pip install --quiet --python .venv/emulator/bin/python -r requirements-emulator.txt
.venv/bin/uv pip install --quiet --python .venv/emulator/bin/python --no-deps -e ./layers/cloudpits
