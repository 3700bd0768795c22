"""The worker agent: keeps a task manager running, reports its speed, and ends it in good order when it must go."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloudpits.agents.cadence import Cadence, Every
from cloudpits.agents.ending import Decision, Situation, Step, decide
from cloudpits.agents.metrics import MetricsSink
from cloudpits.agents.notices import NoticeWatch
from cloudpits.agents.orders import Orders
from cloudpits.agents.processes import Child
from cloudpits.agents.rates import SUB_INTERVALS, RateMeter
from cloudpits.agents.statuses import TaskManagerStatus, read_status
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Clock

logger = logging.getLogger(__name__)
WINDOW_PERIODS = 5  # metric periods that a rate looks back over
RESOLUTION_S = 1.0  # real time; the task manager writes its counter twice as often


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Periods and limits in seconds of the run's clock."""

    cadence: Cadence
    metrics_s: float
    drain_s: float

    def rate_meter(self) -> RateMeter:
        """A meter whose window is long enough for the counter's resolution on an accelerated clock."""
        resolution_s = RESOLUTION_S * self.cadence.scale
        window_s = max(WINDOW_PERIODS * self.metrics_s, 2 * SUB_INTERVALS * resolution_s)
        return RateMeter(window_s, resolution_s=resolution_s)


class WorkerAgent:
    """One worker instance's life. ``shutting_down`` tells whether the operating system wants the agent to end."""

    def __init__(
        self,
        *,
        clock: Clock,
        task_manager: Child,
        status: Path,
        metrics: MetricsSink,
        notices: NoticeWatch,
        orders: Orders,
        settings: WorkerSettings,
        shutting_down: Callable[[], bool] = lambda: False,
    ) -> None:
        self._clock = clock
        self._task_manager = task_manager
        self._status = status
        self._metrics = metrics
        self._notices = notices
        self._orders = orders
        self._settings = settings
        self._shutting_down = shutting_down
        self._meter = settings.rate_meter()
        self._publishing = Every(settings.metrics_s)
        self._seen: tuple[TaskManagerStatus, int] | None = None
        self._crashes = 0
        self._started_at = clock.now()
        self._drain_until: float | None = None

    def run(self) -> int:
        """Work until there is a reason to end; the exit code of the agent (0 unless the task manager is unusable)."""
        self._task_manager.start()
        try:
            while (code := self.step()) is None:
                self._clock.sleep(self._settings.cadence.tick_s)
        finally:
            self._task_manager.kill()
        self._measure(self._clock.now())
        self._publish(self._clock.now(), last=True)
        self._notices.tell()
        return code

    def step(self) -> int | None:
        """One look at everything; the exit code once the worker has ended."""
        now = self._clock.now()
        self._notices.look(now)
        decision = decide(self._situation(now), self._settings.drain_s)
        code = self._act(decision)
        if code is None:
            self._measure(now)
            self._publish(now)
            self._notices.tell()
        return code

    def _situation(self, now: float) -> Situation:
        return Situation(
            now=now,
            order=self._orders.at(now),
            exit_code=self._task_manager.poll(),
            crashes=self._crashes,
            started_at=self._started_at,
            taken_at=self._notices.taken_at,
            shutting_down=self._shutting_down(),
            drain_until=self._drain_until,
        )

    def _act(self, decision: Decision) -> int | None:
        if decision.drain_until is not None:
            self._drain_until = decision.drain_until
        if decision.step is Step.GO_ON:
            return None
        logger.info("%s: %s", decision.step, decision.reason)
        if decision.step is Step.DRAIN:
            self._task_manager.terminate()
            return None
        if decision.step is Step.RESTART:
            self._crashes += 1
            logger.warning("its last words: %s", self._task_manager.last_words())
            self._status.unlink(missing_ok=True)
            self._task_manager.start()
            return None
        return 1 if decision.step is Step.FAIL else 0

    def _measure(self, now: float) -> None:
        """Sample the counter whenever the task manager has written it anew: only then is it of this moment."""
        status = read_status(TaskManagerStatus, self._status)
        if status is None:
            return
        seen = (status, self._status.stat().st_mtime_ns)
        if seen == self._seen:
            return
        self._seen = seen
        self._meter.parallel = status.workers
        self._meter.observe(now, status.tasks_completed, busy=status.busy)

    def _publish(self, now: float, *, last: bool = False) -> None:
        rate = self._meter.rate()
        if rate is None or not (last or self._publishing.due(now)):
            return
        try:
            self._metrics.publish(now, rate, self._meter.tasks_completed)
        except CloudError as error:
            logger.warning("%s", error)
