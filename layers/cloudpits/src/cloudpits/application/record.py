"""Record: the one transaction in which a cycle enters the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from cloudpits.application.act import Actor
from cloudpits.application.context import Ports
from cloudpits.application.observe import View, account_for
from cloudpits.application.roster import Roster, assumed
from cloudpits.domain.model import Pool
from cloudpits.domain.ports import CycleRecord, DecisionRecord, RunRecord

REMEMBERED_CYCLES = 50  # ids of cycles whose repeated delivery is recognised


def after(roster: Roster, actor: Actor, now: float) -> Roster:
    """The roster once the actor's launches and terminations are counted in."""
    launched = {record.instance_id: record for record in actor.launched}
    records = {**launched, **roster.records}
    ended = {
        key: replace(records[key], ended_at=now, ended_because=because)
        for key, because in actor.terminated.items()
        if key in records and records[key].ended_at is None
    }
    up = {**{key: assumed(record) for key, record in launched.items()}, **roster.up}
    return replace(roster, records={**records, **ended}, up={key: i for key, i in up.items() if key not in ended})


def run_record(view: View, cycle_id: str, policy_memory: Mapping[str, Any] | None = None) -> RunRecord:
    """The run with the figures of ``view``; the policy's memory is kept when no new one is given."""
    stored, job = view.record, view.job
    recent = [*stored.policy_memory.get("recent_cycles", ()), cycle_id][-REMEMBERED_CYCLES:]
    kept = stored.policy_memory.get("policy", {}) if policy_memory is None else policy_memory
    return replace(
        stored,
        tasks_total=stored.tasks_total if job is None else job.tasks_total,
        tasks_committed=stored.tasks_committed if job is None else job.tasks_committed,
        spent_usd=view.account.spent_usd,
        policy_memory={"policy": dict(kept), "recent_cycles": recent},
    )


def write(
    ports: Ports,
    view: View,
    run: RunRecord,
    decisions: Sequence[DecisionRecord],
    refused: Sequence[tuple[Pool, float]] = (),
) -> bool:
    """Store the cycle with every instance's cost; False when it had been stored before."""
    costs = view.account.costs
    return ports.books.record_cycle(
        CycleRecord(
            cycle_id=run.policy_memory["recent_cycles"][-1],
            run=run,
            instances=tuple(replace(r, cost_usd=costs[key]) for key, r in view.roster.records.items()),
            decisions=decisions,
            reports=view.reports,
            capacity_errors=(*view.roster.launch_failures, *refused),
            interruptions=view.roster.interruptions,
        )
    )


def with_roster(view: View, roster: Roster) -> View:
    """The view after the fleet changed, its account brought up to date."""
    return replace(view, roster=roster, account=account_for(view.assignment, roster, view.points, view.now))


def known_cycle(run: RunRecord, cycle_id: str) -> bool:
    """Whether a cycle of this id was recorded lately: its event was delivered twice."""
    return cycle_id in run.policy_memory.get("recent_cycles", ())
