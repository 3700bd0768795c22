"""Observe and account: one look at everything outside, merged into one frozen view of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cloudpits.application.context import Assignment, Ports
from cloudpits.application.ingest import Ingested, ingest
from cloudpits.application.market import PoolSpace, hazards, offers, pool_space
from cloudpits.application.roster import Evidence, Roster, merge, with_reports
from cloudpits.application.snapshot import Knowledge, Situation, build_snapshot
from cloudpits.domain.ledger.summary import Account, account
from cloudpits.domain.model import Job, Pool, Snapshot, WorkerReport
from cloudpits.domain.ports import (
    Control,
    DecisionRecord,
    Instance,
    InstanceRecord,
    PricePoint,
    Progress,
    Role,
    RunRecord,
)

UNCOUNTED = Job(tasks_total=1)  # at least one task: more is not known until the job manager has counted


@dataclass(frozen=True, slots=True)
class View:
    """All that a cycle knows after looking once."""

    assignment: Assignment
    now: float
    record: RunRecord
    roster: Roster
    evidence: Evidence
    decisions: tuple[DecisionRecord, ...]
    control: Control | None
    progress: Progress | None
    reports: Mapping[str, WorkerReport]  # new since the books were last written, the latest of each worker
    rejected: Sequence[str]
    space: PoolSpace
    points: Sequence[PricePoint]
    knowledge: Knowledge
    account: Account

    @property
    def job(self) -> Job | None:
        """The bag of tasks; None while nobody has counted it."""
        total = self.progress.tasks_total if self.progress is not None else None
        total = total or self.assignment.experiment.program.tasks_total or self.record.tasks_total
        if total is None:
            return None
        committed = self.record.tasks_committed if self.progress is None else self.progress.tasks_committed
        return Job(tasks_total=total, tasks_committed=committed)

    def snapshot(self) -> Snapshot | None:
        """What to decide upon; None while the number of tasks is unknown."""
        return None if (job := self.job) is None else self._snapshot(job)

    def money(self) -> Snapshot:
        """As ``snapshot``, for what depends on money alone: it exists before the tasks are counted."""
        return self._snapshot(self.job or UNCOUNTED)

    def _snapshot(self, job: Job) -> Snapshot:
        situation = Situation(
            now=self.now,
            started_at=self.record.started_at,
            job=job,
            roster=self.roster,
            evidence=self.evidence,
            spent_usd=self.account.spent_usd,
            memory=self.record.policy_memory.get("policy", {}),
        )
        available = offers(self.space, self.points, self.knowledge.interruptions, self.knowledge.refused, self.now)
        return build_snapshot(self.assignment, self.space, available, self.knowledge, situation)


def new_record(assignment: Assignment, now: float) -> RunRecord:
    """The run as it is entered into the books."""
    limits = assignment.limits
    return RunRecord(
        run=assignment.run,
        experiment=assignment.experiment.name,
        program=assignment.program,
        status="running",
        started_at=now,
        tasks_total=assignment.experiment.program.tasks_total,
        budget_usd=limits.budget_usd,
        deadline_s=limits.deadline_s,
        policy=assignment.policy.name,
    )


def observe(ports: Ports, assignment: Assignment, record: RunRecord) -> View:
    """Look at fleet, books, mailbox, metrics and prices, in that order; account for everything billed so far."""
    now = ports.clock.now()
    described = ports.fleet.describe()
    decisions = tuple(ports.books.decisions(assignment.run))
    evidence = Evidence.of(ports.channel.notices(), decisions)
    roster = merge(described, ports.books.instances(assignment.run), evidence, now)
    progress = ports.channel.progress()
    ingested = _reports(ports, described, roster, now)
    fresh = {key: found[-1] for key, found in ingested.usable.items()}
    roster = with_reports(roster, ingested.usable, progress)
    space = pool_space(assignment, ports.catalogue)
    points = _price_points(ports, space, roster, record, now)
    return View(
        assignment=assignment,
        now=now,
        record=record,
        roster=roster,
        evidence=evidence,
        decisions=decisions,
        control=ports.channel.control(),
        progress=progress,
        reports=fresh,
        rejected=ingested.rejected,
        space=space,
        points=points,
        knowledge=_knowledge(ports, assignment, space, roster),
        account=account_for(assignment, roster, points, now),
    )


def account_for(assignment: Assignment, roster: Roster, points: Sequence[PricePoint], now: float) -> Account:
    """Every instance's cost until ``now``."""
    volume = assignment.settings.volume_usd_per_hour
    return account(roster.records.values(), points, now, volume, assignment.experiment.job_manager_volume_usd_per_hour)


def _reports(ports: Ports, described: Sequence[Instance], roster: Roster, now: float) -> Ingested:
    ended = {record.instance_id for record in roster.just_ended}
    asked = [i for i in described if i.role is not Role.JOB_MANAGER and i.instance_id in {*roster.up, *ended}]
    if not asked:
        return Ingested({})
    since = min(_last_heard(roster.records[i.instance_id]) for i in asked)
    found = ingest(ports.metrics.reports(asked, since, now))
    unseen = {key: _newer(roster.records[key], reports) for key, reports in found.usable.items()}
    return Ingested({key: reports for key, reports in unseen.items() if reports}, found.rejected)


def _last_heard(record: InstanceRecord) -> float:
    return record.launched_at if record.last_report is None else record.last_report.reported_at


def _newer(record: InstanceRecord, reports: Sequence[WorkerReport]) -> tuple[WorkerReport, ...]:
    return tuple(report for report in reports if report.reported_at > _last_heard(record))


def _price_points(
    ports: Ports, space: PoolSpace, roster: Roster, record: RunRecord, now: float
) -> Sequence[PricePoint]:
    used = {r.pool for r in roster.records.values()}
    first = min([record.started_at, *(r.launched_at for r in roster.records.values())])
    points = ports.prices.history({*space.pools, *used}, first, now)
    priced = {point.pool for point in points}
    assumed = (_assumed_price(pool, space, first) for pool in sorted(used - priced))
    return (*points, *(point for point in assumed if point is not None))


def _assumed_price(pool: Pool, space: PoolSpace, at: float) -> PricePoint | None:
    # A pool that has instances but no recorded price is charged at the most it can cost: the ledger never flatters.
    known = {**space.types, space.job_manager.name: space.job_manager}.get(pool.instance_type)
    if known is None or known.on_demand_usd_per_hour is None:
        return None
    return PricePoint(at, pool, known.on_demand_usd_per_hour)


def _knowledge(ports: Ports, assignment: Assignment, space: PoolSpace, roster: Roster) -> Knowledge:
    refused = (*ports.books.capacity_errors(assignment.run), *roster.launch_failures)
    return Knowledge(
        history=tuple(ports.books.rates(assignment.program)),
        interruptions=hazards(space, ports.catalogue, ports.books.interruptions()),
        start_up_samples=tuple(ports.books.start_up_samples(assignment.program)),
        refused=refused,
    )
