"""Running a task manager from start to drained."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudpits.spits import wire
from cloudpits.spits.connecting import Address
from cloudpits.spits.errors import InputError, SpitsError
from cloudpits.spits.files import write_atomically
from cloudpits.spits.handshake import Credentials
from cloudpits.spits.metrics import MetricBook, merge
from cloudpits.spits.programs.interface import Program
from cloudpits.spits.stream import serve_streams
from cloudpits.spits.task_manager.announcement import Announcement
from cloudpits.spits.task_manager.hand import Hand
from cloudpits.spits.task_manager.pool import Pool, PoolSettings
from cloudpits.spits.task_manager.server import TaskManagerPort

_log = logging.getLogger(__name__)
_STATUS_S: float = 0.5
_HELD_BYTES: int = 128 << 20


@dataclass(frozen=True, slots=True)
class TaskManagerSettings:
    """How a task manager behaves; see ``spits-tm --help``."""

    credentials: Credentials
    limits: wire.Limits
    pool: PoolSettings
    bind: str
    port: int
    overfill: int | None = None
    announce_dir: Path | None = None
    announce_host: str | None = None
    grace_s: float = 110.0
    status_file: Path | None = None


class TaskManager:
    """One task manager; ``run`` returns when it was told to terminate or has drained."""

    def __init__(self, load: Callable[[], Program], settings: TaskManagerSettings) -> None:
        self._settings = settings
        self._hand = Hand(settings.pool.workers, settings.overfill, _HELD_BYTES)
        self._book = MetricBook(time.time)
        self._state = "starting"
        self._end = asyncio.Event()
        self._drain = asyncio.Event()
        self._pool = Pool(load, self._hand, settings.pool, self._on_result)
        self._pool.task_times = self._count
        self._port = TaskManagerPort(
            self._hand,
            settings.pool.workers,
            settings.credentials,
            settings.limits,
            self._metrics,
            self._pool.wake,
            self._end.set,
        )

    async def run(self) -> None:
        """Serve to the end; ``InputError`` or ``WorkersLostError`` if the program cannot run here."""
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._drain.set)
        pool = asyncio.create_task(self._pool.run())
        life = asyncio.create_task(self._serve())
        status = asyncio.create_task(self._keep_status())
        try:
            await asyncio.wait({pool, life}, return_when=asyncio.FIRST_COMPLETED)
            if not life.done():
                _raise_first(pool)
            await life
        finally:
            await _cancel(life, pool, status)
            self._state = "done"
            self._write_status()

    async def _serve(self) -> None:
        await self._pool.ready()
        try:
            server = await serve_streams(
                self._port.serve, self._settings.bind, self._settings.port, self._settings.limits.silence_s
            )
        except OSError as error:
            where = f"{self._settings.bind}:{self._settings.port}"
            raise InputError(f"port {where}: {error.strerror}; choose another with --port or --bind") from error
        address = self._public_address(server)
        announcement = Announcement(self._settings.announce_dir, address) if self._settings.announce_dir else None
        self._state = "running"
        _log.info("task manager listens on %s with %d workers", address, self._settings.pool.workers)
        with contextlib.ExitStack() as stack:
            stack.callback(server.close)
            if announcement:
                announcement.publish()
                stack.callback(announcement.withdraw)
            await self._until_end_or_drained()

    async def _until_end_or_drained(self) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self._end, self._drain)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if self._drain.is_set() and not self._end.is_set():
            await self._drain_in_grace()
        await _cancel(*waits)

    async def _drain_in_grace(self) -> None:
        _log.info("draining: %d tasks and results in hand", len(self._hand))
        self._state = "draining"
        self._write_status()
        if self._port.met_our_job_manager:
            self._pool.take_back()
        try:
            async with asyncio.timeout(self._settings.grace_s):
                await self._port.drain()
        except TimeoutError:
            _log.warning("grace is over, %d tasks and results are left behind", len(self._hand))

    def _public_address(self, server: asyncio.Server) -> Address:
        host, port = server.sockets[0].getsockname()[:2]
        return Address(self._settings.announce_host or host, port)

    def _on_result(self) -> None:
        self._port.notify_results()

    def _count(self, elapsed_s: float) -> None:
        self._book.set("tasks_processed", self._hand.completed + 1)
        self._book.set("task_time", elapsed_s)

    def _metrics(self) -> dict[str, object]:
        return {**merge(self._pool.metrics.values()), **self._book.as_json()}

    async def _keep_status(self) -> None:
        while True:
            self._write_status()
            await asyncio.sleep(_STATUS_S)

    def _write_status(self) -> None:
        if self._settings.status_file is None:
            return
        document: dict[str, object] = {
            "state": self._state,
            "workers": self._settings.pool.workers,
            "tasks_completed": self._hand.completed,
            "tasks_failed": self._hand.failed,
            "in_hand": len(self._hand),
            "working": self._hand.computing,
            "pid": os.getpid(),
        }
        try:
            write_atomically(self._settings.status_file, document)
        except OSError as error:
            _log.warning("status file: %s", error)


def _raise_first(pool: asyncio.Task[None]) -> None:
    """The expected failure that ended the pool, out of the group of all that ended with it."""
    error = pool.exception()
    while isinstance(error, BaseExceptionGroup):
        error = next((one for one in error.exceptions if isinstance(one, SpitsError)), error.exceptions[0])
    if error:
        raise error


async def _cancel(*tasks: asyncio.Task[Any]) -> None:
    for task in _pending(tasks):
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _pending(tasks: Iterable[asyncio.Task[Any]]) -> list[asyncio.Task[Any]]:
    return [task for task in tasks if not task.done()]
