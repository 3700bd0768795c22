"""A Python SPITS program whose tasks and results have 10 MB each: ``spits_bulk.py TASKS``."""

from __future__ import annotations

from collections.abc import Sequence

SIZE = 10_000_000


class JobManager:
    """Tasks of zeros."""

    def __init__(self, arguments: Sequence[str], jobinfo: bytes) -> None:  # noqa: ARG002 - the role's signature
        self.left = int(arguments[1])

    def next_task(self) -> bytes | None:
        """The next of them."""
        self.left -= 1
        return bytes(SIZE) if self.left >= 0 else None


class Worker:
    """Gives the task back."""

    def __init__(self, arguments: Sequence[str]) -> None:
        pass

    def run(self, task: bytes) -> bytes:
        """The same bytes."""
        return task


class Committer:
    """Counts."""

    def __init__(self, arguments: Sequence[str], jobinfo: bytes) -> None:  # noqa: ARG002 - the role's signature
        self.size = 0

    def commit_pit(self, result: bytes) -> None:
        """Add its length."""
        self.size += len(result)

    def commit_job(self) -> bytes:
        """The sum."""
        return str(self.size).encode()
