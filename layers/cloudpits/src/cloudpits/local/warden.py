"""Leaves no process behind: ends every process of an embedded cloud when its starter is gone, however it ended.

All processes of an embedded cloud carry its mark in their environment, and children inherit it. The warden is a
process of its own that holds the read end of a pipe; when the starter closes the other end (or the kernel does,
because the starter was killed), it kills whatever carries the mark. Linux only (``/proc``).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "CLOUDPITS_LOCAL_MARK"
_PATIENCE_S = 10.0


def marked(mark: str) -> Iterator[int]:
    """Process ids of all processes that carry ``mark``, except the caller's."""
    entry = os.fsencode(f"{MARK}={mark}")
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            with contextlib.suppress(OSError):  # it ended in the meantime, or is another user's
                if entry in (folder / "environ").read_bytes().split(b"\0") and not _zombie(folder):
                    yield int(folder.name)


def _zombie(folder: Path) -> bool:
    return (folder / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"


def sweep(mark: str) -> int:
    """Kill all marked processes; repeated, because one may be starting another. Returns how many were killed."""
    killed: set[int] = set()
    deadline = time.monotonic() + _PATIENCE_S
    while (found := list(marked(mark))) and time.monotonic() < deadline:
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed.update(found)
        time.sleep(0.02)
    return len(killed)


class Warden:
    """Starts the warden process; ``dismiss`` has it do its work now and waits until it is done."""

    def __init__(self, mark: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603 -- our own module
            [sys.executable, "-m", "cloudpits.local.warden", mark],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C must not reach it
        )

    def dismiss(self) -> None:
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdin.buffer.read()
    sweep(sys.argv[1])
