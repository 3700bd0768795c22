"""Arguments and options that several commands share, worded once."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from cloudpits.config.experiment import RUN_ID
from cloudpits.domain.errors import InvalidInputError

PROCESSES_PER_CORE = 8

_Path = TypeVar("_Path", Path, str, Path | None, str | None)


def shown(parameter: Any) -> str:
    """How the help names an option (``--prices``) or an argument (``EXPERIMENT``)."""
    option = parameter.opts[0]
    return str(option if option.startswith("-") else parameter.metavar or option.upper())


def _a_file(parameter: typer.CallbackParam, path: _Path) -> _Path:
    """What is not there, or holds something else, is for its reader to say."""
    if path is not None and Path(path).is_dir():
        raise InvalidInputError(f"{shown(parameter)}: {path} is a folder; name a file")
    return path


def _run_id(run: str | None) -> str | None:
    if run is not None and not re.fullmatch(RUN_ID, run):
        raise InvalidInputError(
            f"--run: {run!r} is not usable; give up to 63 letters, digits or any of -_. (not first)"
        )
    return run


def _some_processes(jobs: int) -> int:
    if jobs == 0:
        raise InvalidInputError("--jobs: 0 processes compute nothing; give at least 1, or -1 for one per core")
    most = PROCESSES_PER_CORE * (os.cpu_count() or 1)
    if jobs > most:
        raise InvalidInputError(f"--jobs: {jobs} processes would choke this machine; give at most {most}, or -1")
    return jobs


def _writable(path: Path | None) -> Path | None:
    """Said before hours of simulation, not after them."""
    if path is not None and (path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK)):
        raise InvalidInputError(f"--report: {path} cannot be written; name a file in a directory that you may write to")
    return path


Experiment = Annotated[
    Path,
    typer.Argument(
        metavar="EXPERIMENT", callback=_a_file, help="Experiment file (TOML), such as examples/experiments/pi.toml."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout and nothing else.")]
_LOG = typer.Option(
    "--prices",
    metavar="LOG",
    callback=_a_file,
    help="Recorded price log: tab separated timestamp, region, az, instance_type, os, price; .xz accepted.",
)
Prices = Annotated[Path | None, _LOG]
PriceLog = Annotated[Path, _LOG]
Performance = Annotated[
    str | None,
    typer.Option(
        "--performance",
        metavar="FILE",
        callback=_a_file,
        help="Measured tasks/s per type (CSV: instance_type,rate_mean,rate_stdev,samples) instead of the database's "
        "history; 'none' means no history at all.",
    ),
]
Workload = Annotated[
    str | None, typer.Option("--workload", metavar="NAME", help="Which workload's rows of the performance file count.")
]
Runs = Annotated[int, typer.Option("--runs", min=1, metavar="N", help="Simulated runs, one random seed each.")]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="S", help="First random seed; equal seeds, equal results.")]
Jobs = Annotated[
    int,
    typer.Option("--jobs", min=-1, metavar="N", callback=_some_processes, help="Processes to use; -1: one per core."),
]
Regime = Annotated[
    str,
    typer.Option(
        "--regime", metavar="NAME", help="World to play: calm, or a synthetic, harsher one (see docs/commands.md)."
    ),
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE.html", callback=_writable, help="Also write a self-contained HTML report."),
]
RunId = Annotated[
    str | None, typer.Option("--run", metavar="ID", callback=_run_id, help="Run id; default: the name and the time.")
]
Dump = Annotated[
    Path,
    typer.Argument(metavar="DUMP", callback=_a_file, help="mysqldump of the original's database, .gz accepted."),
]
UseFor = Annotated[
    Path | None,
    typer.Option(
        "--use-for",
        metavar="EXPERIMENT",
        callback=_a_file,
        help="Experiment whose history these measurements become.",
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
