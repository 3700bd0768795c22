"""The report of a run, from the books alone: what it did, what it cost, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.ledger.summary import INTERRUPTIONS
from cloudpits.domain.ports import Books, DecisionRecord, InstanceRecord, Role

FILE_NAME = "report.json"  # of a local run, in its folder


def run_report(books: Books, run: str, output_dir: str | None = None) -> dict[str, Any]:
    """The JSON document of a run; InvalidInputError when the books do not know it.

    Money in USD, ``makespan_s`` in seconds from the run's start to its end (None while it runs), instants in
    seconds since the Unix epoch. ``replacements`` counts workers that another was
    launched for, whether they were drained afterwards or, in a full fleet, in the same cycle.
    """
    record = books.load_run(run)
    if record is None:
        known = ", ".join(sorted(other.run for other in books.runs())) or "none"
        raise InvalidInputError(f"run {run!r} is not in the books; known runs: {known}")
    instances = sorted(books.instances(run), key=lambda i: (i.launched_at, i.instance_id))
    workers = [instance for instance in instances if instance.role is not Role.JOB_MANAGER]
    managers = [instance for instance in instances if instance.role is Role.JOB_MANAGER]
    return {
        "experiment": record.experiment,
        "run": record.run,
        "status": record.status,
        "message": record.message,
        "policy": record.policy,
        "started_at": record.started_at,
        "tasks_total": record.tasks_total,
        "tasks_committed": record.tasks_committed,
        "budget_usd": record.budget_usd,
        "deadline_s": record.deadline_s,
        "spent_usd": record.spent_usd,
        "makespan_s": None if record.ended_at is None else record.ended_at - record.started_at,
        "interruptions": sum(worker.ended_because in INTERRUPTIONS for worker in workers),
        "replacements": _replacements(workers, books.decisions(run)),
        "launch_failures": len({at for _, at in books.capacity_errors(run)}),  # one for quota closes many pools
        "workers": [_worker(worker) for worker in workers],
        "job_managers": [_instance(manager) for manager in managers],
        "decisions": [decision_document(decision) for decision in books.decisions(run)],
        "output_dir": output_dir,
    }


def _replacements(workers: Sequence[InstanceRecord], decisions: Sequence[DecisionRecord]) -> int:
    """Named successors, and exchanges in a full fleet: a launch and a drain for one and the same reason."""
    replaced = {worker.replaces for worker in workers if worker.replaces is not None}
    anonymous = [worker.instance_id for worker in workers if worker.replaces is None]
    launched = [
        decision.reason
        for decision in decisions
        if decision.command == "launch" and any(name in decision.outcome for name in anonymous)
    ]
    exchanged = {
        decision.instance_id
        for decision in decisions
        if decision.command == "drain" and any(decision.reason.startswith(reason) for reason in launched)
    }
    return len(replaced | exchanged)


def decision_document(decision: DecisionRecord) -> dict[str, Any]:
    """A decision as it is reported everywhere."""
    return {
        "at": decision.at,
        "command": decision.command,
        "reason": decision.reason,
        "expected_saving_usd": decision.expected_saving_usd,
        "pool": None if decision.pool is None else str(decision.pool),
        "count": decision.count,
        "instance_id": decision.instance_id,
        "outcome": decision.outcome,
    }


def _instance(record: InstanceRecord) -> dict[str, Any]:
    return {
        "instance_id": record.instance_id,
        "instance_type": record.pool.instance_type,
        "availability_zone": record.pool.availability_zone,
        "cost_usd": record.cost_usd,
        "launched_at": record.launched_at,
        "ended_at": record.ended_at,
        "ended_because": record.ended_because,
    }


def _worker(record: InstanceRecord) -> dict[str, Any]:
    return _instance(record) | {
        "market": record.pool.market.value,
        "tasks": record.tasks,
        "tasks_per_second": None if record.last_report is None else record.last_report.perf_sec,
        "replaces": record.replaces,
    }
