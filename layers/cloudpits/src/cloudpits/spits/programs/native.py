"""Compiled modules: the five roles through the C interface.

Foreign calls release the interpreter lock, so the job manager's generator, committer and conversations overlap.
A module that crashes takes its process with it; the task manager therefore runs workers in processes of their own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cloudpits.spits.programs import abi
from cloudpits.spits.programs.interface import Outcome, RoleError, Runner
from cloudpits.spits.programs.native_metrics import NativeMetrics


def load_native(path: Path, command_line: Sequence[str]) -> NativeProgram:
    """Load a compiled module of either ABI; ``InputError`` says what it lacks."""
    module = abi.open_module(path)
    metrics = NativeMetrics(module.library) if module.version == 2 else None  # noqa: PLR2004 - the ABI's number
    return NativeProgram(module, command_line, metrics)


class NativeProgram:
    """A loaded module with its command line."""

    def __init__(self, module: abi.Module, command_line: Sequence[str], metrics: NativeMetrics | None) -> None:
        self._library = module.library
        self._metrics = metrics
        self._command_line = command_line
        self._keep_alive: list[object] = []  # C holds pointers to these until the process ends

    def main(self, runner: Runner) -> int:
        """Run ``spits_main``. A failing runner ends the program by whatever it raised, once C++ has returned."""
        failures: list[BaseException] = []

        def call_runner(argc: int, argv: Any, jobinfo: int | None, size: int, result: Any, result_size: Any) -> int:
            arguments = [argv[i].decode() for i in range(argc)]
            try:
                data = runner(arguments, ctypes.string_at(jobinfo, size) if jobinfo else b"")
            except BaseException as error:  # noqa: BLE001 - nothing may unwind through C++; raised again below
                failures.append(error)
                return 1
            buffer = ctypes.create_string_buffer(data, max(1, len(data)))
            self._keep_alive.append(buffer)
            result[0] = ctypes.cast(buffer, ctypes.c_void_p) if data else None
            result_size[0] = len(data)
            return 0

        callback = abi.RunnerFunction(call_runner)
        argv = abi.argument_vector(self._command_line)
        status = self._library.spits_main(len(argv) - 1, argv, callback)
        if failures:
            raise failures[0]
        return int(status)

    def job_manager(self, arguments: Sequence[str], jobinfo: bytes) -> NativeTaskSource:
        return NativeTaskSource(self._library, *self._new("job_manager", arguments, jobinfo, len(jobinfo)))

    def worker(self) -> NativeTaskRunner:
        return NativeTaskRunner(self._library, *self._new("worker", self._command_line))

    def committer(self, arguments: Sequence[str], jobinfo: bytes) -> NativeResultSink:
        return NativeResultSink(self._library, *self._new("committer", arguments, jobinfo, len(jobinfo)))

    def metrics(self) -> dict[str, object]:
        return self._metrics.as_json() if self._metrics else {}

    def _new(self, role: str, arguments: Sequence[str], *jobinfo: object) -> tuple[int, object]:
        """The role's own pointer, and what must live as long as it, because modules may keep pointers into it."""
        argv = abi.argument_vector(arguments)
        extra = (self._metrics.handle,) if self._metrics else ()
        pointer = getattr(self._library, f"spits_{role}_new")(len(argv) - 1, argv, *jobinfo, *extra)
        return pointer or 0, (argv, jobinfo)


class _Role:
    """One role object; collects what it pushes."""

    def __init__(self, library: ctypes.CDLL, pointer: int, keep_alive: object, name: str) -> None:
        self._library = library
        self._pointer = pointer
        self._keep_alive = keep_alive
        self._name = name
        self._closed = False
        self._pushed: list[tuple[int, bytes]] = []
        self._push = abi.Push(self._collect)

    def close(self) -> None:
        """Finalize, once."""
        if not self._closed:
            self._closed = True
            getattr(self._library, f"spits_{self._name}_finalize")(self._pointer)

    def _collect(self, data: int | None, size: int, context: int | None) -> None:
        self._pushed.append((context or 0, ctypes.string_at(data, size) if data and size > 0 else b""))

    def _take_pushed(self, context: int, what: str) -> bytes:
        pushed, self._pushed = self._pushed, []
        if len(pushed) != 1:
            raise RoleError(f"{what} pushed {len(pushed)} times instead of once")
        if pushed[0][0] != context:
            raise RoleError(f"{what} pushed with the context of task {pushed[0][0]}")
        return pushed[0][1]


class NativeTaskSource(_Role):
    """Job manager role of a compiled module."""

    def __init__(self, library: ctypes.CDLL, pointer: int, keep_alive: object) -> None:
        super().__init__(library, pointer, keep_alive, "job_manager")

    def next_task(self, task_id: int) -> bytes | None:
        if not self._library.spits_job_manager_next_task(self._pointer, self._push, task_id):
            self._pushed.clear()
            return None
        return self._take_pushed(task_id, "spits_job_manager_next_task")


class NativeTaskRunner(_Role):
    """Worker role of a compiled module."""

    def __init__(self, library: ctypes.CDLL, pointer: int, keep_alive: object) -> None:
        super().__init__(library, pointer, keep_alive, "worker")

    def run(self, task_id: int, data: bytes) -> Outcome:
        status = self._library.spits_worker_run(self._pointer, data, len(data), self._push, task_id)
        if status and not self._pushed:
            raise RoleError(f"spits_worker_run returned {status}")
        return Outcome(status, self._take_pushed(task_id, "spits_worker_run"))


class NativeResultSink(_Role):
    """Committer role of a compiled module."""

    def __init__(self, library: ctypes.CDLL, pointer: int, keep_alive: object) -> None:
        super().__init__(library, pointer, keep_alive, "committer")

    def commit(self, task_id: int, data: bytes) -> None:  # noqa: ARG002 - the interface of modules knows no id here
        status = self._library.spits_committer_commit_pit(self._pointer, data, len(data))
        if status:
            raise RoleError(f"spits_committer_commit_pit returned {status}")

    def finish(self) -> bytes:
        status = self._library.spits_committer_commit_job(self._pointer, self._push, 0)
        if status:
            raise RoleError(f"spits_committer_commit_job returned {status}")
        return self._take_pushed(0, "spits_committer_commit_job")
