"""Runs the pinned CDK command line of this checkout."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from cloudpits.config.cdk import COMMAND, app, require_cdk
from cloudpits.domain.errors import CloudError


def run_cdk(arguments: Sequence[str]) -> None:
    """Run ``cdk`` in the current folder with its output shown; CloudError when it fails."""
    require_cdk()
    command = [str(COMMAND), *arguments, "--app", app()]
    environment = os.environ | {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
    done = subprocess.run(command, env=environment, stdout=sys.stderr, check=False)  # noqa: S603  # our own command line
    if done.returncode != 0:
        raise CloudError(
            f"cdk {arguments[0]} failed (exit {done.returncode}); its last lines above say why", "CdkFailed"
        )
