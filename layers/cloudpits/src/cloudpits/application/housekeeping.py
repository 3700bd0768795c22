"""What must be done whatever the policy says: end what earlier cycles ended in vain."""

from __future__ import annotations

import math

from cloudpits.application.observe import View
from cloudpits.domain.commands import Command, Terminate
from cloudpits.domain.wording import duration

SILENT_INTERVALS = 4.0  # without progress published, a job manager has hung: it publishes far more often
LEAST_SILENCE_S = 1800.0  # before that a slow boot, a large input or a throttled bucket may explain it


def housekeeping(view: View) -> tuple[Command, ...]:
    """Commands that complete what earlier cycles began, or died in the middle of."""
    return (*_overdue_drains(view), *_surplus_job_managers(view), *_hung_job_managers(view))


def _overdue_drains(view: View) -> list[Command]:
    grace = view.assignment.settings.drain_grace_s
    told = () if view.control is None else view.control.drain  # a cycle may have died before it could tell them
    return [
        Terminate(worker.instance_id, f"it was told to drain {view.now - since:.0f} s ago and is still up")
        for worker in view.roster.workers_up
        if worker.instance_id in told
        and (since := view.evidence.drained.get(worker.instance_id)) is not None
        and view.now - since > grace
    ]


def _surplus_job_managers(view: View) -> list[Command]:
    surplus = view.roster.job_managers_up[1:]
    return [Terminate(manager.instance_id, "the run has an older job manager already") for manager in surplus]


def _hung_job_managers(view: View) -> list[Command]:
    """The one whose progress stands still as a file, not as a count: its successor resumes from the journal."""
    silence = max(SILENT_INTERVALS * view.assignment.settings.interval_s, LEAST_SILENCE_S)
    published = -math.inf if view.progress is None else view.progress.updated_at
    return [
        Terminate(manager.instance_id, f"the job manager has said nothing for {duration(view.now - heard)}")
        for manager in view.roster.job_managers_up[:1]
        if view.now - (heard := max(published, manager.launched_at)) > silence
    ]
