"""The steps of a cycle: reconcile → observe → account → estimate → decide → re-validate → act → record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cloudpits.application import record
from cloudpits.application.act import Actor
from cloudpits.application.context import Assignment, Ports
from cloudpits.application.finish import Ending, due, finish
from cloudpits.application.housekeeping import housekeeping
from cloudpits.application.lease import funded_until, heartbeat
from cloudpits.application.observe import View, observe
from cloudpits.application.roster import Roster, merge
from cloudpits.application.validate import objection
from cloudpits.domain.commands import Command, Drain, Forecast, Keep, Launch, Plan, Replace, Stop, Terminate
from cloudpits.domain.decision import CAPACITY_ROUNDS, decide
from cloudpits.domain.guard.budget import BudgetGuard
from cloudpits.domain.model import Snapshot
from cloudpits.domain.ports import DecisionRecord, InstanceRecord, Role, RunRecord

MAX_JOB_MANAGERS = 10  # more than a run ever needs
SHORT_LIVES = 4  # so many job managers in a row that ended early will not be followed by one that does not
SHORT_LIFE_S = 600.0


@dataclass(frozen=True, slots=True)
class CycleRequest:
    """A cycle to run: ``orders`` are a person's commands; ``patience_s`` is how long to wait for a running cycle."""

    cycle_id: str
    orders: tuple[Command, ...] = ()
    patience_s: float = 0.0


@dataclass(frozen=True, slots=True)
class CycleResult:
    """The run as recorded and the decisions taken; ``skipped`` says why nothing was done."""

    run: RunRecord
    decisions: Sequence[DecisionRecord] = ()
    skipped: str = ""
    rejected: Sequence[str] = ()  # worker reports that could not be used, and why
    forecast: Forecast | None = None


class Cycle:
    """One cycle of one run; to be run once, under the run's lock."""

    def __init__(self, ports: Ports, assignment: Assignment, request: CycleRequest) -> None:
        self._ports = ports
        self._assignment = assignment
        self._request = request

    def run(self, stored: RunRecord, still_locked: Callable[[], bool]) -> CycleResult:
        """Do all steps; ``still_locked`` is asked before anything is touched."""
        view = observe(self._ports, self._assignment, stored)
        ending = due(view) or self._ordered_stop()
        if ending is not None:
            return self._finish(view, ending)
        chores = (*housekeeping(view), *self._request.orders)
        view = _with_drains(view, chores)
        plan = self.decide(view)
        ending = self._ending(view, plan)
        if ending is not None:
            return self._finish(view, ending)
        if not still_locked():
            return CycleResult(stored, skipped="this cycle took too long and was overtaken")
        if (ending := self._stopped_meanwhile()) is not None:
            return self._finish(view, ending)
        return self._act_and_record(view, chores, plan)

    def decide(self, view: View) -> Plan:
        """What the policy says, kept within the budget by the ledger; nothing but waiting while tasks are uncounted."""
        snapshot = view.snapshot()
        if snapshot is None:
            waiting = Keep("the number of tasks is not known yet: the job manager counts them")
            return Plan(tuple(BudgetGuard(view.money()).enforce([waiting])))
        plan = decide(snapshot, self._assignment.policy, view.now)
        if _only_output_missing(plan, view) and _funded(snapshot):
            reason = "every task is committed; only the job manager is needed, for the output"
            return Plan(tuple(Terminate(worker.instance_id, reason) for worker in snapshot.fleet), plan.memory)
        return plan

    def _ordered_stop(self) -> Ending | None:
        stop = next((order for order in self._request.orders if isinstance(order, Stop)), None)
        return None if stop is None else Ending("stopped", stop.reason)

    def _stopped_meanwhile(self) -> Ending | None:
        """The ending that a stop ordered since the look, by one who could not wait for this cycle, makes due."""
        control = self._ports.channel.control()
        return Ending("stopped", control.reason) if control is not None and control.stop else None

    def _ending(self, view: View, plan: Plan) -> Ending | None:
        stop = next((command for command in plan.commands if isinstance(command, Stop)), None)
        if stop is not None:
            return Ending("stopped", stop.reason)
        if not view.roster.job_managers_up and _hopeless(_job_managers(view)):
            return Ending("failed", f"{len(_job_managers(view))} job managers ended before the job was done")
        return None

    def _finish(self, view: View, ending: Ending) -> CycleResult:
        decisions = finish(self._ports, view, self._request.cycle_id, ending)
        run = self._ports.books.load_run(self._assignment.run) or view.record
        return CycleResult(run, decisions, rejected=view.rejected)

    def _act_and_record(self, view: View, chores: Sequence[Command], plan: Plan) -> CycleResult:
        snapshot = view.snapshot()
        actor = Actor(
            self._ports, self._request.cycle_id, {} if snapshot is None else snapshot.offers, view.space.types
        )
        fresh = merge(self._ports.fleet.describe(), view.roster.records.values(), view.evidence, view.now)
        self._promise_less(view, plan)
        if not fresh.job_managers_up:
            actor.launch_job_manager(self._assignment.run, view.space.job_manager_pools, len(_job_managers(view)))
        plan = self._launch(view, actor, fresh, plan)
        for command in (*_ending_commands(chores), *_ending_commands(plan.commands)):
            _carry_out(actor, command, fresh, view)
        return self._record(view, actor, plan)

    def _promise_less(self, view: View, plan: Plan) -> None:
        """Shorten the lease to what the budget pays with the planned launches, before any of them starts."""
        snapshot = view.money()
        self._publish(view, sum(_hourly(command, snapshot) for command in plan.commands))

    def _publish(self, view: View, planned_usd_per_hour: float = 0.0) -> None:
        if self._stopped_meanwhile() is not None:
            return
        funded = funded_until(view.money(), planned_usd_per_hour)
        drain = set(view.evidence.drained) & set(view.roster.up)
        control = heartbeat(self._ports.clock.now(), self._assignment.settings, funded, drain)
        self._ports.channel.publish_control(control)

    def _launch(self, view: View, actor: Actor, fresh: Roster, plan: Plan) -> Plan:
        """Launch what the plan says; after refusals ask the policy again, which then knows those pools as closed."""
        for _ in range(CAPACITY_ROUNDS):
            refusals = len(actor.refused)
            for command in plan.commands:
                if isinstance(command, Launch | Replace):
                    _carry_out(actor, command, fresh, view)
            if len(actor.refused) == refusals or actor.blocked:
                break
            plan = self.decide(_with_actions(view, actor, self._ports.clock.now()))
        return plan

    def _record(self, view: View, actor: Actor, plan: Plan) -> CycleResult:
        view = _with_actions(view, actor, self._ports.clock.now())
        run = record.run_record(view, self._request.cycle_id, plan.memory)
        record.write(self._ports, view, run, actor.decisions, actor.refused)
        self._publish(view)
        return CycleResult(run, tuple(actor.decisions), rejected=view.rejected, forecast=plan.forecast)


def _carry_out(actor: Actor, command: Command, fresh: Roster, view: View) -> None:
    expected = {*view.roster.up, *(r.instance_id for r in actor.launched)}
    problem = objection(command, fresh, expected, actor.drained)
    if problem is None:
        actor.carry_out(command)
    else:
        actor.note(command, f"dropped: {problem}", instance_id=getattr(command, "instance_id", None))


def _ending_commands(commands: Sequence[Command]) -> list[Command]:
    """All but launches: drains and terminations come after every launch."""
    return [command for command in commands if not isinstance(command, Launch | Replace)]


def _hourly(command: Command, snapshot: Snapshot) -> float:
    if not isinstance(command, Launch | Replace) or command.pool not in snapshot.offers:
        return 0.0
    count = command.count if isinstance(command, Launch) else 1
    return count * (snapshot.offers[command.pool].ceiling_usd_per_hour + snapshot.settings.volume_usd_per_hour)


def _only_output_missing(plan: Plan, view: View) -> bool:
    # The job manager says "completed" once the output is stored; until then its end would lose the result.
    stored = view.progress is not None and view.progress.state == "completed"
    return not stored and any(isinstance(command, Stop) and command.completed for command in plan.commands)


def _funded(snapshot: Snapshot) -> bool:
    """Whether the fleet can be paid until the next cycle."""
    until = funded_until(snapshot)
    return until is None or until > snapshot.taken_at + snapshot.settings.interval_s


def _job_managers(view: View) -> list[InstanceRecord]:
    """All of this run, in order of launch."""
    managers = (record for record in view.roster.records.values() if record.role is Role.JOB_MANAGER)
    return sorted(managers, key=lambda record: record.launched_at)


def _hopeless(ended: Sequence[InstanceRecord]) -> bool:
    lives = [(record.ended_at or record.launched_at) - record.launched_at for record in ended]
    in_a_row = len(lives) >= SHORT_LIVES and all(life < SHORT_LIFE_S for life in lives[-SHORT_LIVES:])
    return in_a_row or len(lives) >= MAX_JOB_MANAGERS


def _with_drains(view: View, chores: Sequence[Command]) -> View:
    told = {c.instance_id: view.now for c in chores if isinstance(c, Drain) and c.instance_id in view.roster.up}
    return replace(view, evidence=replace(view.evidence, drained={**told, **view.evidence.drained}))


def _with_actions(view: View, actor: Actor, now: float) -> View:
    view = record.with_roster(replace(view, now=now), record.after(view.roster, actor, now))
    evidence = replace(view.evidence, drained={**actor.drained, **view.evidence.drained})
    refused = (*view.knowledge.refused, *actor.refused)
    return replace(view, evidence=evidence, knowledge=replace(view.knowledge, refused=refused))
