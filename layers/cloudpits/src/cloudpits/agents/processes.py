"""The SPITS program an agent looks after, as a child process."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from cloudpits.domain.errors import InvalidInputError

logger = logging.getLogger(__name__)
LOG_TAIL_BYTES = 4096


class Child(Protocol):
    """A program that can be started again after it ended."""

    def start(self) -> None: ...

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it); None while it runs."""
        ...

    def terminate(self) -> None:
        """Ask it to end in good order (SIGTERM)."""
        ...

    def kill(self) -> None:
        """End it now (SIGKILL) and wait until it has."""
        ...

    def last_words(self) -> str:
        """The last line it wrote to its log."""
        ...


class Process:
    """A child with its output appended to ``log``. It stays in the agent's process group and ends with it.

    To a file, Python and C keep back what is printed, kilobytes at a time: lost when the child is killed, and written
    after the error that ended it otherwise. A Python child is told not to, and has C do likewise in its process.
    """

    def __init__(self, command: Sequence[str], folder: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._command = tuple(command)
        self._folder = folder
        self._log = log
        self._environment = {**environment, "PYTHONUNBUFFERED": "1"}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        logger.info("starting %s", " ".join(self._command))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # the command is ours, its arguments are the user's own
                self._command, cwd=self._folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def poll(self) -> int | None:
        return None if self._process is None else self._process.poll()

    def terminate(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def last_words(self) -> str:
        try:
            with self._log.open("rb") as log:
                log.seek(max(0, self._log.stat().st_size - LOG_TAIL_BYTES))
                lines = log.read().decode(errors="replace").split("\n")
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def find_program(name: str) -> str:
    """Path of one of our commands: beside the running interpreter, else on the search path."""
    found = shutil.which(name, path=os.path.dirname(sys.executable)) or shutil.which(name)  # noqa: PTH120  # str for which
    if found is None:
        raise InvalidInputError(f"{name}: no such command beside {sys.executable}; install the cloudpits package there")
    return found
