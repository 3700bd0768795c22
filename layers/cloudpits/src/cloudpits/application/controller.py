"""The rebalancer's actions: one cycle, a look, a dry run, and a person's orders. Answers are JSON documents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cloudpits.application.context import Assignment, Ports
from cloudpits.application.cycle import Cycle, CycleRequest, CycleResult
from cloudpits.application.housekeeping import housekeeping
from cloudpits.application.observe import View, new_record, observe
from cloudpits.application.run_cycle import run_cycle
from cloudpits.application.run_report import decision_document
from cloudpits.application.spot_events import SpotEvent, publish
from cloudpits.config.events import RebalancerEvent
from cloudpits.domain.commands import Command, Drain, Forecast, Launch, Replace, Stop
from cloudpits.domain.ports import RunRecord

PATIENCE_S = 60.0  # a person's order and a spot event wait this long for a cycle under way
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Controller:
    """Answers events about one run."""

    ports: Ports
    assignment: Assignment

    def handle(self, event: RebalancerEvent, request_id: str | None = None) -> Document:
        """Do what ``event`` asks; StorageError or CloudError when the database or the cloud refuses.

        ``request_id`` repeats when the same request is tried again: it names the cycle if the event does not.
        """
        cycle_id = event.cycle_id or request_id or self.ports.new_id()
        match event.action:
            case "status":
                return self._status()
            case "plan":
                return self._dry_run()
            case "drain":
                return self._order(cycle_id, Drain(event.instance_id or "", "ordered by hand"))
            case "stop":
                return self._order(cycle_id, Stop("stopped by hand", completed=False))
            case "rebalance":
                return self._cycle(CycleRequest(cycle_id))

    def handle_spot(self, event: SpotEvent, cycle_id: str | None = None) -> Document:
        """Pass a warning on to the instance, then run a cycle at once, so that a replacement starts early."""
        ours = {instance.instance_id for instance in self.ports.fleet.describe()}
        if event.instance_id not in ours:
            return {"run": self.assignment.run, "skipped": f"{event.instance_id} is not of this run"}
        if event.kind == "state" and self._closed(event.instance_id):
            return {"run": self.assignment.run, "skipped": f"the end of {event.instance_id} is in the books"}
        publish(event, self.ports.channel, self.ports.clock)
        return self._cycle(CycleRequest(cycle_id or self.ports.new_id(), patience_s=PATIENCE_S))

    def _closed(self, instance_id: str) -> bool:
        """Whether the books know that the instance ended: a cycle because of it would find nothing to do."""
        instances = self.ports.books.instances(self.assignment.run)
        return any(i.instance_id == instance_id and i.ended_at is not None for i in instances)

    def _order(self, cycle_id: str, command: Command) -> Document:
        return self._cycle(CycleRequest(cycle_id, orders=(command,), patience_s=PATIENCE_S))

    def _cycle(self, request: CycleRequest) -> Document:
        result = run_cycle(self.ports, self.assignment, request)
        return _cycle_document(request, result)

    def _look(self) -> View:
        stored = self.ports.books.load_run(self.assignment.run)
        record = stored or new_record(self.assignment, self.ports.clock.now())
        return observe(self.ports, self.assignment, record)

    def _status(self) -> Document:
        view = self._look()
        return _run_document(view.record, view) | {"fleet": _fleet(view)}

    def _dry_run(self) -> Document:
        view = self._look()
        plan = Cycle(self.ports, self.assignment, CycleRequest("dry-run")).decide(view)
        would = [_command(command) for command in (*housekeeping(view), *plan.commands)]
        return _run_document(view.record, view) | {"would": would, "forecast": _forecast(plan.forecast)}


def _cycle_document(request: CycleRequest, result: CycleResult) -> Document:
    document = _totals(result.run) | {
        "cycle": request.cycle_id,
        "decisions": [decision_document(decision) for decision in result.decisions],
        "forecast": _forecast(result.forecast),
    }
    if result.skipped:
        document["skipped"] = result.skipped
    if result.rejected:
        document["rejected_reports"] = list(result.rejected)
    return document


def _forecast(forecast: Forecast | None) -> Document | None:
    return None if forecast is None else asdict(forecast)


def _totals(run: RunRecord) -> Document:
    return {
        "run": run.run,
        "status": run.status,
        "reason": run.message,
        "spent_usd": run.spent_usd,
        "budget_usd": run.budget_usd,
        "tasks": {"total": run.tasks_total, "committed": run.tasks_committed},
    }


def _run_document(run: RunRecord, view: View) -> Document:
    job = view.job
    tasks = {"total": job and job.tasks_total, "committed": 0 if job is None else job.tasks_committed}
    return _totals(run) | {"spent_usd": view.account.spent_usd, "tasks": tasks}


def _fleet(view: View) -> Sequence[Document]:
    return [
        {
            "instance_id": instance.instance_id,
            "role": instance.role.value,
            "pool": str(instance.pool),
            "state": instance.state,
            "launched_at": instance.launched_at,
            "cost_usd": view.account.costs[instance.instance_id],
            "tasks_per_second": None if (report := record.last_report) is None else report.perf_sec,
            "draining": instance.instance_id in view.evidence.drained,
        }
        for instance in view.roster.up.values()
        if (record := view.roster.records[instance.instance_id])
    ]


def _command(command: Command) -> Document:
    pool = str(command.pool) if isinstance(command, Launch | Replace) else None
    return {
        "command": type(command).__name__.lower(),
        "reason": command.reason,
        "expected_saving_usd": command.expected_saving_usd,
        "pool": pool,
        "count": command.count if isinstance(command, Launch) else 1,
        "instance_id": getattr(command, "instance_id", None),
    }
