"""``cloudpits doctor``: what this machine has, what is missing, and what to do about it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.table import Table

from cloudpits.cli.options import AsJson
from cloudpits.cli.output import console, print_json
from cloudpits.domain.errors import CloudPitsError, InvalidInputError

PYTHON_NEEDED = (3, 11)
NODE_NEEDED = 20
MISSING_TOOL = "make install (on Debian; elsewhere your package manager)"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: ``remedy`` is empty when it is well; ``needed_for`` says who misses it otherwise."""

    name: str
    found: str
    needed_for: str
    remedy: str = ""


def _version(*command: str) -> str | None:
    """First line of what a tool says of its version; None if it cannot be run."""
    path = shutil.which(command[0]) or shutil.which(command[0], path="/usr/sbin:/usr/bin:/sbin")
    if path is None:
        return None
    try:
        done = subprocess.run([path, *command[1:]], capture_output=True, text=True, timeout=20, check=True)  # noqa: S603  # fixed names, resolved by which
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "yes"


def _tool(name: str, command: tuple[str, ...], needed_for: str, remedy: str) -> Finding:
    version = _version(*command)
    return Finding(name, version or "missing", needed_for, "" if version else remedy)


def python_version() -> Finding:
    """The interpreter that runs this very program."""
    well = sys.version_info >= PYTHON_NEEDED
    return Finding("Python", sys.version.split()[0], "everything", "" if well else "install Python 3.11 or newer")


def node_version() -> Finding:
    """Node.js, which the CDK command line and CDK's Python bindings run on."""
    version = _version("node", "--version")
    well = version is not None and int(version.lstrip("v").partition(".")[0]) >= NODE_NEEDED
    return Finding("Node.js", version or "missing", "deploy, run", "" if well else "make install")


def cdk_command() -> Finding:
    """The pinned CDK command line of this checkout."""
    found = Path("node_modules/.bin/cdk").exists()
    return Finding("CDK command line", "yes" if found else "missing", "deploy, run", "" if found else "make install")


def emulator() -> Finding:
    """The emulated AWS of ``run --local``, in its own virtual environment."""
    found = Path(".venv/emulator/bin/python").exists()
    return Finding("AWS emulator", "yes" if found else "missing", "run --local", "" if found else "make install")


def aws_credentials() -> Finding:
    """Whether boto3 finds credentials; nothing is sent anywhere."""
    import boto3

    found = boto3.Session().get_credentials() is not None
    remedy = "" if found else "aws configure (not needed for run --local, plan and simulate with --prices)"
    return Finding("AWS credentials", "yes" if found else "none", "deploy, live prices", remedy)


def database() -> Finding:
    """The server named by CLOUDPITS_DATABASE_URL, if any."""
    url = os.environ.get("CLOUDPITS_DATABASE_URL")
    if not url:
        return Finding("Database", "private instance per run", "history")
    from cloudpits.adapters.mysql.connection import connect

    try:
        connect(url).close()
    except CloudPitsError as error:
        return Finding("Database", "unreachable", "history", str(error))
    return Finding("Database", "reachable", "history")


CHECKS: tuple[Callable[[], Finding], ...] = (
    python_version,
    node_version,
    cdk_command,
    emulator,
    lambda: _tool("MariaDB", ("mariadbd", "--version"), "run --local", MISSING_TOOL),
    lambda: _tool("C++ compiler", ("g++", "--version"), "examples/pi", MISSING_TOOL),
    lambda: _tool("Chromium", ("chromium", "--version"), "report tests", "make install-test"),
    database,
    aws_credentials,
)
OPTIONAL = {"AWS credentials", "Chromium", "C++ compiler"}


def _show(findings: list[Finding]) -> None:
    table = Table("", "what", "found", "needed for", "remedy")
    for finding in findings:
        mark = "ok" if not finding.remedy else ("--" if finding.name in OPTIONAL else "!!")
        table.add_row(mark, finding.name, finding.found, finding.needed_for, finding.remedy)
    console.print(table)


def doctor(as_json: AsJson = False) -> None:
    """Look at what this machine has and say how to mend what is missing."""
    findings = [check() for check in CHECKS]
    lacking = [finding for finding in findings if finding.remedy and finding.name not in OPTIONAL]
    if as_json:
        print_json(
            {
                "well": not lacking,
                "checks": [
                    {"name": f.name, "found": f.found, "needed_for": f.needed_for, "remedy": f.remedy} for f in findings
                ],
            }
        )
    else:
        _show(findings)
    if lacking:
        raise InvalidInputError(f"{lacking[0].name}: {lacking[0].found}; {lacking[0].remedy}")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(doctor)
