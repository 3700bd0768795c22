"""A worker process: one worker role, fed with tasks over a socket by the task manager that forked it.

Frames (big-endian): a task is ``i64 task · i64 length · data``; an answer is
``i64 kind · i64 status · u32 length of metrics · i64 length · metrics · data``.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable
from typing import BinaryIO, Final

from cloudpits.spits.errors import SpitsError
from cloudpits.spits.programs.interface import Program, RoleError, TaskRunner

TASK: Final = struct.Struct(">qq")
ANSWER: Final = struct.Struct(">qqIq")
READY: Final = 0
RESULT: Final = 1
MISBEHAVED: Final = 2
REFUSED: Final = 3
_METRICS_PERIOD_S: Final = 0.02


def serve(descriptor: int, load: Callable[[], Program]) -> int:
    """In the child: load the program, then run tasks until the task manager closes the socket."""
    with socket.socket(fileno=descriptor) as link:
        try:
            program = load()
            worker = program.worker()
        except SpitsError as error:
            _answer(link, REFUSED, 0, str(error).encode())
            return error.exit_code
        except Exception as error:  # noqa: BLE001 - a Python program's constructor may raise anything
            _answer(link, REFUSED, 0, f"the worker could not start: {type(error).__name__}: {error}".encode())
            return 1
        _answer(link, READY, 0, b"")
        _serve_tasks(link, program, worker)
        worker.close()
    return 0


def _serve_tasks(link: socket.socket, program: Program, worker: TaskRunner) -> None:
    told = 0.0
    with link.makefile("rb") as incoming:
        while (task := _next(incoming)) is not None:
            kind, status, data = _run(worker, *task)
            now = time.monotonic()
            metrics = b""
            if now - told >= _METRICS_PERIOD_S:
                told, metrics = now, _metrics(program)
            _answer(link, kind, status, data, metrics)


def _next(incoming: BinaryIO) -> tuple[int, bytes] | None:
    header = incoming.read(TASK.size)
    if len(header) < TASK.size:
        return None
    task_id, size = TASK.unpack(header)
    return task_id, incoming.read(size)


def _run(worker: TaskRunner, task_id: int, data: bytes) -> tuple[int, int, bytes]:
    try:
        outcome = worker.run(task_id, data)
    except RoleError as error:
        return MISBEHAVED, 0, str(error).encode()
    return RESULT, outcome.status, outcome.data


def _metrics(program: Program) -> bytes:
    metrics = program.metrics()
    return json.dumps(metrics).encode() if metrics else b""


def _answer(link: socket.socket, kind: int, status: int, data: bytes, metrics: bytes = b"") -> None:
    link.sendall(ANSWER.pack(kind, status, len(metrics), len(data)) + metrics)
    link.sendall(data)
