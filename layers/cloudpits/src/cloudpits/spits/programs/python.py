"""Python programs: the five roles as plain functions and classes of one file.

A program defines ``JobManager(arguments, jobinfo)`` with ``next_task() -> bytes | None``, ``Worker(arguments)`` with
``run(task: bytes) -> bytes`` and ``Committer(arguments, jobinfo)`` with ``commit_pit(result: bytes)`` and
``commit_job() -> bytes``; a ``main(arguments, runner) -> int`` if one bag with no job information is not enough; and
``metrics() -> dict[str, int | float | str]`` if it keeps metrics of its own. ``close()`` is called where it exists.
``arguments[0]`` is the program's path.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from cloudpits.spits.errors import InputError
from cloudpits.spits.metrics import MetricBook, Value
from cloudpits.spits.programs.interface import Outcome, RoleError, Runner

_ROLES: Final = {"JobManager": ("next_task",), "Worker": ("run",), "Committer": ("commit_pit", "commit_job")}


def load_python(path: Path, command_line: Sequence[str]) -> PythonProgram:
    """Import the program; ``InputError`` if it does not import or lacks a role."""
    spec = importlib.util.spec_from_file_location("spits_program", path)
    if spec is None or spec.loader is None:
        raise InputError(f"module {path}: not importable; a Python program's file must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["spits_program"] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"module {path}: {type(error).__name__} while importing it: {error}") from error
    for role, methods in _ROLES.items():
        found = getattr(module, role, None)
        missing = [name for name in methods if not callable(getattr(found, name, None))]
        if missing:
            raise InputError(f"module {path}: not a SPITS program, it defines no {role}.{missing[0]}")
    return PythonProgram(module, list(command_line))


class PythonProgram:
    """A loaded Python program."""

    def __init__(self, module: ModuleType, command_line: list[str]) -> None:
        self._module = module
        self._command_line = command_line
        self._book = MetricBook(time.time)

    def main(self, runner: Runner) -> int:
        if not hasattr(self._module, "main"):
            runner(self._command_line, b"")
            return 0
        return int(self._module.main(list(self._command_line), runner) or 0)

    def job_manager(self, arguments: Sequence[str], jobinfo: bytes) -> PythonTaskSource:
        return PythonTaskSource(self._module.JobManager(list(arguments), jobinfo))

    def worker(self) -> PythonTaskRunner:
        return PythonTaskRunner(self._module.Worker(list(self._command_line)))

    def committer(self, arguments: Sequence[str], jobinfo: bytes) -> PythonResultSink:
        return PythonResultSink(self._module.Committer(list(arguments), jobinfo))

    def metrics(self) -> dict[str, object]:
        current: dict[str, Value] = getattr(self._module, "metrics", dict)()
        for name, value in current.items():
            self._book.set(name, value)
        return self._book.as_json()


class _Role:
    def __init__(self, role: Any) -> None:
        self._role = role

    def close(self) -> None:
        """Call the role's own ``close`` if it has one."""
        getattr(self._role, "close", lambda: None)()

    def _call(self, method: str, *arguments: bytes) -> Any:
        try:
            return getattr(self._role, method)(*arguments)
        except Exception as error:
            raise RoleError(f"{method} raised {type(error).__name__}: {error}") from error

    def _bytes(self, method: str, *arguments: bytes) -> bytes:
        value = self._call(method, *arguments)
        if not isinstance(value, bytes):
            raise RoleError(f"{method} returned {type(value).__name__}, not bytes")
        return value


class PythonTaskSource(_Role):
    """Job manager role of a Python program."""

    def next_task(self, task_id: int) -> bytes | None:
        value = self._call("next_task")
        if value is not None and not isinstance(value, bytes):
            raise RoleError(f"next_task returned {type(value).__name__} for task {task_id}, not bytes or None")
        return value


class PythonTaskRunner(_Role):
    """Worker role of a Python program."""

    def run(self, task_id: int, data: bytes) -> Outcome:  # noqa: ARG002 - a Python worker needs no echo of the id
        return Outcome(0, self._bytes("run", data))


class PythonResultSink(_Role):
    """Committer role of a Python program."""

    def commit(self, task_id: int, data: bytes) -> None:  # noqa: ARG002 - a program needs no id here
        self._call("commit_pit", data)

    def finish(self) -> bytes:
        return self._bytes("commit_job")
