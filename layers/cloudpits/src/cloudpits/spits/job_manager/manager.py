"""Running a job: the program's ``spits_main`` in the main thread, all conversations in an event loop beside it."""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from cloudpits.spits.errors import InputError, JobFailedError
from cloudpits.spits.job_manager.bag import Bag, BagPolicy
from cloudpits.spits.job_manager.counting import BackgroundCount
from cloudpits.spits.job_manager.discovery import NodeFiles
from cloudpits.spits.job_manager.node import LinkSettings
from cloudpits.spits.job_manager.port import JobManagerPort
from cloudpits.spits.job_manager.registry import Registry
from cloudpits.spits.job_manager.status import JobStatus
from cloudpits.spits.journal import Journal, NoJournal
from cloudpits.spits.programs.interface import Program, RoleError
from cloudpits.spits.stream import serve_streams

_log = logging.getLogger(__name__)
_DISCOVERY_S: float = 0.2
_STATUS_S: float = 0.5


@dataclass(frozen=True, slots=True)
class JobSettings:
    """How a job manager behaves; see ``spits-jm --help``."""

    link: LinkSettings
    bag: BagPolicy = field(default_factory=BagPolicy)
    bind: str = "127.0.0.1"
    port: int = 7726
    nodes_file: Path = Path("nodes.txt")
    nodes_dir: Path = Path("nodes")
    status_file: Path | None = None
    tasks_total: int | None = None
    keep_task_managers: bool = False


class JobManager:
    """One job. ``run`` belongs to the main thread, because modules expect ``spits_main`` there.

    ``abandon`` must end the process at once: returning a failure through a module's ``spits_main`` would let it go on
    and write a wrong result.
    """

    def __init__(
        self,
        program: Program,
        settings: JobSettings,
        journal: Journal | NoJournal,
        abandon: Callable[[JobFailedError], NoReturn],
        count: BackgroundCount | None = None,
    ) -> None:
        self._abandon = abandon
        self._program = program
        self._settings = settings
        self._journal = journal
        self._count = count
        self._loop = asyncio.new_event_loop()
        self._status = JobStatus(settings.status_file, settings.tasks_total)
        files = NodeFiles(settings.nodes_file, settings.nodes_dir)
        self._registry = Registry(files, settings.link, self._status.counters)
        self._runs = 0
        self._server: asyncio.Server | None = None
        self._tickers: list[asyncio.Task[None]] = []

    def run(self) -> None:
        """Run the job to its end; a job without a result ends the process through ``abandon``."""
        with self._conversations():
            status = self._program.main(self._run_bag)
            if status:
                self._fail(JobFailedError(f"spits_main returned {status}"))
            self._end("completed", "")

    def _end(self, state: str, message: str) -> None:
        """Write the last status and tell the task managers, unless they are to stay."""
        self._status.state, self._status.message = state, message
        self._in_loop(self._farewell())

    def _fail(self, error: JobFailedError) -> NoReturn:
        self._end("failed", str(error))
        self._journal.close()
        self._abandon(error)

    def _run_bag(self, arguments: Sequence[str], jobinfo: bytes) -> bytes:
        try:
            return self._run_bag_or_raise(arguments, jobinfo)
        except RoleError as error:
            self._fail(JobFailedError(str(error)))
        except JobFailedError as error:
            self._fail(error)

    def _run_bag_or_raise(self, arguments: Sequence[str], jobinfo: bytes) -> bytes:
        self._runs += 1
        sink = self._program.committer(arguments, jobinfo)
        self._status.committer_started()
        bag = Bag(self._runs, sink, self._journal, self._settings.bag, self._status.counters, self._registry.wake)
        bag.replay()
        bag.start(self._loop, functools.partial(self._program.job_manager, arguments, jobinfo))
        self._status.state = "running"
        self._loop.call_soon_threadsafe(self._registry.open, bag)
        bag.wait()
        self._in_loop(self._registry.close())
        result = sink.finish()
        sink.close()
        return result

    @contextmanager
    def _conversations(self) -> Iterator[None]:
        thread = threading.Thread(target=self._loop.run_forever, name="conversations", daemon=True)
        thread.start()
        try:
            self._in_loop(self._open())
            yield
        finally:
            self._in_loop(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            self._loop.close()
            self._journal.close()

    async def _open(self) -> None:
        """Listen and start what runs in the background."""
        limits = self._settings.link.limits
        port = JobManagerPort(self._registry, self._settings.link.credentials, limits, self._metrics)
        try:
            self._server = await serve_streams(port.serve, self._settings.bind, self._settings.port, limits.silence_s)
        except OSError as error:
            where = f"{self._settings.bind}:{self._settings.port}"
            raise InputError(f"port {where}: {error.strerror}; choose another with --port or --bind") from error
        self._tickers = [asyncio.create_task(_every(pause, step)) for pause, step in self._steps()]

    async def _close(self) -> None:
        for ticker in self._tickers:
            ticker.cancel()
        await asyncio.gather(*self._tickers, return_exceptions=True)
        if self._server:
            self._server.close()
        await self._registry.stop()

    def _steps(self) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        return [(_DISCOVERY_S, self._discover), (_STATUS_S, self._write_status)]

    async def _discover(self) -> None:
        await self._registry.discover()
        self._registry.wake_for_leftovers()

    async def _write_status(self) -> None:
        if self._count and self._status.total is None:
            self._status.total = self._count.poll()
        self._status.write(self._registry)

    async def _farewell(self) -> None:
        if not self._settings.keep_task_managers:
            await self._registry.terminate()
        await self._write_status()

    def _metrics(self) -> dict[str, object]:
        return {**self._program.metrics(), **self._status.metrics()}

    def _in_loop(self, step: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(step, self._loop).result()


async def _every(pause_s: float, step: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await step()
        except OSError as error:
            _log.warning("%s", error)
        await asyncio.sleep(pause_s)
