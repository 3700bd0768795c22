"""A Python SPITS program whose tasks do nothing: ``nothing.py TASKS``; writes ``rate.txt``.

The rate is that of commits, from the first to the last: what starting the processes takes is no part of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path


class JobManager:
    """Empty tasks."""

    def __init__(self, arguments: Sequence[str], jobinfo: bytes) -> None:  # noqa: ARG002 - the role's signature
        self.left = int(arguments[1])

    def next_task(self) -> bytes | None:
        """The next of them."""
        self.left -= 1
        return b"" if self.left >= 0 else None


class Worker:
    """Does nothing."""

    def __init__(self, arguments: Sequence[str]) -> None:
        pass

    def run(self, task: bytes) -> bytes:
        """The task."""
        return task


class Committer:
    """Notes when results come."""

    def __init__(self, arguments: Sequence[str], jobinfo: bytes) -> None:  # noqa: ARG002 - the role's signature
        self.count = 0
        self.first = self.last = 0.0

    def commit_pit(self, result: bytes) -> None:  # noqa: ARG002 - the role's signature
        """Another one."""
        self.last = time.monotonic()
        self.first = self.first or self.last
        self.count += 1

    def commit_job(self) -> bytes:
        """Commits per second after the first."""
        return str((self.count - 1) / (self.last - self.first) if self.last > self.first else 0.0).encode()


def main(arguments: Sequence[str], runner: Callable[[Sequence[str], bytes], bytes]) -> int:
    """Write the rate."""
    Path("rate.txt").write_bytes(runner(arguments, b""))
    return 0
