"""Which call into the program each thread is in, written where the end of the process does not erase it.

A compiled module that crashes takes the process with it, and with it whatever could tell what the module was doing. So
every call of a job-manager role leaves a mark in memory shared with the process that watches this one.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from cloudpits.spits.programs.interface import Program, ResultSink, Runner, TaskRunner, TaskSource

_MARK: Final = struct.Struct("=qqq")
_SOURCE, _SINK = 0, 1
_ROLES: Final = ("", "job_manager_new", "next_task", "committer_new", "commit_pit", "commit_job")


class Call(NamedTuple):
    """A call under way; ``task_id`` is 0 where no task is concerned."""

    role: str
    run_id: int
    task_id: int

    def __str__(self) -> str:
        task = f"task {self.task_id} of " if self.task_id else ""
        return f"{self.role} of {task}run {self.run_id}"


class _Block:
    """Takes a mark away at its end; no generator, because it is entered for every task and those cost thrice."""

    def __init__(self, memory: mmap.mmap, offset: int) -> None:
        self._memory = memory
        self._offset = offset

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        _MARK.pack_into(self._memory, self._offset, 0, 0, 0)


class Marks:
    """Shared with children forked later. The generator's and the committer's calls have a place each."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 2 * _MARK.size)
        self._blocks = [_Block(self._memory, place * _MARK.size) for place in (_SOURCE, _SINK)]

    def read(self) -> list[Call]:
        """The calls under way."""
        marks = [_MARK.unpack_from(self._memory, place * _MARK.size) for place in (_SOURCE, _SINK)]
        return [Call(_ROLES[role], run_id, task_id) for role, run_id, task_id in marks if role]

    def clear(self) -> None:
        """No call is under way."""
        self._memory[:] = bytes(len(self._memory))

    def call(self, place: int, role: str, run_id: int, task_id: int = 0) -> _Block:
        """Mark the call of a ``with`` block; whatever it raises, it is over then."""
        _MARK.pack_into(self._memory, place * _MARK.size, _ROLES.index(role), run_id, task_id)
        return self._blocks[place]


class MarkedProgram:
    """A program whose job-manager roles leave marks; a bag begins with its committer."""

    def __init__(self, program: Program, marks: Marks) -> None:
        self._program = program
        self._marks = marks
        self._run_id = 0

    def main(self, runner: Runner) -> int:
        return self._program.main(runner)

    def job_manager(self, arguments: Sequence[str], jobinfo: bytes) -> TaskSource:
        with self._marks.call(_SOURCE, "job_manager_new", self._run_id):
            source = self._program.job_manager(arguments, jobinfo)
        return _MarkedSource(source, self._marks, self._run_id)

    def worker(self) -> TaskRunner:
        return self._program.worker()

    def committer(self, arguments: Sequence[str], jobinfo: bytes) -> ResultSink:
        self._run_id += 1
        with self._marks.call(_SINK, "committer_new", self._run_id):
            sink = self._program.committer(arguments, jobinfo)
        return _MarkedSink(sink, self._marks, self._run_id)

    def metrics(self) -> dict[str, object]:
        return self._program.metrics()


class _MarkedSource:
    def __init__(self, source: TaskSource, marks: Marks, run_id: int) -> None:
        self._source = source
        self._marks = marks
        self._run_id = run_id

    def next_task(self, task_id: int) -> bytes | None:
        with self._marks.call(_SOURCE, "next_task", self._run_id, task_id):
            return self._source.next_task(task_id)

    def close(self) -> None:
        self._source.close()


class _MarkedSink:
    def __init__(self, sink: ResultSink, marks: Marks, run_id: int) -> None:
        self._sink = sink
        self._marks = marks
        self._run_id = run_id

    def commit(self, task_id: int, data: bytes) -> None:
        with self._marks.call(_SINK, "commit_pit", self._run_id, task_id):
            self._sink.commit(task_id, data)

    def finish(self) -> bytes:
        with self._marks.call(_SINK, "commit_job", self._run_id):
            return self._sink.finish()

    def close(self) -> None:
        self._sink.close()
