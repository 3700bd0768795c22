"""Gives a group of processes a share of one CPU core, so that a slower instance type really is slower.

Every process is stopped (SIGSTOP) when the group has used up its allowance of CPU time and continued when the
allowance, which grows at ``share`` seconds per second, is positive again. Counting CPU time rather than slicing
wall time keeps the ratio between instances right even when the machine is busy.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
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
            found += [int(child) for child in tasks.read_text().split()]
    return found


def computing(root: int) -> list[int]:
    """The processes that compute: all below the children of ``root``.

    The root is the instance's agent and its children are managers of tasks; they hardly compute, and stopping
    them would make them look dead to their peers.
    """
    return [pid for child in _children(root) for pid in descendants(child)]


@dataclass(slots=True)
class Throttle:
    """The allowance of the processes that compute for the instance whose agent is ``root``."""

    root: int
    share: float  # of one core
    _members: list[int] = field(default_factory=list)
    _used: dict[int, float] = field(default_factory=dict)
    _allowance: float = START_S
    _seen_at: float = field(default_factory=time.monotonic)
    _looked_at: float = -LOOK_S
    _stopped: bool = False

    def step(self) -> None:
        """Account for the time since the last step; stop or continue the group. Call every 10 ms or so."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_S:
            self._members, self._looked_at = computing(self.root), now
            if self._stopped:
                self._signal(signal.SIGSTOP)  # newcomers
        earned = (now - self._seen_at) * self.share
        spent = sum(self._spent(pid) for pid in self._members)
        self._allowance = min(self._allowance - spent + earned, max(BURST_S, self._allowance - spent))
        self._seen_at = now
        if self._stopped != (self._allowance < 0):
            self._stopped = not self._stopped
            self._signal(signal.SIGSTOP if self._stopped else signal.SIGCONT)

    def release(self) -> None:
        """Let the group run freely, for instance because it has to end in order."""
        self._signal(signal.SIGCONT)

    def _spent(self, pid: int) -> float:
        try:
            total = cpu_seconds(pid)
        except OSError:
            return 0.0
        before = self._used.get(pid, 0.0)
        self._used[pid] = total
        return total - before

    def _signal(self, number: signal.Signals) -> None:
        for pid in self._members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
