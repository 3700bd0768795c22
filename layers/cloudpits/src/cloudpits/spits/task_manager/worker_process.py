"""A worker process: one worker role, fed with tasks over a socket by the task manager that forked it.

Frames (big-endian): a task is ``i64 task · i64 length · data``; an answer is
``i64 kind · i64 status · f64 seconds · u32 length of metrics · i64 length · metrics · data``. Tasks may wait in the
socket; each answer leaves before the next task starts, so the first task without an answer is the one a dead process
was running.
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
ANSWER: Final = struct.Struct(">qqdIq")
READY: Final = 0
RESULT: Final = 1
MISBEHAVED: Final = 2
REFUSED: Final = 3
_METRICS_PERIOD_S: Final = 0.02
_ONE_SEND: Final = 1 << 16


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
            began = time.monotonic()
            kind, status, data = _run(worker, *task)
            now = time.monotonic()
            metrics = b""
            if now - told >= _METRICS_PERIOD_S:
                told, metrics = now, _metrics(program)
            _answer(link, kind, status, data, metrics, now - began)


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


def _answer(
    link: socket.socket, kind: int, status: int, data: bytes, metrics: bytes = b"", elapsed_s: float = 0.0
) -> None:
    header = ANSWER.pack(kind, status, elapsed_s, len(metrics), len(data)) + metrics
    if len(data) <= _ONE_SEND:
        link.sendall(header + data)
    else:
        link.sendall(header)
        link.sendall(data)
