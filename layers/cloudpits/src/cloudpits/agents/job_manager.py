"""The job-manager host agent: keeps the job manager running, tells it its workers, ships its journal, reports."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cloudpits.agents.cadence import Cadence, Every
from cloudpits.agents.discovery import Discovery
from cloudpits.agents.job_ending import JobDecision, JobStep, decide_job
from cloudpits.agents.journal_sync import JournalSync
from cloudpits.agents.orders import Orders
from cloudpits.agents.processes import Child
from cloudpits.agents.retrying import persistently
from cloudpits.agents.statuses import JobManagerStatus, read_status
from cloudpits.agents.tally import Tally
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Channel, Clock, Progress

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Periods in seconds of the run's clock; ``tasks_total`` is None until the job manager has counted them.

    ``committed_before`` is how many tasks an earlier job manager had told of, if its journal came with the job:
    this one counts up to them again while it reads, and less in between would look like a job that starts anew.
    """

    cadence: Cadence
    journal_s: float
    tasks_total: int | None
    committed_before: int = 0


@dataclass(frozen=True, slots=True)
class JobManagerParts:
    """What the agent works with; ``store_outputs`` uploads what the program left, and may raise CloudError."""

    clock: Clock
    job_manager: Child
    status: Path
    channel: Channel
    orders: Orders
    discovery: Discovery
    tally: Tally
    journal: JournalSync
    store_outputs: Callable[[], object]
    shutting_down: Callable[[], bool] = lambda: False


class JobManagerAgent:
    """One job-manager instance's life."""

    def __init__(self, parts: JobManagerParts, settings: JobSettings) -> None:
        self._parts = parts
        self._settings = settings
        self._publishing = Every(settings.cadence.progress_s)
        self._shipping = Every(settings.journal_s)
        self._status = JobManagerStatus()
        self._committed = (
            settings.committed_before
        )  # a restarted job manager counts up to it again while it reads its journal
        self._crashes = 0

    def run(self) -> int:
        """Run the job until it has ended or must be left; the exit code of the agent."""
        self._parts.job_manager.start()
        try:
            while (last := self.step()) is None:
                self._parts.clock.sleep(self._settings.cadence.tick_s)
        finally:
            self._parts.job_manager.kill()
        self._finish(last)
        return 0

    def step(self) -> JobDecision | None:
        """One look at everything; the decision to end, once there is one."""
        now = self._parts.clock.now()
        exit_code = self._parts.job_manager.poll()  # before the status is read: the last one is then complete
        self._status = read_status(JobManagerStatus, self._parts.status) or self._status
        self._committed = max(self._committed, self._status.tasks_committed)
        self._parts.tally.update(self._status.nodes)
        decision = decide_job(
            self._status,
            exit_code,
            self._crashes,
            self._parts.orders.at(now),
            shutting_down=self._parts.shutting_down(),
        )
        if decision.step not in (JobStep.GO_ON, JobStep.RESTART):
            return decision
        if decision.step is JobStep.RESTART:
            self._restart(decision.reason)
        self._parts.discovery.look(now)
        if self._publishing.due(now):
            self._attempt(lambda: self._publish("starting" if self._status.state == "starting" else "running"))
        if self._shipping.due(now):
            self._attempt(self._parts.journal.ship)
        return None

    def _restart(self, reason: str) -> None:
        logger.warning(
            "%s; its last words: %s; it resumes from its journal", reason, self._parts.job_manager.last_words()
        )
        self._crashes += 1
        self._parts.status.unlink(missing_ok=True)
        self._parts.job_manager.start()

    def _finish(self, decision: JobDecision) -> None:
        """Leave everything in S3; the final progress comes last, since the instance may be ended once it is seen."""
        logger.info("%s: %s", decision.step, decision.reason)
        state, message = decision.step.value, decision.reason
        if decision.step is JobStep.FAILED and not self._status.message:
            message = f"{message}: {self._parts.job_manager.last_words()}"
        if decision.step is JobStep.END:
            state = "running"  # for the controller to judge: a later job manager may resume it
            message = self._parts.orders.reason or message
        self._attempt(lambda: persistently(self._parts.clock, self._parts.journal.ship))
        failure = self._attempt(self._parts.store_outputs)
        if decision.step is JobStep.COMPLETED and failure is not None:
            state, message = "failed", f"the results could not be stored: {failure}"
        self._attempt(lambda: persistently(self._parts.clock, lambda: self._publish(state, message)))

    def _publish(self, state: str, message: str = "") -> None:
        status = self._status
        self._parts.channel.publish_progress(
            Progress(
                tasks_total=self._settings.tasks_total if status.tasks_total is None else status.tasks_total,
                tasks_committed=self._committed,
                state=state,
                updated_at=self._parts.clock.now(),
                message=message or status.message,
                workers=self._parts.tally.by_instance(),
            )
        )

    def _attempt(self, action: Callable[[], object]) -> CloudError | None:
        """Carry out ``action``; what the cloud said against it, if it did."""
        try:
            action()
        except CloudError as error:
            logger.warning("%s", error)
            return error
        return None
