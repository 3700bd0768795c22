"""Runs the pinned CDK command line of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from cloudpits.domain.errors import CloudError, InvalidInputError

COMMAND = Path("node_modules/.bin/cdk")


def run_cdk(arguments: Sequence[str]) -> None:
    """Run ``cdk`` in the current folder with its output shown; CloudError when it fails."""
    if not COMMAND.exists() or not Path("cdk.json").exists():
        raise InvalidInputError(f"{COMMAND}: not found; type this in the CloudPITS checkout, after make install")
    # The app is run by this very interpreter, so that it finds the packages this command runs with.
    command = [str(COMMAND), *arguments, "--app", f"{sys.executable} app.py"]
    environment = os.environ | {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
    done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)  # noqa: S603  # our own command line
    if done.returncode != 0:
        raise CloudError(
            f"cdk {arguments[0]} failed (exit {done.returncode}); its last lines above say why", "CdkFailed"
        )
