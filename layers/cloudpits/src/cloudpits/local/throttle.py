"""Gives a group of processes a share of one CPU core, so that a slower instance type really is slower.

Every process is stopped (SIGSTOP) when the group has used up its allowance of CPU time and continued when the
allowance, which grows at ``share`` seconds per second, is positive again. Counting CPU time rather than slicing
wall time keeps the ratio between instances right even when the machine is busy.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

BURST_S = 0.05  # most allowance that can be saved up while idle
START_S = 0.5  # allowance at the start: loading a program is not what differs between instance types
LOOK_S = 0.25  # how often the tree of processes is read anew


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process; ProcessLookupError or OSError when it is gone."""
    # The kernel's clock id of another process's CPU time, see clock_getcpuclockid(3): (~pid << 3) | CPUCLOCK_SCHED.
    return time.clock_gettime((~pid << 3) | 2)


def descendants(pid: int) -> list[int]:
    """Children, grandchildren and so on of a process."""
    found = _children(pid)
    for child in found:  # grows while it is walked through
        found += _children(child)
    return found


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in tasks.read_text(encoding="utf-8").split()]
    return found


def computing(root: int) -> list[int]:
    """The processes that compute: all below the children of ``root``.

    The root is the instance's agent and its children are managers of tasks; they hardly compute, and stopping
    them would make them look dead to their peers.
    """
    return [pid for child in _children(root) for pid in descendants(child)]


@dataclass(frozen=True, slots=True)
class Kernel:
    """What a throttle asks of the operating system."""

    now: Callable[[], float] = time.monotonic  # seconds
    computing: Callable[[int], list[int]] = computing
    cpu_seconds: Callable[[int], float] = cpu_seconds
    signal: Callable[[int, signal.Signals], None] = os.kill


@dataclass(slots=True)
class Throttle:
    """The allowance of the processes that compute for the instance whose agent is ``root``."""

    root: int
    share: float  # of one core
    kernel: Kernel = field(default_factory=Kernel)
    _members: list[int] = field(default_factory=list)
    _used: dict[int, float] = field(default_factory=dict)
    _allowance: float = START_S
    _seen_at: float = field(init=False)
    _looked_at: float = -LOOK_S
    _stopped: bool = False
    _released: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._seen_at = self.kernel.now()

    def step(self) -> None:
        """Account for the time since the last step; stop or continue the group. Call every 10 ms or so."""
        with self._lock:
            if not self._released:
                self._account()

    def release(self) -> None:
        """Let the group run freely from now on, for instance because it has to end in order."""
        with self._lock:  # a step under way in another thread must not stop it again
            self._released = True
            self._signal(signal.SIGCONT)

    def _account(self) -> None:
        now = self.kernel.now()
        if now - self._looked_at >= LOOK_S:
            self._members, self._looked_at = self.kernel.computing(self.root), now
        spent = sum(self._spent(pid) for pid in self._members)
        left = self._allowance - spent
        self._allowance = left + (now - self._seen_at) * self.share
        if not self._stopped:  # a stopped group is not idle: however late this look is, it gets all that it earned
            self._allowance = min(self._allowance, max(BURST_S, left))
        self._seen_at = now
        was_stopped, self._stopped = self._stopped, self._allowance < 0
        if self._stopped:
            self._signal(signal.SIGSTOP)  # again and again: there may be newcomers, or somebody else continued them
        elif was_stopped:
            self._signal(signal.SIGCONT)

    def _spent(self, pid: int) -> float:
        try:
            total = self.kernel.cpu_seconds(pid)
        except OSError:
            return 0.0
        before = self._used.get(pid, 0.0)
        self._used[pid] = total
        return total - before

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._members:
            with contextlib.suppress(ProcessLookupError):
                self.kernel.signal(pid, number)
