"""What came out of one simulated run, as plain numbers."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from cloudpits.domain.commands import Command, Launch, Replace
from cloudpits.domain.ledger import billing
from cloudpits.domain.model import Pool
from cloudpits.simulation.machines import Machine
from cloudpits.simulation.realisation import MEAN_BOOT, SHUTDOWN_S, Realisation

if TYPE_CHECKING:
    from cloudpits.simulation.engine import Run

_CENT_FRACTION = 1e-9  # USD: below this a difference is rounding


@dataclass(frozen=True, slots=True)
class DecisionLine:
    """A command with its reason, seconds after the run's start."""

    at_s: float
    command: str
    subject: str
    reason: str
    expected_saving_usd: float

    @classmethod
    def of(cls, at_s: float, command: Command) -> DecisionLine:
        """The line for ``command``."""
        subject = str(command.pool) if isinstance(command, Launch | Replace) else getattr(command, "instance_id", None)
        name = type(command).__name__.lower()
        return cls(at_s, name, subject or "", command.reason, command.expected_saving_usd)


@dataclass(frozen=True, slots=True)
class FleetPoint:
    """The fleet after one cycle: workers per pool, dollars spent and tasks committed so far."""

    at_s: float
    spent_usd: float
    tasks_committed: int
    workers: dict[str, int]


@dataclass(frozen=True, slots=True)
class RunResult:
    """One run. ``makespan_s`` counts from the start to the last commit, or to the stop of a run that failed."""

    policy: str
    seed: int
    completed: bool
    tasks_committed: int
    cost_usd: float
    makespan_s: float
    budget_violation: bool
    deadline_missed: bool
    interruptions: int
    replacements: int
    launches: int
    launch_failures: int
    boot_share: float  # of paid worker seconds spent before the first task
    credits: int  # workers that AWS took within their first hour: free of charge
    cycles: int
    forecast_usd: float | None
    ordinary_tasks: float  # see offline.py: what the paid seconds would have done with ordinary luck
    exploration_usd: float = 0.0  # spent on the first worker of every type that the policy says it probed
    tasks_total: int = 0
    budget_usd: float | None = None
    pools: frozenset[Pool] = frozenset()  # in which instances ran
    refused: str = ""
    decisions: tuple[DecisionLine, ...] = ()
    fleet_over_time: tuple[FleetPoint, ...] = ()

    def story(self) -> dict[str, Any]:
        """The traced run as JSON-able values, for reports."""
        return {
            "policy": self.policy,
            "seed": self.seed,
            "completed": self.completed,
            "cost_usd": self.cost_usd,
            "makespan_s": self.makespan_s,
            "budget_usd": self.budget_usd,
            "tasks_total": self.tasks_total,
            "decisions": [asdict(line) for line in self.decisions],
            "fleet": [asdict(point) for point in self.fleet_over_time],
        }


def _boot_share(run: Run) -> float:
    paid = sum((m.ended_at or m.launched_at) - m.launched_at for m in run.machines.ended)
    booting = sum(min(m.boots_at, m.ended_at or m.boots_at) - m.launched_at for m in run.machines.ended)
    return booting / paid if paid > 0.0 else 0.0


def _is_free(machine: Machine) -> bool:
    age = (machine.ended_at or machine.launched_at) - machine.launched_at
    return machine.taken_back and age < billing.FREE_WHEN_INTERRUPTED_S


def _ordinary_tasks(run: Run) -> float:
    """Tasks in the seconds that were paid, at the types' own rates, mean start-ups and with everyone's shutdown."""
    return sum(_ordinary_tasks_of(machine, run.world) for machine in run.machines.ended if not _is_free(machine))


def _ordinary_tasks_of(machine: Machine, world: Realisation) -> float:
    name, boot_s = machine.pool.instance_type, world.scenario.settings.start_up_s * MEAN_BOOT
    until = max(machine.launched_at, (machine.ended_at or machine.launched_at) - SHUTDOWN_S)
    booting = world.true_rates[name] * boot_s
    return max(0.0, world.nominal_work(name, machine.launched_at, until) - booting)


def _exploration_usd(run: Run) -> float:
    """An upper bound of the price of curiosity: probes work while they are tried out."""
    first: dict[str, Machine] = {}
    for machine in sorted(run.machines.ended, key=lambda m: m.instance_id):
        first.setdefault(machine.pool.instance_type, machine)
    return sum(first[name].cost_usd or 0.0 for name in run.memory.get("probed", ()) if name in first)


def run_result(run: Run, ended_at: float, cost_usd: float) -> RunResult:
    """Sum up ``run``, whose billing ended at ``ended_at``."""
    world, bag = run.world, run.bag
    limits, start = world.scenario.limits, world.started_at
    completed = bag.completed_at is not None
    makespan = (bag.completed_at if bag.completed_at is not None else ended_at) - start
    late = limits.deadline_s is not None and (not completed or makespan > limits.deadline_s)
    taken = [m for m in run.machines.ended if m.interrupted]
    forecast = run.first_forecast
    return RunResult(
        policy=run.policy.name,
        seed=world.seed,
        completed=completed,
        tasks_committed=bag.committed,
        cost_usd=cost_usd,
        makespan_s=makespan,
        budget_violation=limits.budget_usd is not None and cost_usd > limits.budget_usd + _CENT_FRACTION,
        deadline_missed=late,
        interruptions=len(taken),
        replacements=run.replacements,
        launches=len(run.machines.ended),
        launch_failures=len(run.observer.capacity_errors),
        boot_share=_boot_share(run),
        credits=sum(_is_free(m) for m in taken),
        cycles=run.cycles,
        forecast_usd=None if forecast is None else forecast.total_usd,
        ordinary_tasks=_ordinary_tasks(run),
        pools=frozenset(machine.pool for machine in run.machines.ended),
        exploration_usd=_exploration_usd(run),
        tasks_total=bag.total,
        budget_usd=limits.budget_usd,
        refused=run.refused,
        decisions=tuple(run.decisions),
        fleet_over_time=tuple(run.fleet_over_time),
    )
