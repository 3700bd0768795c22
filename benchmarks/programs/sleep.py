"""A Python SPITS program whose tasks take one second and no CPU: ``spits_sleep.py TASKS``; writes ``spans.json``."""

from __future__ import annotations

import json
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
    """Sleeps."""

    def __init__(self, arguments: Sequence[str]) -> None:
        pass

    def run(self, task: bytes) -> bytes:  # noqa: ARG002 - the role's signature
        """When it began and ended."""
        began = time.time()
        time.sleep(1.0)
        return json.dumps([began, time.time()]).encode()


class Committer:
    """Collects the spans."""

    def __init__(self, arguments: Sequence[str], jobinfo: bytes) -> None:  # noqa: ARG002 - the role's signature
        self.spans: list[list[float]] = []

    def commit_pit(self, result: bytes) -> None:
        """Keep one."""
        self.spans.append(json.loads(result))

    def commit_job(self) -> bytes:
        """All of them."""
        return json.dumps(self.spans).encode()


def main(arguments: Sequence[str], runner: Callable[[Sequence[str], bytes], bytes]) -> int:
    """Write the spans."""
    Path("spans.json").write_bytes(runner(arguments, b""))
    return 0
