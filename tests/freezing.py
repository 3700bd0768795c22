"""Holding processes still: anybody may continue a process that was stopped, but only its tracer one that is held.

See ptrace(2): PTRACE_SEIZE and PTRACE_INTERRUPT hold a thread until its tracer, which is one thread, lets go of it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_SEIZE, _INTERRUPT, _DETACH = 0x4206, 0x4207, 17
_WALL = 0x40000000  # waitpid: threads, too


def _trace(request: int, thread: int) -> None:
    library: Any = ctypes.CDLL(None, use_errno=True)
    library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    library.ptrace.restype = ctypes.c_long
    if library.ptrace(request, thread, None, None):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def group(leader: int) -> list[int]:
    """Processes of the process group that ``leader`` leads."""
    found = (int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit())
    return [pid for pid in found if _group_of(pid) == leader]


def _group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


class Hold:
    """Every thread of some processes, held from ``take`` to ``let_go``."""

    def __init__(self) -> None:
        self._tracer = ThreadPoolExecutor(max_workers=1)
        self._threads: list[int] = []

    def take(self, processes: list[int]) -> None:
        """Hold the processes; returns once none of their threads runs."""
        self._in_tracer(lambda: self._take(processes))

    def let_go(self) -> None:
        """Let them run on."""
        self._in_tracer(self._let_go)
        self._tracer.shutdown()

    def _in_tracer(self, work: Callable[[], None]) -> None:
        self._tracer.submit(work).result()

    def _take(self, processes: list[int]) -> None:
        for process in processes:
            for thread in sorted(int(path.name) for path in Path(f"/proc/{process}/task").iterdir()):
                _trace(_SEIZE, thread)
                _trace(_INTERRUPT, thread)
                os.waitpid(thread, _WALL)
                self._threads.append(thread)

    def _let_go(self) -> None:
        for thread in self._threads:
            try:
                _trace(_DETACH, thread)
            except ProcessLookupError:  # killed meanwhile
                continue
