"""What must be done whatever the policy says: finish handovers, end what should have ended by now."""

from __future__ import annotations

from cloudpits.application.observe import View
from cloudpits.domain.commands import Command, Drain, Terminate


def housekeeping(view: View) -> tuple[Command, ...]:
    """Commands that complete what earlier cycles began, or died in the middle of."""
    return (*_handovers(view), *_overdue_drains(view), *_surplus_job_managers(view))


def _handovers(view: View) -> list[Command]:
    """Replaced workers go once their replacement has reported a rate, not before."""
    up, drained = view.roster.up, view.evidence.drained
    ready = (w for w in view.roster.workers_up if view.roster.records[w.instance_id].ready_at is not None)
    return [
        Drain(worker.replaces, f"{worker.instance_id} in {worker.pool} took over: it has reported its rate")
        for worker in ready
        if worker.replaces in up and worker.replaces not in drained and worker.replaces is not None
    ]


def _overdue_drains(view: View) -> list[Command]:
    grace = view.assignment.settings.drain_grace_s
    return [
        Terminate(worker.instance_id, f"it was told to drain {view.now - since:.0f} s ago and is still up")
        for worker in view.roster.workers_up
        if (since := view.evidence.drained.get(worker.instance_id)) is not None and view.now - since > grace
    ]


def _surplus_job_managers(view: View) -> list[Command]:
    surplus = view.roster.job_managers_up[1:]
    return [Terminate(manager.instance_id, "the run has an older job manager already") for manager in surplus]
