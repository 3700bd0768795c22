#!/usr/bin/env bash
# Installs the pinned CDK command line into node_modules.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null || ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then
  echo "cloudpits: Node.js 20 or newer with npm is needed (Debian: apt-get install nodejs npm, or nodejs.org)" >&2
  exit 2
fi
npm ci --no-audit --no-fund --loglevel=error --no-update-notifier
