"""The script with which an instance starts: fetch the agent, run it, and end with it."""

from __future__ import annotations

from cloudpits.config.agent import AgentDocument, embed
from cloudpits.config.errors import InvalidInputError
from infra.bundling import INSTANCE_PYTHON

LIMIT_BYTES = 16_384  # EC2's limit on user data before encoding
_TOKENS_ALLOWANCE = 2_048  # names that CloudFormation fills in are longer than their placeholders
_HOME = "/opt/cloudpits"

# Whatever happens, the instance ends (its shutdown behaviour is to terminate): a failed start costs a minute, no more.
_PREAMBLE = """#!/bin/bash
trap 'shutdown -h now' EXIT
set -euo pipefail
exec > >(tee -a /var/log/cloudpits.log | logger -t cloudpits -s 2>/dev/console) 2>&1"""


def user_data(document: AgentDocument, bundle: str, environment: dict[str, str]) -> str:
    """User data that starts the agent of ``document`` from ``bundle`` (s3 URI); InvalidInputError if it is too long."""
    exports = {"AWS_DEFAULT_REGION": document.region, **environment}
    python = f"python{INSTANCE_PYTHON}"
    lines = [
        _PREAMBLE,
        *(f"export {name}={value}" for name, value in exports.items()),
        embed(document),
        f"timeout 300 dnf install -y -q {python}",
        f"{python} -m venv --without-pip {_HOME}",
        f"timeout 300 aws s3 cp --quiet {bundle} /tmp/agent.zip",
        f"{python} -m zipfile -e /tmp/agent.zip {_HOME}",
        f"chmod +x {_HOME}/bin/*",
        f"{_HOME}/bin/cloudpits-agent",
    ]
    script = "\n".join(lines) + "\n"
    if len(script.encode()) > LIMIT_BYTES - _TOKENS_ALLOWANCE:
        raise InvalidInputError("program.arguments: too long for an instance's user data; put them into a data file")
    return script
