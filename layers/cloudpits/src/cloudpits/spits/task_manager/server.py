"""The task manager's port: what a job manager may ask."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Callable
from typing import Final

from cloudpits.spits import wire
from cloudpits.spits.errors import ClosedError, PeerError
from cloudpits.spits.handshake import Credentials, agree_on_job
from cloudpits.spits.stream import Stream
from cloudpits.spits.task_manager.hand import Hand, Held

_log = logging.getLogger(__name__)
_WINDOW_RESULTS: Final = 64
_WINDOW_BYTES: Final = 8 << 20
_GATHER_S: Final = 0.01
_MOST_CONNECTIONS: Final = 256
_LONGEST_WAIT_MS: Final = 60_000


class TaskManagerPort:
    """Serves job managers. ``on_task`` hears the bag of each accepted task, ``on_terminate`` of the order to exit."""

    def __init__(
        self,
        hand: Hand,
        workers: int,
        credentials: Credentials,
        limits: wire.Limits,
        metrics: Callable[[], dict[str, object]],
        on_task: Callable[[int], None],
        on_terminate: Callable[[], None],
    ) -> None:
        self._hand = hand
        self._workers = workers
        self._credentials = credentials
        self._limits = limits
        self._metrics = metrics
        self._on_task = on_task
        self._on_terminate = on_terminate
        self._instance = os.urandom(8).hex()
        self._connections = 0
        self._results = asyncio.Event()
        self._empty = asyncio.Event()
        self.draining = False
        self.met_our_job_manager = False

    def notify_results(self) -> None:
        """There are results to read."""
        self._results.set()

    async def drain(self) -> None:
        """Take nothing new, hand back what was not started, and wait until all of it was read or we are told to exit.

        A reference job manager would take a handed-back task for a result; for it, what is queued is still run.
        """
        self.draining = True
        if self.met_our_job_manager:
            self._hand.return_unstarted()
            self._results.set()
        self._note_whether_empty()
        await self._empty.wait()

    def _note_whether_empty(self) -> None:
        if self.draining and not len(self._hand):
            self._empty.set()

    async def serve(self, stream: Stream) -> None:
        """One connection, one request."""
        if self._connections >= _MOST_CONNECTIONS:
            stream.abort()
            return
        self._connections += 1
        peer = wire.Peer(stream, self._limits)
        try:
            await agree_on_job(peer, self._credentials, "server")
            await self._answer(peer, await peer.read_int())
            await peer.flush()
            await peer.close()
        except ClosedError as error:
            _log.debug("%s", error)
        except PeerError as error:
            _log.warning("job manager dropped: %s", error)
        except asyncio.CancelledError:
            _log.debug("%s: conversation ended with the task manager", peer.address)
        finally:
            self._connections -= 1
            peer.abort()

    async def _answer(self, peer: wire.Peer, kind: int) -> None:
        if kind == wire.HELLO:
            self.met_our_job_manager = True
            peer.write(wire.encode_text(json.dumps(self._greeting())))
        elif kind == wire.SEND_TASK:
            await self._take_tasks(peer)
        elif kind == wire.SEND_TASKS:
            await self._take_many_tasks(peer)
        elif kind == wire.READ_RESULTS:
            await self._hand_over(peer, reports_too=False, wait_s=0)
        elif kind == wire.READ_RESULTS_WAITING:
            wait_ms = min(max(await peer.read_int(), 0), _LONGEST_WAIT_MS)
            await self._hand_over(peer, reports_too=True, wait_s=wait_ms / 1000)
        elif kind == wire.METRICS:
            peer.write(wire.encode_text(json.dumps(self._metrics())))
        elif kind == wire.TERMINATE:
            self._on_terminate()
            self._empty.set()
        elif kind != wire.HEARTBEAT:
            raise PeerError(f"{peer.address} asked for unknown message {kind:#x}")

    def _greeting(self) -> dict[str, object]:
        return {
            "instance": self._instance,
            "workers": self._workers,
            "in_hand": len(self._hand),
            "draining": self.draining,
        }

    async def _take_tasks(self, peer: wire.Peer) -> None:
        while not (self.draining or self._hand.full):
            peer.write(wire.encode_int(wire.TASK_MORE))
            task_id = await peer.read_int()
            if task_id == 0:
                return
            if not await self._take_task(peer, task_id):
                peer.write(wire.encode_int(wire.TASK_REJECT))
                return
        peer.write(wire.encode_int(wire.TASK_FULL))

    async def _take_many_tasks(self, peer: wire.Peer) -> None:
        room = 0 if self.draining else self._hand.room
        peer.write(wire.encode_int(room))
        if room == 0:
            return
        taken = 0
        while task_id := await peer.read_int():
            taken += await self._take_task(peer, task_id)
        peer.write(wire.encode_int(taken))

    async def _take_task(self, peer: wire.Peer, task_id: int) -> bool:
        """Read a task; it is taken unless draining began meanwhile."""
        run_id, data = await peer.read_task()
        if task_id < 0:
            raise PeerError(f"{peer.address} sent task {task_id}")
        if self.draining:
            return False
        self._hand.accept(Held(run_id, task_id, data))
        self._on_task(run_id)
        return True

    async def _hand_over(self, peer: wire.Peer, reports_too: bool, wait_s: float) -> None:
        while True:
            if not self._hand.has_results(reports_too):
                await self._wait_for_results(reports_too, wait_s)
            if reports_too and self._hand.brisk:
                await asyncio.sleep(_GATHER_S)  # one conversation for many results, at no loss: the queue is deep
            window = self._next_window(reports_too)
            if not window:
                break
            await self._hand_over_window(peer, window)
        peer.write(wire.encode_int(wire.NO_MORE))

    def _next_window(self, reports_too: bool) -> list[Held]:
        """Results that may be on their way together; one result may exceed the bytes."""
        window: list[Held] = []
        size = 0
        while len(window) < _WINDOW_RESULTS and size < _WINDOW_BYTES:
            result = self._hand.take_result(reports_too)
            if result is None:
                break
            window.append(result)
            size += len(result.data)
        return window

    async def _hand_over_window(self, peer: wire.Peer, window: list[Held]) -> None:
        try:
            for result in window:
                peer.write_result(result.task_id, result.run_id, result.status, result.data)
            await peer.flush()
            while window:
                if await peer.read_int() != wire.ACKNOWLEDGE:
                    raise PeerError(f"{peer.address} did not acknowledge task {window[0].task_id}")
                self._hand.acknowledged(window.pop(0))
                self._note_whether_empty()
        finally:
            self._hand.put_back(window)
            if window:
                self.notify_results()

    async def _wait_for_results(self, reports_too: bool, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                while not self._hand.has_results(reports_too):
                    self._results.clear()
                    await self._results.wait()
        except TimeoutError:
            pass
