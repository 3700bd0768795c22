"""Everyone of a run: the books and the cloud's description merged, with why each ended instance ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cloudpits.domain.ledger.summary import INTERRUPTED, INTERRUPTIONS, LEFT_ON_NOTICE
from cloudpits.domain.model import Pool, WorkerReport
from cloudpits.domain.ports import DecisionRecord, Instance, InstanceRecord, Notice, Progress, Role

# EC2 is eventually consistent: an instance just launched may be missing from descriptions for a while.
VISIBILITY_S = 120.0
# Not the ledger's word: EC2 bills an instance that shuts itself down, even when it was under notice.
NO_CAPACITY = "no capacity"
TERMINATED = "terminated"
TOLD_TO_DRAIN = "told to drain"
_NO_CAPACITY_CODES = ("Server.InsufficientInstanceCapacity", "InsufficientInstanceCapacity")
_ENDED_ITSELF = "Client.InstanceInitiatedShutdown"
_BECAUSE = {
    "Client.UserInitiatedShutdown": TERMINATED,
    _ENDED_ITSELF: "ended itself",
    "Server.InternalError": "failed in the cloud",
    "Client.VolumeLimitExceeded": "volume limit",
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """What else tells why an instance ended: notices by instance id, and decisions taken so far."""

    notices: Mapping[str, Notice]
    drained: Mapping[str, float]  # instance id → instant of the drain
    terminated: Mapping[str, str] = field(default_factory=dict)  # instance id → why the controller ended it

    @classmethod
    def of(cls, notices: Iterable[Notice], decisions: Sequence[DecisionRecord]) -> Evidence:
        """Read the evidence off notices and the outcomes of recorded decisions."""
        return cls(
            notices={notice.instance_id: notice for notice in notices},
            drained={d.instance_id: d.at for d in reversed(decisions) if d.instance_id and d.outcome == TOLD_TO_DRAIN},
            terminated={d.instance_id: TERMINATED for d in decisions if d.instance_id and d.outcome == TERMINATED},
        )

    def interruption(self, instance_id: str) -> Notice | None:
        """The interruption notice of an instance; rebalance advice is none."""
        notice = self.notices.get(instance_id)
        return notice if notice is not None and notice.kind == "interruption" else None


@dataclass(frozen=True, slots=True)
class Roster:
    """Records of all instances of a run, ended ones included, and descriptions of those that are up."""

    records: Mapping[str, InstanceRecord]
    up: Mapping[str, Instance]
    just_ended: tuple[InstanceRecord, ...] = ()  # ended since the books were last written

    @property
    def workers_up(self) -> tuple[Instance, ...]:
        return tuple(i for i in self.up.values() if i.role is not Role.JOB_MANAGER)

    @property
    def job_managers_up(self) -> tuple[Instance, ...]:
        """Oldest first; more than one only when a launch was repeated by mistake."""
        found = (i for i in self.up.values() if i.role is Role.JOB_MANAGER)
        return tuple(sorted(found, key=lambda i: (i.launched_at, i.instance_id)))

    @property
    def interruptions(self) -> tuple[tuple[Pool, str, float], ...]:
        """(pool, instance id, instant) of interruptions not in the books yet."""
        ended = (r for r in self.just_ended if r.ended_because in INTERRUPTIONS)
        return tuple((r.pool, r.instance_id, r.ended_at or r.launched_at) for r in ended)

    @property
    def launch_failures(self) -> tuple[tuple[Pool, float], ...]:
        """(pool, instant) of launches that came to nothing: for lack of capacity, or because no worker ever worked.

        The latter's pool cools down like one without capacity, or it would be paid for one vain start after another.
        """
        ended = (self.records[record.instance_id] for record in self.just_ended)
        vain = ((r.pool, r.launched_at if _refused(r) else r.ended_at) for r in ended if _refused(r) or _in_vain(r))
        return tuple((pool, at) for pool, at in vain if at is not None)


def _refused(record: InstanceRecord) -> bool:
    return record.ended_because == NO_CAPACITY


def _in_vain(record: InstanceRecord) -> bool:
    """Whether a worker gave up by itself without having done anything."""
    idle = record.role is not Role.JOB_MANAGER and record.ready_at is None and not record.tasks
    return idle and record.ended_because == _BECAUSE[_ENDED_ITSELF]


def is_up(instance: Instance) -> bool:
    """Whether it works, or will: EC2 bills nothing from ``shutting-down`` on."""
    return instance.state in ("pending", "running") and instance.ended_at is None


def why_ended(instance: Instance, evidence: Evidence) -> str:
    """In plain words; an interruption explains an end better than the shutdown it leads to."""
    instance_id = instance.instance_id
    if instance.end_reason.startswith("Server.Spot"):
        return INTERRUPTED
    if evidence.interruption(instance_id):
        return LEFT_ON_NOTICE
    if instance.end_reason in _NO_CAPACITY_CODES:
        return NO_CAPACITY
    if instance_id in evidence.terminated:
        return evidence.terminated[instance_id]
    if instance_id in evidence.drained:
        return "drained"
    return _BECAUSE.get(instance.end_reason, instance.end_reason or "unknown")


def merge(described: Sequence[Instance], booked: Iterable[InstanceRecord], evidence: Evidence, now: float) -> Roster:
    """The roster at ``now``: instances that the books do not know are adopted, vanished ones are closed."""
    known = {record.instance_id: record for record in booked}
    seen = {instance.instance_id: instance for instance in described}
    hidden = [assumed(r) for r in known.values() if r.instance_id not in seen and _may_be_hidden(r, now)]
    up = {i.instance_id: i for i in (*described, *hidden) if is_up(i)}
    records = known | {i.instance_id: _record_of(i, known.get(i.instance_id)) for i in described}
    closed = {
        key: _closed(record, seen.get(key), evidence, now)
        for key, record in records.items()
        if record.ended_at is None and key not in up
    }
    return Roster(records=records | closed, up=up, just_ended=tuple(closed.values()))


def _record_of(instance: Instance, known: InstanceRecord | None) -> InstanceRecord:
    if known is not None:
        return known if known.ended_at is not None else replace(known, launched_at=instance.launched_at)
    return InstanceRecord(
        instance_id=instance.instance_id,
        role=instance.role,
        pool=instance.pool,
        launched_at=instance.launched_at,
        replaces=instance.replaces,
    )


def _may_be_hidden(record: InstanceRecord, now: float) -> bool:
    return record.ended_at is None and now - record.launched_at < VISIBILITY_S


def assumed(record: InstanceRecord) -> Instance:
    """A launched instance as EC2 will describe it once it shows it."""
    return Instance(
        instance_id=record.instance_id,
        role=record.role,
        pool=record.pool,
        state="pending",
        launched_at=record.launched_at,
        replaces=record.replaces,
    )


def _closed(record: InstanceRecord, instance: Instance | None, evidence: Evidence, now: float) -> InstanceRecord:
    if instance is None:
        because = LEFT_ON_NOTICE if evidence.interruption(record.instance_id) else "vanished"
        return replace(record, ended_at=now, ended_because=because)
    ended_at = now if instance.ended_at is None else min(now, max(instance.ended_at, record.launched_at))
    return replace(record, ended_at=ended_at, ended_because=why_ended(instance, evidence))


def with_reports(roster: Roster, reports: Mapping[str, Sequence[WorkerReport]], progress: Progress | None) -> Roster:
    """The roster with each worker's first and latest report and the tasks committed from it."""
    tasks = progress.workers if progress is not None else {}
    updated = {key: _updated(record, reports.get(key, ()), tasks.get(key)) for key, record in roster.records.items()}
    return replace(roster, records=updated)


def _updated(record: InstanceRecord, reports: Sequence[WorkerReport], tasks: int | None) -> InstanceRecord:
    if reports:
        ready_at = reports[0].reported_at if record.ready_at is None else record.ready_at
        record = replace(record, ready_at=ready_at, last_report=reports[-1])
    return record if tasks is None else replace(record, tasks=max(tasks, record.tasks))
