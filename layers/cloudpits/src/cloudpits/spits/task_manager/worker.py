"""One worker process as the task manager sees it: the socket to it, and the tasks it has been given."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from cloudpits.spits import wire
from cloudpits.spits.errors import InputError, PeerError
from cloudpits.spits.processes import describe_exit, fork_child
from cloudpits.spits.programs.interface import Program
from cloudpits.spits.stream import Stream
from cloudpits.spits.task_manager import worker_process
from cloudpits.spits.task_manager.hand import Held

_NEVER_S: Final = 1e9  # a task may be silent for as long as it likes
_FATE_POLL_S: Final = 0.01
_FATE_POLLS: Final = 1000
_ONE_WRITE: Final = 1 << 16


class CrashedError(Exception):
    """The worker process ended in the middle of something."""


@dataclass(slots=True)
class Given:
    """A task in a worker's socket or running; ``taken_back`` once its answer matters no more."""

    task: Held
    taken_back: bool = False
    warned: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a worker said about its oldest task; ``metrics`` is JSON or empty."""

    status: int
    data: bytes
    metrics: bytes
    elapsed_s: float


class Worker:
    """A worker process. ``given`` are its tasks, the running one first."""

    def __init__(self, pid: int, stream: Stream) -> None:
        self.pid = pid
        self.fate = ""
        self.given: deque[Given] = deque()
        self.began = 0.0
        self._stream = stream

    @classmethod
    async def start(cls, load: Callable[[], Program]) -> Worker:
        """Fork one; the program is loaded in it."""
        ours, theirs = socket.socketpair()
        descriptor = theirs.fileno()
        pid = fork_child(descriptor, lambda: worker_process.serve(descriptor, load))
        theirs.close()
        _, stream = await asyncio.get_running_loop().create_connection(lambda: Stream(_NEVER_S), sock=ours)
        return cls(pid, stream)

    async def become_ready(self) -> None:
        """Until the program is loaded; ``InputError`` if it cannot be."""
        kind, answer = await self._next_answer()
        if kind == worker_process.REFUSED:
            raise InputError(answer.data.decode(errors="replace"))

    def give(self, tasks: Sequence[Held]) -> None:
        """Queue tasks for it."""
        if not self.given:
            self.began = time.monotonic()
        self.given += [Given(task) for task in tasks]
        parts = [part for task in tasks for part in (_header(task), task.data)]
        together = sum(map(len, parts)) <= _ONE_WRITE
        for part in [b"".join(parts)] if together else parts:
            self._stream.write(part)

    async def answer(self) -> tuple[Given, Answer]:
        """Its oldest task and what became of it; ``CrashedError`` if the process died of it."""
        kind, answer = await self._next_answer()
        self.began = time.monotonic()
        if kind == worker_process.MISBEHAVED:
            answer = Answer(wire.STATUS_FAILED, answer.data, answer.metrics, answer.elapsed_s)
        return self.given.popleft(), answer

    def doom(self, fate: str) -> None:
        """End the process; ``answer`` then raises, and ``fate`` says why."""
        self.fate = fate
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the process and forget it."""
        self._stream.abort()
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    async def _next_answer(self) -> tuple[int, Answer]:
        try:
            header = await self._stream.read(worker_process.ANSWER.size)
            kind, status, elapsed_s, metrics_size, size = worker_process.ANSWER.unpack(header)
            metrics = await self._stream.read(metrics_size)
            return kind, Answer(status, await self._stream.read(size), metrics, elapsed_s)
        except PeerError:
            await self._learn_fate()
            raise CrashedError from None

    async def _learn_fate(self) -> None:
        for _ in range(_FATE_POLLS):
            pid, status = _poll_exit(self.pid)
            if pid:
                self.pid = 0
                self.fate = self.fate or f"the worker process {describe_exit(status)}"
                return
            await asyncio.sleep(_FATE_POLL_S)
        self.fate = self.fate or "the worker process went silent"


def _poll_exit(pid: int) -> tuple[int, int]:
    return os.waitpid(pid, os.WNOHANG)


def _header(task: Held) -> bytes:
    return worker_process.TASK.pack(task.task_id, len(task.data))
