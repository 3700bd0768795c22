"""One task manager as the job manager sees it: three loops that never make another task manager wait.

The heartbeat decides whether it is alive; the sender hands it tasks; the reader fetches results. Our own task managers
answer ``HELLO``: they tell their number of workers, and keep the reader's connection open until results come, so
nothing is polled. Reference task managers are polled with a back-off.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol

from cloudpits.spits import wire
from cloudpits.spits.connecting import Address, UnreachableError, conversation
from cloudpits.spits.errors import ClosedError, PeerError
from cloudpits.spits.handshake import Credentials
from cloudpits.spits.job_manager.table import Task

_log = logging.getLogger(__name__)
_SHORTEST_PAUSE_S = 0.002
_LONGEST_PAUSE_S = 0.25
_WAIT_S = 2.0
_FAREWELL_S = 5.0
_SILENCES = 3
_BATCH_TASKS = 256
_REFILL_S = 0.02
_BATCH_BYTES = 8 << 20


class Desk(Protocol):
    """What a node needs of the job manager."""

    def take(self, node: Node) -> tuple[int, Task] | None:
        """Run id and next task for the node, from now on in its hand."""

    def give_back(self, node: Node, run_id: int, task_id: int) -> None:
        """The node did not take the task."""

    def receive(
        self, node: Node, task_id: int, run_id: int, status: int, data: bytes, acknowledge: Callable[[], None]
    ) -> None:
        """A result came."""

    def lose(self, node: Node) -> None:
        """The node is gone, with what it had in hand."""

    def in_hand(self, node: Node) -> int:
        """Tasks in hand of the node."""


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How to talk to task managers. ``heartbeat_s`` is the period within which a dead one is noticed."""

    credentials: Credentials
    limits: wire.Limits = field(default_factory=wire.Limits)
    heartbeat_s: float = 5.0


class Node:
    """A task manager and its loops; ``start`` and ``stop`` are called in the event loop."""

    def __init__(self, address: Address, settings: LinkSettings, desk: Desk) -> None:
        self.address = address
        self.name = str(address)
        self.alive = False
        self.workers: int | None = None  # unknown for reference task managers
        self._settings = settings
        self._desk = desk
        self._ours: bool | None = None
        self._instance = ""
        self._draining = False
        self._received = 0
        self._silences = 0
        self._heard = -float("inf")
        self._mismatch: int | None = None
        self._up = asyncio.Event()
        self._work = asyncio.Event()
        self._check = asyncio.Event()
        self._loops: list[asyncio.Task[None]] = []

    @property
    def idle(self) -> bool:
        """Whether a worker would start a replica at once, as far as we know."""
        return self._desk.in_hand(self) < (self.workers or 1)

    @property
    def is_reference(self) -> bool:
        """Whether it is known to be a reference task manager."""
        return self._ours is False

    def start(self) -> None:
        """Start the three loops."""
        self._loops = [asyncio.create_task(loop()) for loop in (self._heartbeats, self._send, self._read)]

    async def stop(self) -> None:
        """End the loops and forget the task manager."""
        await self._end_loops()
        if self.alive:
            self.alive = False
            self._desk.lose(self)

    def wake(self) -> None:
        """There may be something to send."""
        self._work.set()

    async def terminate(self) -> None:
        """End the loops and tell the task manager to exit; silence is as good as an answer."""
        await self._end_loops()
        try:
            async with self._conversation(wire.TERMINATE, min(_FAREWELL_S, self._settings.heartbeat_s)) as peer:
                await peer.flush()
        except PeerError as error:
            _log.info("could not tell %s to terminate: %s", self.name, error)

    async def _end_loops(self) -> None:
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)

    def _conversation(self, kind: int, timeout_s: float) -> AbstractAsyncContextManager[wire.Peer]:
        return conversation(self.address, kind, self._settings.credentials, self._settings.limits, timeout_s)

    async def _heartbeats(self) -> None:
        pause = half = self._settings.heartbeat_s / 2
        while True:
            try:
                await self._greet(half)
            except PeerError as error:
                if self._in_conversation:
                    await _wait(self._check, half)
                    self._check.clear()
                    continue
                self._set_down(str(error))
                pause = 0.1 if self._ours is None else min(half, 2 * pause)
            else:
                self._set_up()
                pause = half
            self._check.clear()
            await _wait(self._check, pause)
            pause = max(pause, 0.1)

    @property
    def _in_conversation(self) -> bool:
        """Whether it talked to us within a heartbeat: a reference task manager serves one connection at a time."""
        return self._ours is False and time.monotonic() - self._heard < self._settings.heartbeat_s

    async def _greet(self, timeout_s: float) -> None:
        kind = wire.HEARTBEAT if self._ours is False else wire.HELLO
        async with self._conversation(kind, timeout_s) as peer:
            if kind == wire.HELLO:
                await self._read_greeting(peer)

    async def _read_greeting(self, peer: wire.Peer) -> None:
        try:
            greeting = json.loads(await peer.read_text())
            instance, workers = str(greeting["instance"]), int(greeting["workers"])
            held, draining = int(greeting["in_hand"]), bool(greeting["draining"])
        except (PeerError, ValueError, KeyError, TypeError) as error:
            self._silences += 1
            silent = isinstance(error, PeerError) and not isinstance(error, ClosedError)
            if self._ours or (silent and self._silences < _SILENCES):
                raise PeerError(f"{self.name} greets wrongly: {error}") from error
            self._ours = False  # agreed on the job but does not know HELLO: a reference task manager
            return
        self._silences = 0
        if self._ours and instance != self._instance:
            self._set_down("it was restarted")
        self._check_hand(held)
        self._ours, self._instance, self.workers, self._draining = True, instance, workers, draining

    def _check_hand(self, held: int) -> None:
        """What it should have in hand but twice said it has not is lost; nothing may have arrived in between."""
        mismatch = self._received if held == 0 and self._desk.in_hand(self) else None
        if mismatch is not None and mismatch == self._mismatch:
            _log.warning("%s has nothing in hand; what it was sent goes to others", self.name)
            self._desk.lose(self)
            mismatch = None
        self._mismatch = mismatch

    def _set_up(self) -> None:
        if not self.alive:
            _log.info("task manager %s is up (%s)", self.name, "CloudPITS" if self._ours else "reference")
            self.alive = True
            self._up.set()
            self._work.set()

    def _set_down(self, reason: str) -> None:
        if self.alive:
            _log.warning("task manager %s is gone: %s", self.name, reason)
            self.alive = False
            self._ours = self._ours or None  # whoever answers next may be of the other kind
            self._up.clear()
            self._desk.lose(self)

    def _suspect(self, error: PeerError) -> None:
        """A conversation failed: unreachable is certain, anything else the heartbeat decides at once."""
        _log.debug("conversation with %s failed: %s", self.name, error)
        if isinstance(error, UnreachableError):
            self._set_down(str(error))
        self._check.set()

    async def _send(self) -> None:
        pause = _SHORTEST_PAUSE_S
        while True:
            await self._up.wait()
            await _wait(self._work, None if pause == _SHORTEST_PAUSE_S else pause)
            self._work.clear()
            try:
                full = not self._draining and await self._send_batch()
            except PeerError as error:
                self._suspect(error)
                full = True
            pause = min(_LONGEST_PAUSE_S, pause * 4) if full else _SHORTEST_PAUSE_S
            if self._draining:
                pause = _LONGEST_PAUSE_S
            elif full and self._ours:
                await asyncio.sleep(_REFILL_S)  # its queue is deep enough not to run dry, and then takes many at once

    async def _send_batch(self) -> bool:
        """Send until it is full (True) or nothing is left (False)."""
        first = self._desk.take(self)
        if first is None:
            return False
        offered = [first]
        try:
            if self._ours:
                return await self._send_many(offered)
            return await self._send_singly(offered)
        finally:
            for run_id, task in offered:
                self._desk.give_back(self, run_id, task.task_id)

    async def _send_many(self, offered: list[tuple[int, Task]]) -> bool:
        """Send as many tasks as there is room for at once; what was not taken remains in ``offered``."""
        async with self._conversation(wire.SEND_TASKS, self._settings.heartbeat_s) as peer:
            room = await peer.read_int()
            if room < 1:
                return True
            size = 0
            for run_id, task in self._offers(offered, min(room, _BATCH_TASKS)):
                peer.write_task(task.task_id, run_id, task.data)
                size += len(task.data)
                if size > _BATCH_BYTES:
                    break
            peer.write(wire.encode_int(0))
            sent, taken = len(offered), await peer.read_int()
            del offered[: max(0, taken)]
        return bool(offered) or sent == room

    def _offers(self, offered: list[tuple[int, Task]], most: int) -> Iterator[tuple[int, Task]]:
        yield offered[0]
        while len(offered) < most and (more := self._desk.take(self)):
            offered.append(more)
            yield more

    async def _send_singly(self, offered: list[tuple[int, Task]]) -> bool:
        """Send one task after each "more"; what was not taken remains in ``offered``."""
        async with self._conversation(wire.SEND_TASK, self._settings.heartbeat_s) as peer:
            answer = await peer.read_int()
            while answer == wire.TASK_MORE and offered:
                run_id, task = offered[0]
                peer.write_task(task.task_id, run_id, task.data)
                answer = await peer.read_int()
                self._heard = time.monotonic()
                if answer in {wire.TASK_MORE, wire.TASK_FULL}:
                    offered.clear()
                if answer == wire.TASK_MORE and (more := self._desk.take(self)):
                    offered.append(more)
        return answer != wire.TASK_MORE

    async def _read(self) -> None:
        pause = _SHORTEST_PAUSE_S
        while True:
            await self._up.wait()
            try:
                count = await self._read_results()
            except PeerError as error:
                self._suspect(error)
                count = 0
                await asyncio.sleep(_LONGEST_PAUSE_S)
            if self._ours:
                continue
            pause = _SHORTEST_PAUSE_S if count else min(_LONGEST_PAUSE_S, pause * 2)
            await asyncio.sleep(pause)

    async def _read_results(self) -> int:
        kind = wire.READ_RESULTS_WAITING if self._ours else wire.READ_RESULTS
        count = 0
        async with self._conversation(kind, self._settings.heartbeat_s) as peer:
            if self._ours:
                peer.write(wire.encode_int(int(_WAIT_S * 1000)))
                peer.expect_within(_WAIT_S + self._settings.heartbeat_s)
            while task_id := await peer.read_int():
                run_id, status, data = await peer.read_result()
                self._desk.receive(self, task_id, run_id, status, data, peer.acknowledge)
                self._work.set()
                self._heard = time.monotonic()
                self._received += 1
                count += 1
        return count


async def _wait(event: asyncio.Event, timeout_s: float | None) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass
