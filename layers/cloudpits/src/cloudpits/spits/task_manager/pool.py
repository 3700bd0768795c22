"""The worker processes of a task manager: fed, watched, and forked anew when a task takes one down."""

from __future__ import annotations

import asyncio
import json
import logging
import statistics
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cloudpits.spits import wire
from cloudpits.spits.errors import WorkersLostError
from cloudpits.spits.programs.interface import Program
from cloudpits.spits.task_manager.hand import Hand, Held
from cloudpits.spits.task_manager.worker import Answer, CrashedError, Given, Worker

_log = logging.getLogger(__name__)
_WATCH_S: Final = 0.25
_WATCHES_PER_TIMEOUT: Final = 8
_LATE_S: Final = 1.0
_LATE_FACTOR: Final = 20.0
_REMEMBERED: Final = 99
_FEWEST: Final = 3
_BAG_IS_OVER: Final = "its bag is over"


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """``max_restarts`` counts worker processes lost in a row; ``task_timeout_s`` of None lets tasks run for ever."""

    workers: int
    max_restarts: int = 10
    task_timeout_s: float | None = None


class Pool:
    """Runs what is in the hand. ``on_result`` is called whenever a result was added to it."""

    def __init__(
        self, load: Callable[[], Program], hand: Hand, settings: PoolSettings, on_result: Callable[[], None]
    ) -> None:
        self._load = load
        self._hand = hand
        self._settings = settings
        self._on_result = on_result
        self._work = asyncio.Event()
        self._ready = asyncio.Event()
        self._lost_in_a_row = 0
        self._workers: set[Worker] = set()
        self._idle = 0
        self._times_s: deque[float] = deque(maxlen=_REMEMBERED)
        self.metrics: dict[int, dict[str, object]] = {}  # worker number → what its program keeps
        self.task_times: Callable[[float], None] = lambda _: None

    async def run(self) -> None:
        """Run for ever; ``InputError`` if the program cannot start, ``WorkersLostError`` at the cap on restarts."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            for number in range(self._settings.workers):
                group.create_task(self._keep_one(number))

    async def ready(self) -> None:
        """Until the first worker has loaded the program."""
        await self._ready.wait()

    def wake(self, run_id: int) -> None:
        """There are tasks of bag ``run_id`` in the hand: what still runs of another is wanted by nobody."""
        self._work.set()
        for worker in self._workers:
            if worker.given and worker.given[0].task.run_id != run_id and not worker.fate:
                worker.doom(_BAG_IS_OVER)

    def take_back(self) -> None:
        """Put what workers were given but have not started back into the hand."""
        for worker in self._workers:
            self._take_back_from(worker)

    async def _keep_one(self, number: int) -> None:
        while True:
            worker = await Worker.start(self._load)
            self._workers.add(worker)
            try:
                await self._feed(worker, number)
            except CrashedError:
                self._bury(worker)
            finally:
                self._workers.discard(worker)
                worker.kill()

    async def _feed(self, worker: Worker, number: int) -> None:
        await worker.become_ready()
        self._ready.set()
        while True:
            self._give(worker)
            if worker.given:
                self._note(*await worker.answer(), number)
            else:
                await self._wait_for_work()

    def _give(self, worker: Worker) -> None:
        """Give it what it may have, in few writes; never what an idle worker could start at once."""
        ahead = self._hand.ahead
        if len(worker.given) > ahead // 2:
            return
        tasks: list[Held] = []
        while len(worker.given) + len(tasks) < ahead:
            if (worker.given or tasks) and self._hand.queued <= self._idle:
                break
            task = self._hand.next_task()
            if task is None:
                break
            tasks.append(task)
        if tasks:
            worker.give(tasks)

    async def _wait_for_work(self) -> None:
        self._idle += 1
        try:
            while not self._hand.queued:
                self._work.clear()
                await self._work.wait()
        finally:
            self._idle -= 1

    def _note(self, given: Given, answer: Answer, number: int) -> None:
        if answer.metrics:
            self.metrics[number] = json.loads(answer.metrics)
        self._lost_in_a_row = 0
        if not given.taken_back:
            self._finish(given.task, answer.status, answer.data, answer.elapsed_s)

    def _bury(self, worker: Worker) -> None:
        """Only the task it was running is to blame; the others start elsewhere."""
        self._take_back_from(worker)
        running = next((given.task for given in worker.given if not given.taken_back), None)
        if worker.fate == _BAG_IS_OVER:
            if running:
                _log.info("task %d of run %d is abandoned: %s", running.task_id, running.run_id, worker.fate)
                self._hand.drop(running)
            return
        if running:
            self._finish(running, wire.STATUS_FAILED, worker.fate.encode(), time.monotonic() - worker.began)
        self._lost_in_a_row += 1
        if self._lost_in_a_row > self._settings.max_restarts:
            raise WorkersLostError(f"{self._lost_in_a_row} workers in a row were lost; the last: {worker.fate}")

    def _take_back_from(self, worker: Worker) -> None:
        waiting = [given for given in list(worker.given)[1:] if not given.taken_back]
        for given in reversed(waiting):
            given.taken_back = True
            self._hand.requeue(given.task)
        if waiting:
            self._work.set()

    def _finish(self, task: Held, status: int, data: bytes, elapsed_s: float) -> None:
        if status:
            reason = data.decode(errors="replace") if status == wire.STATUS_FAILED else f"it returned {status}"
            _log.warning("task %d of run %d failed: %s", task.task_id, task.run_id, reason)
        else:
            self._times_s.append(elapsed_s)
            self.task_times(elapsed_s)
        self._hand.finish(task, status, data, elapsed_s)
        self._on_result()

    async def _watch(self) -> None:
        """Look after tasks that run long: name them, free what waits behind them, end them at the time limit."""
        limit_s = self._settings.task_timeout_s
        pause_s = min(_WATCH_S, limit_s / _WATCHES_PER_TIMEOUT) if limit_s else _WATCH_S
        while True:
            await asyncio.sleep(pause_s)
            for worker in self._workers:
                if worker.given and not worker.fate:
                    self._look_at(worker, time.monotonic() - worker.began)

    def _look_at(self, worker: Worker, age_s: float) -> None:
        if self._settings.task_timeout_s and age_s > self._settings.task_timeout_s:
            worker.doom(f"it ran longer than {self._settings.task_timeout_s:g} s")
            return
        if age_s < _LATE_S:
            return
        self._take_back_from(worker)
        running = worker.given[0]
        if running.warned or len(self._times_s) < _FEWEST:
            return
        median_s = statistics.median(self._times_s)
        if age_s > _LATE_FACTOR * median_s:
            running.warned = True
            _log.warning(
                "task %d of run %d has run for %.1f s, the median is %.3g s; --task-timeout would end it",
                *(running.task.task_id, running.task.run_id, age_s, median_s),
            )
