"""How the pinned CDK command line of this checkout is called, from the checkout's folder."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from cloudpits.domain.errors import InvalidInputError

COMMAND = Path("node_modules/.bin/cdk")


def app() -> str:
    """The app for ``--app``, run by this very interpreter so that it finds the packages this command runs with.

    The CDK hands it to a shell, and an interpreter's path may hold spaces.
    """
    return shlex.join([sys.executable, "app.py"])


def require_cdk() -> None:
    """InvalidInputError unless the CDK can be run in the current folder."""
    if not COMMAND.exists() or not Path("cdk.json").exists():
        raise InvalidInputError(f"{COMMAND}: not found; type this in the CloudPITS checkout, after make install")
