"""The end of a run: everything is terminated, the books are closed, the schedule is switched off. Repeatable."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cloudpits.application import record
from cloudpits.application.context import Ports
from cloudpits.application.lease import FINAL_STATES
from cloudpits.application.observe import View
from cloudpits.application.roster import Roster, is_up
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Control, DecisionRecord

TRIES = 3  # an instance launched a moment ago may become visible only after the first look


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ends: ``status`` is completed, failed or stopped."""

    status: str
    reason: str


def due(view: View) -> Ending | None:
    """The ending that is due by what the job manager or an earlier cycle said; None while the run goes on."""
    if view.record.status != "running":
        return Ending(view.record.status, view.record.message)
    if view.progress is not None and view.progress.state in FINAL_STATES:
        said = view.progress.message or f"the job manager says {view.progress.state}"
        return Ending(view.progress.state, said)
    if view.control is not None and view.control.stop:
        return Ending("stopped", view.control.reason)
    return None


def finish(ports: Ports, view: View, cycle_id: str, ending: Ending) -> tuple[DecisionRecord, ...]:
    """End the run; whatever step fails, the next cycle ends it again from the start."""
    first_time = view.record.status == "running"
    _tell_instances(ports, view.now, ending)
    remaining = _terminate_all(ports, view)
    decisions = (_decision(view.now, ending),) if first_time else ()
    if first_time or view.roster.up or view.roster.just_ended:
        _close_books(ports, record.with_roster(view, _closed(view, remaining)), cycle_id, ending, decisions)
    if not remaining:
        ports.schedule.disable()
    if first_time:
        tell(ports, f"{view.assignment.experiment.name}: {ending.status}", f"{view.assignment.run}: {ending.reason}")
    return decisions


def tell(ports: Ports, subject: str, message: str) -> None:
    """Notify the user; a run does not fail because a mail could not be sent."""
    try:
        ports.notifier.notify(f"CloudPITS {subject}", message)
    except CloudError:
        return


def _close_books(
    ports: Ports, view: View, cycle_id: str, ending: Ending, decisions: tuple[DecisionRecord, ...]
) -> None:
    run = record.run_record(view, cycle_id)
    ended_at = view.now if run.ended_at is None else run.ended_at
    run = replace(run, status=ending.status, message=ending.reason, ended_at=ended_at)
    record.write(ports, view, run, decisions)


def _tell_instances(ports: Ports, now: float, ending: Ending) -> None:
    ports.channel.publish_control(Control(heartbeat_at=now, lease_s=0.0, stop=True, reason=ending.reason))


def _terminate_all(ports: Ports, view: View) -> set[str]:
    """Terminate until a look shows nobody up; ids that are still up."""
    wanted = set(view.roster.up) | {i.instance_id for i in ports.fleet.describe() if i.alive or i.state == "stopped"}
    for _ in range(TRIES):
        if not wanted:
            break
        ports.fleet.terminate(sorted(wanted))
        wanted = {i.instance_id for i in ports.fleet.describe() if is_up(i) or i.state == "stopped"}
    return wanted


def _closed(view: View, remaining: set[str]) -> Roster:
    records = {
        key: found
        if found.ended_at is not None or key in remaining
        else replace(found, ended_at=view.now, ended_because="run ended")
        for key, found in view.roster.records.items()
    }
    return replace(view.roster, records=records)


def _decision(now: float, ending: Ending) -> DecisionRecord:
    return DecisionRecord(now, "stop", ending.reason, 0.0, outcome=ending.status)
