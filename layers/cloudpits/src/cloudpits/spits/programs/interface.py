"""The five roles of a SPITS program, whatever language it is written in.

Everything that crosses this interface is bytes: the runtime never looks inside. A role that does what the interface of
modules forbids (pushes twice, pushes nothing, returns non-zero, raises) ends in ``RoleError``, whose text says which.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cloudpits.spits.errors import SpitsError

Runner = Callable[[Sequence[str], bytes], bytes]
"""What ``spits_main`` calls once per bag of tasks: arguments and job information in, the committed job's result out."""


class RoleError(SpitsError):
    """A role of the program misbehaved; the message says how."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ``spits_worker_run`` returned (0 is success) and pushed."""

    status: int
    data: bytes


class TaskSource(Protocol):
    """The job manager role: gives the tasks of one bag."""

    def next_task(self, task_id: int) -> bytes | None:
        """Data of task ``task_id``, counted from 1; None when there is none left."""

    def close(self) -> None:
        """Finalize."""


class TaskRunner(Protocol):
    """The worker role."""

    def run(self, task_id: int, data: bytes) -> Outcome:
        """Run one task."""

    def close(self) -> None:
        """Finalize."""


class ResultSink(Protocol):
    """The committer role of one bag."""

    def commit(self, task_id: int, data: bytes) -> None:
        """Commit the result of a task."""

    def finish(self) -> bytes:
        """Commit the whole job; its result goes back to ``spits_main``."""

    def close(self) -> None:
        """Finalize."""


class Program(Protocol):
    """A loaded program with its command line."""

    def main(self, runner: Runner) -> int:
        """Run ``spits_main``; its exit status."""

    def job_manager(self, arguments: Sequence[str], jobinfo: bytes) -> TaskSource:
        """A new job manager role."""

    def worker(self) -> TaskRunner:
        """A new worker role."""

    def committer(self, arguments: Sequence[str], jobinfo: bytes) -> ResultSink:
        """A new committer role."""

    def metrics(self) -> dict[str, object]:
        """The program's own metrics, shaped as in the metrics message; empty if it keeps none."""
