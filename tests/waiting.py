"""Waiting for facts: a test goes on as soon as what it waits for is so, at whatever pace the machine works."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

PATIENCE_S = 200.0  # only a hang takes that long, on a machine slowed to a fraction too; pytest's own limit is 300 s
LOOK_S = 0.01

Fact = TypeVar("Fact")


def until(
    find: Callable[[], Fact],
    describe: Callable[[], str] = lambda: "nothing more is known",
    patience_s: float = PATIENCE_S,
) -> Fact:
    """What ``find`` returns once it is true; AssertionError with ``describe()``'s words if it never is."""
    deadline = time.monotonic() + patience_s
    while not (found := find()):
        assert time.monotonic() < deadline, f"it did not come about within {patience_s:.0f} s: {describe()}"
        time.sleep(LOOK_S)
    return found


async def until_async(holds: Callable[[], object]) -> None:
    """``until`` for a fact that comes about in this thread's event loop."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # what is under test sets no event for us
            await asyncio.sleep(LOOK_S)


def listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def process_state(pid: int) -> str:
    """The kernel's letter: R running, S sleeping, T stopped, Z ended but not yet reaped; "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def running(pid: int) -> bool:
    """Whether a process runs or could; one that ended and waits to be reaped does not."""
    return process_state(pid) not in ("", "Z", "X")
