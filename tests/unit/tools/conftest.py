"""What the tests of the installation share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.unit.tools.machine import STAND_INS, Machine

REPOSITORY = Path(__file__).parents[3]
INPUTS = (
    *("Makefile", "constraints.txt", "package.json", "package-lock.json", "layers/cloudpits/pyproject.toml"),
    *("requirements.txt", "requirements-dev.txt", "requirements-emulator.txt", "requirements-node.txt"),
)
BASIC = ("bash", "cat", "dirname", "env", "flock", "grep", "ln", "make", "mkdir", "mv", "rm", "sha256sum", "touch")
USED = ("g++", "mariadbd", "mariadb-install-db", "my_print_defaults")
TESTED_WITH = ("chromium", "ip", "mariadb-dump")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine that lacks nothing, seen by root; the checkout's path has a space and an umlaut."""
    machine = Machine(tmp_path / "wölkchen und co", tmp_path / "commands")
    machine.commands.mkdir()
    for name in BASIC:
        machine.offer(name, shutil.which(name))
    (machine.commands / "true").write_text("#!/usr/bin/env bash\n")
    (machine.commands / "true").chmod(0o755)
    for name in (*USED, *TESTED_WITH):
        machine.offer(name)
    for path in STAND_INS.iterdir():
        if os.access(path, os.X_OK) and path.name != "uv":
            machine.offer("python3" if path.name == "python" else path.name, path)
    for name in INPUTS:
        (machine.checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, machine.checkout / name)
    shutil.copytree(REPOSITORY / "tools", machine.checkout / "tools")
    return machine
