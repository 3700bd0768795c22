"""The books of runs in dictionaries, with the guarantees of the database: cycles once each, locks that expire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cloudpits.adapters.pooling import check_samples, pool_samples
from cloudpits.domain.estimation.pooling import pool_reports
from cloudpits.domain.model import SECONDS_PER_HOUR, Interruptions, Pool, RateSample
from cloudpits.domain.ports import CycleRecord, DecisionRecord, InstanceRecord, Role, RunRecord


@dataclass
class _Run:
    record: RunRecord
    instances: dict[str, InstanceRecord] = field(default_factory=dict)
    decisions: list[DecisionRecord] = field(default_factory=list)
    capacity_errors: list[tuple[Pool, float]] = field(default_factory=list)
    interruptions: dict[str, tuple[Pool, float]] = field(default_factory=dict)


class MemoryBooks:
    """Everything the database keeps; gone with the process."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._cycles: set[tuple[str, str]] = set()
        self._imported: dict[str, dict[str, tuple[RateSample, ...]]] = defaultdict(dict)
        self._locks: dict[str, tuple[str, float]] = {}

    def load_run(self, run: str) -> RunRecord | None:
        return self._runs[run].record if run in self._runs else None

    def begin_run(self, record: RunRecord) -> RunRecord:
        return self._runs.setdefault(record.run, _Run(record)).record

    def runs(self, experiment: str | None = None) -> Sequence[RunRecord]:
        records = (run.record for run in self._runs.values())
        return tuple(record for record in records if experiment in (None, record.experiment))

    def instances(self, run: str) -> Sequence[InstanceRecord]:
        return tuple(self._runs[run].instances.values()) if run in self._runs else ()

    def decisions(self, run: str) -> Sequence[DecisionRecord]:
        return tuple(self._runs[run].decisions) if run in self._runs else ()

    def capacity_errors(self, run: str) -> Sequence[tuple[Pool, float]]:
        return tuple(self._runs[run].capacity_errors) if run in self._runs else ()

    def record_cycle(self, record: CycleRecord) -> bool:
        if (record.run.run, record.cycle_id) in self._cycles:
            return False
        self._cycles.add((record.run.run, record.cycle_id))
        run = self._runs.setdefault(record.run.run, _Run(record.run))
        run.record = record.run
        run.instances.update({instance.instance_id: instance for instance in record.instances})
        run.decisions.extend(record.decisions)
        run.capacity_errors.extend(record.capacity_errors)
        run.interruptions.update({instance_id: (pool, at) for pool, instance_id, at in record.interruptions})
        return True

    def rates(self, program: str) -> Sequence[RateSample]:
        """Imported samples, and the workers of runs that have ended: a running one sees its workers directly."""
        ended = (
            run for run in self._runs.values() if run.record.program == program and run.record.ended_at is not None
        )
        workers = (worker for run in ended for worker in run.instances.values())
        measured = pool_reports((w.pool.instance_type, w.last_report) for w in workers if w.last_report is not None)
        imported = (sample for samples in self._imported[program].values() for sample in samples)
        return pool_samples([*measured, *imported])

    def add_rates(self, program: str, label: str, samples: Sequence[RateSample]) -> None:
        check_samples(label, samples)
        self._imported[program][label] = tuple(samples)

    def interruptions(self) -> Sequence[Interruptions]:
        hours: dict[str, float] = defaultdict(float)
        events: dict[str, int] = defaultdict(int)
        for worker in self._workers():
            end = worker.ended_at or (worker.last_report.reported_at if worker.last_report else worker.launched_at)
            hours[worker.pool.instance_type] += max(0.0, end - worker.launched_at) / SECONDS_PER_HOUR
        for pool, _at in (event for run in self._runs.values() for event in run.interruptions.values()):
            events[pool.instance_type] += 1
        return tuple(Interruptions(name, events[name], hours[name]) for name in sorted({*hours, *events}))

    def start_up_samples(self, program: str) -> Sequence[float]:
        return tuple(w.ready_at - w.launched_at for w in self._workers(program) if w.ready_at is not None)

    def _workers(self, program: str | None = None) -> Iterator[InstanceRecord]:
        for run in self._runs.values():
            if program in (None, run.record.program):
                yield from (i for i in run.instances.values() if i.role is not Role.JOB_MANAGER)

    def lock(self, run: str, owner: str, now: float, ttl_s: float) -> bool:
        holder, until = self._locks.get(run, (owner, now))
        if holder != owner and now < until:
            return False
        self._locks[run] = (owner, now + ttl_s)
        return True

    def unlock(self, run: str, owner: str) -> None:
        if self._locks.get(run, ("", 0.0))[0] == owner:
            del self._locks[run]
