"""Running a job in a child, so that a module that crashes there is named, tried again, and given up in the end."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cloudpits.spits.errors import InputError, JobFailedError
from cloudpits.spits.files import write_atomically
from cloudpits.spits.processes import describe_exit, fork_child
from cloudpits.spits.programs.marking import Call, Marks

_log = logging.getLogger(__name__)
_EXPECTED: Final = {InputError.exit_code, JobFailedError.exit_code}


def watch_job(run: Callable[[], int], marks: Marks, status: Path | None, most_attempts: int) -> int:
    """The exit code of ``run`` in a child; it runs again when it ended inside a role of the program.

    The call that was under way in each of ``most_attempts`` attempts is to blame: two may be at once, but what had no
    part in it moves on from attempt to attempt. A child that was ended otherwise ends this process in the same way.
    """
    suspects: set[Call] = set()
    for attempt in range(1, most_attempts + 1):
        marks.clear()
        ended = _run_in_child(run)
        calls = marks.read()
        code = os.waitstatus_to_exitcode(ended)
        if code in _EXPECTED or code == -signal.SIGKILL or not calls:
            return _end_likewise(code)
        suspects = suspects.intersection(calls) or set(calls)
        where = " or ".join(map(str, sorted(suspects)))
        _log.error("the job manager %s in %s; attempt %d of %d", describe_exit(ended), where, attempt, most_attempts)
    message = f"{where}: the program crashed the job manager ({describe_exit(ended)}) in {most_attempts} attempts"
    _tell_failure(status, message)
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - this is the command's answer
    return JobFailedError.exit_code


def _run_in_child(run: Callable[[], int]) -> int:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)  # this process ends at once, and its child with it
    return os.waitpid(fork_child(sys.stderr.fileno(), run), 0)[1]


def _end_likewise(code: int) -> int:
    if code < 0:
        os.kill(os.getpid(), -code)
    return code


def _tell_failure(status: Path | None, message: str) -> None:
    """Make the last status the child wrote that of a failed job."""
    if status is None:
        return
    try:
        document = json.loads(status.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        document = {}
    write_atomically(status, {**document, "state": "failed", "message": message})
