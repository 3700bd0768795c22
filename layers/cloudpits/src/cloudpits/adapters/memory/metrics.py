"""Worker reports kept in lists, in the order of their instants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cloudpits.domain.model import WorkerReport
from cloudpits.domain.ports import Instance


class MemoryMetrics:
    """What workers published; ``put`` is the worker's side."""

    def __init__(self) -> None:
        self._reports: dict[str, list[WorkerReport]] = {}

    def put(self, instance_id: str, report: WorkerReport) -> None:
        self._reports.setdefault(instance_id, []).append(report)

    def reports(
        self, instances: Sequence[Instance], since: float, until: float
    ) -> Mapping[str, Sequence[WorkerReport]]:
        found = {instance.instance_id: self._between(instance.instance_id, since, until) for instance in instances}
        return {instance_id: reports for instance_id, reports in found.items() if reports}

    def _between(self, instance_id: str, since: float, until: float) -> tuple[WorkerReport, ...]:
        inside = (r for r in self._reports.get(instance_id, ()) if since <= r.reported_at <= until)
        return tuple(sorted(inside, key=lambda report: report.reported_at))
