#!/usr/bin/env bash
# Installs what is missing, and says nothing when nothing is. Usage: install.sh PYTHON use|test
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 purpose=$2
mkdir -p "$HOME"
# Two installations at once would undo each other's work: the second waits, and then finds everything done.
exec 9<requirements.txt
if command -v flock >/dev/null; then flock 9; fi
tools/install_system.sh "$python" "$purpose"
tools/install_python.sh "$python" requirements.txt
tools/install_node.sh
if [ "$purpose" = test ]; then tools/install_python.sh "$python" requirements-dev.txt; fi
