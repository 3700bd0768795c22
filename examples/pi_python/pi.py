"""Monte-Carlo π as a Python SPITS program: no compiler needed.

Arguments: samples per task, number of tasks. Task k draws its points from a generator seeded with k. The result has one
line per task (id, points inside the circle) and the estimate last; it is printed and written to ``$PI_RESULT``, or
``./result.txt``.
"""

from __future__ import annotations

import os
import random
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

PAIR = struct.Struct(">qq")


class JobManager:
    """Generates the tasks: pairs of task id and number of samples."""

    def __init__(self, arguments: Sequence[str], jobinfo: bytes) -> None:  # noqa: ARG002 - the role's signature
        self.samples, self.last = int(arguments[1]), int(arguments[2])
        self.next = 1

    def next_task(self) -> bytes | None:
        """The next task, None after the last."""
        if self.next > self.last:
            return None
        task = PAIR.pack(self.next, self.samples)
        self.next += 1
        return task


class Worker:
    """Runs one task at a time."""

    def __init__(self, arguments: Sequence[str]) -> None:
        pass

    def run(self, task: bytes) -> bytes:
        """Count the points inside the quarter circle."""
        task_id, samples = PAIR.unpack(task)
        draw = random.Random(task_id).random  # noqa: S311 - sampling, not secrets
        inside = sum(draw() ** 2 + draw() ** 2 < 1.0 for _ in range(samples))
        return PAIR.pack(task_id, inside)


class Committer:
    """Collects the results, in whatever order they come."""

    def __init__(self, arguments: Sequence[str], jobinfo: bytes) -> None:  # noqa: ARG002 - the role's signature
        self.samples = int(arguments[1])
        self.inside: dict[int, int] = {}

    def commit_pit(self, result: bytes) -> None:
        """Keep one result; a second one of the same task would show."""
        task_id, inside = PAIR.unpack(result)
        self.inside[task_id] = self.inside.get(task_id, 0) + inside

    def commit_job(self) -> bytes:
        """One line per task, and the estimate."""
        lines = [f"{task_id} {inside}\n" for task_id, inside in sorted(self.inside.items())]
        points = self.samples * len(self.inside)
        lines.append(f"pi {4 * sum(self.inside.values()) / points if points else 0:.12f}\n")
        return "".join(lines).encode()


def main(arguments: Sequence[str], runner: Callable[[Sequence[str], bytes], bytes]) -> int:
    """Run the only bag and keep its result."""
    result = runner(arguments, b"")
    Path(os.environ.get("PI_RESULT", "result.txt")).write_bytes(result)
    sys.stdout.write(result.decode())
    return 0
