"""The one builder of a ``Snapshot``: what the controller, the planner and the dry run decide upon."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudpits.application.context import Assignment
from cloudpits.application.market import PoolSpace
from cloudpits.application.roster import Evidence, Roster
from cloudpits.domain.estimation.pooling import pool_reports
from cloudpits.domain.model import (
    Interruptions,
    Job,
    JobManager,
    Offer,
    Pool,
    RateSample,
    Snapshot,
    Worker,
    WorkerState,
)
from cloudpits.domain.ports import Instance, InstanceRecord, Role


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What earlier runs and this one taught."""

    history: tuple[RateSample, ...] = ()
    interruptions: tuple[Interruptions, ...] = ()
    start_up_samples: tuple[float, ...] = ()
    refused: tuple[tuple[Pool, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """Where the run stands: its clock, its job, its people, its money, and what the policy remembers."""

    now: float
    started_at: float
    job: Job
    roster: Roster = field(default_factory=lambda: Roster({}, {}))
    evidence: Evidence = field(default_factory=lambda: Evidence({}, {}))
    spent_usd: float = 0.0
    memory: Mapping[str, Any] = field(default_factory=dict)


def build_snapshot(
    assignment: Assignment,
    space: PoolSpace,
    offers: Mapping[Pool, Offer],
    knowledge: Knowledge,
    situation: Situation,
) -> Snapshot:
    """Everything a decision may depend on, at ``situation.now``."""
    records = situation.roster.records.values()
    return Snapshot(
        taken_at=situation.now,
        started_at=situation.started_at,
        job=situation.job,
        limits=assignment.limits,
        settings=assignment.settings,
        types=space.types,
        offers=offers,
        fleet=_fleet(situation, offers),
        job_manager=_job_manager(assignment, space, situation.roster),
        spent_usd=situation.spent_usd,
        history=knowledge.history,
        interruptions=knowledge.interruptions,
        start_up_samples=_start_ups(records) or knowledge.start_up_samples,
        capacity_errors=knowledge.refused,
        measured=pool_reports((r.pool.instance_type, r.last_report) for r in records if r.last_report is not None),
        memory=situation.memory,
    )


def _fleet(situation: Situation, offers: Mapping[Pool, Offer]) -> tuple[Worker, ...]:
    ordered = sorted(situation.roster.workers_up, key=lambda i: (i.launched_at, i.instance_id))
    return tuple(_worker(instance, situation, offers.get(instance.pool)) for instance in ordered)


def _worker(instance: Instance, situation: Situation, offer: Offer | None) -> Worker:
    record = situation.roster.records[instance.instance_id]
    notice = situation.evidence.interruption(instance.instance_id)
    asked = offer.ceiling_usd_per_hour if offer is not None else 0.0
    return Worker(
        instance_id=instance.instance_id,
        pool=instance.pool,
        state=_state(record, situation.evidence),
        launched_at=instance.launched_at,
        ceiling_usd_per_hour=instance.ceiling_usd_per_hour or asked,
        ready_at=record.ready_at,
        report=record.last_report,
        replaces=instance.replaces,
        notice_at=None if notice is None else notice.takes_effect_at or notice.received_at,
    )


def _state(record: InstanceRecord, evidence: Evidence) -> WorkerState:
    if record.instance_id in evidence.drained or evidence.interruption(record.instance_id):
        return WorkerState.DRAINING
    return WorkerState.PENDING if record.ready_at is None else WorkerState.RUNNING


def _job_manager(assignment: Assignment, space: PoolSpace, roster: Roster) -> JobManager:
    hourly = (space.job_manager.on_demand_usd_per_hour or 0.0) + assignment.experiment.job_manager_volume_usd_per_hour
    if not roster.job_managers_up:
        return JobManager(hourly)
    first = roster.job_managers_up[0]
    return JobManager(hourly, launched_at=first.launched_at, instance_id=first.instance_id)


def _start_ups(records: Iterable[InstanceRecord]) -> tuple[float, ...]:
    workers = (r for r in records if r.role is not Role.JOB_MANAGER and r.ready_at is not None)
    return tuple(r.ready_at - r.launched_at for r in workers if r.ready_at is not None)
