"""In a world that never changes the fleet comes to rest: full or not, hopeless or not, whatever is known of rates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from cloudpits.domain.commands import Command, Drain, Keep, Launch, Plan, Replace, Stop, Terminate
from cloudpits.domain.decision import decide
from cloudpits.domain.estimation.pooling import pool_reports
from cloudpits.domain.model import InstanceType, Job, Mode, Offer, RateSample, Snapshot, Worker
from cloudpits.domain.policies import registry
from tests.property.domain.arena import INTERVAL, Arena
from tests.unit.domain.worlds import HOUR, offers, on_demand, snapshot, spot

SIZES = {"large": 2, "xlarge": 4, "4xlarge": 16}
FAMILIES = {"c5": 3.4, "c4": 2.9, "r5": 3.1, "c6g": 2.5, "t3": 2.5, "g4dn": 2.5}
CATALOGUE = [
    InstanceType(f"{family}.{size}", vcpus, "x86_64", clock, vcpus // 2, None, int(family == "g4dn"), 0.05 * vcpus)
    for family, clock in FAMILIES.items()
    for size, vcpus in SIZES.items()
]
LONG_H = 100.0  # what the job takes the fastest fleet, far longer than any test plays
QUIET = 15  # turns at the end in which nothing may happen any more


@dataclass
class Still(Arena):
    """A constant world whose workers report their rates give or take ``noise``; what ended workers said is kept."""

    noise: float = 0.0

    def snapshot(self) -> Snapshot:
        state = super().snapshot()
        self.reports = getattr(self, "reports", {})
        for worker in state.fleet:
            if worker.report is not None:
                self.reports[worker.instance_id] = (worker.pool.instance_type, worker.report)
        return replace(state, measured=pool_reports(self.reports.values()))

    def _worker(self, machine: object) -> Worker:
        worker = super()._worker(machine)  # type: ignore[arg-type]  # a machine of the arena
        if worker.report is None:
            return worker
        factor = 1.0 + self.noise * Random(f"{worker.instance_id} {self.now}").uniform(-1.0, 1.0)  # noqa: S311 - no secret
        return worker._replace(report=worker.report._replace(perf_sec=worker.report.perf_sec * factor))

    def decisions(self, turns: int) -> Iterator[tuple[Snapshot, Plan]]:
        """Every decision with what it was based on, before it is carried out."""
        for _ in range(turns):
            if self.stopped is not None:
                return
            before = self.snapshot()
            yield before, self.turn()


@st.composite
def worlds(draw: st.DrawFn, hours: float = LONG_H, budget: float | None = 1e5, most: int = 6) -> Still:
    kinds = draw(st.lists(st.sampled_from(CATALOGUE), min_size=1, max_size=5, unique=True))
    truth = {kind.name: kind.vcpus * draw(st.floats(0.2, 1.0)) * (1 + 7 * kind.gpus) for kind in kinds}
    market = []
    for kind in kinds:
        full = float(kind.on_demand_usd_per_hour or 1.0)
        pools = [spot(kind.name, f"us-east-1{zone}") for zone in draw(st.sampled_from(["a", "ab"]))]
        market += [Offer(pool, full * draw(st.floats(0.25, 0.6)), full) for pool in pools]
        market.append(Offer(on_demand(kind.name), full, full))
    error = draw(st.sampled_from([None, 1.0, 1.0, 0.4, 2.5]))  # of history; None: there is none
    workers = draw(st.integers(1, most))
    known = draw(st.sets(st.sampled_from(sorted(truth)))) if error else ()
    start = snapshot(
        tasks=1 + int(max(truth.values()) * workers * hours * HOUR),
        mode=draw(st.sampled_from(list(Mode))),
        budget=budget,
        deadline_s=draw(st.sampled_from([None, 0.5 * HOUR, 3.0 * hours * HOUR])),
        workers=workers,
        quota=draw(st.sampled_from([None, None, 4, 17, 20, 40])),
        types={kind.name: kind for kind in kinds},
        offers=offers(*market),
        history=tuple(RateSample(name, truth[name] * (error or 1.0), 0.02 * truth[name], 5) for name in sorted(known)),
    )
    return Still(start, registry.get("mpc"), truth, noise=draw(st.sampled_from([0.0, 0.0, 0.02])))


def acts(plan: Plan) -> list[Command]:
    return [command for command in plan.commands if not isinstance(command, Keep)]


def leaving(state: Snapshot, plan: Plan) -> Iterator[Worker]:
    """Workers that the policy itself sends away; not those that a replacement, which works by now, hands over."""
    there = {worker.instance_id: worker for worker in state.fleet}
    for command in plan.commands:
        if isinstance(command, Replace | Drain | Terminate) and "its replacement" not in command.reason:
            yield there[command.instance_id]


@given(world=worlds())
@settings(max_examples=15)
def test_the_fleet_comes_to_rest(world: Still) -> None:
    plans = [plan for _, plan in world.decisions(75)]
    if world.stopped is not None:  # hopeless from the start, and said so
        assert len(plans) == 1
        return
    assert [acts(plan) for plan in plans[-QUIET:]] == [[]] * QUIET


@given(world=worlds())
@settings(max_examples=15)
def test_no_pool_is_left_and_entered_at_once(world: Still) -> None:
    for state, plan in world.decisions(12):
        entered = {command.pool for command in plan.commands if isinstance(command, Launch | Replace)}
        assert entered.isdisjoint(worker.pool for worker in leaving(state, plan))


@given(world=worlds())
@settings(max_examples=15)
def test_asked_again_at_once_nobody_else_is_sent_away_nor_probed(world: Still) -> None:
    for _ in range(12):
        plan = decide(world.snapshot(), world.policy, world.now)
        for command in plan.commands:
            world._carry_out(command)
        world.memory = plan.memory
        again = decide(world.snapshot(), world.policy, world.now)
        assert not any(isinstance(command, Replace | Drain) for command in again.commands)
        assert again.memory.get("probed") == plan.memory.get("probed")
        world._price({})
        world._work()
        world.now += INTERVAL


@given(world=worlds(hours=3.0, budget=3.0))
@settings(max_examples=15)
def test_limits_are_kept_and_probes_stay_within_their_share(world: Still) -> None:
    limits, types = world.start.limits, world.start.types
    for state, plan in world.decisions(20):
        assert state.spent_usd <= 3.0
        assert sum(worker.state != "draining" for worker in state.fleet) <= limits.max_workers
        assert limits.vcpu_quota is None or limits.vcpu_quota >= sum(
            types[worker.pool.instance_type].vcpus for worker in state.fleet
        )
        assert plan.memory.get("explored_usd", 0.0) <= state.settings.exploration_share * 3.0


@given(world=worlds(hours=3.0, budget=5.0))
@settings(max_examples=15)
def test_every_command_says_why_in_figures(world: Still) -> None:
    for _, plan in world.decisions(20):
        for command in plan.commands:
            finished = isinstance(command, Stop) and command.completed
            assert finished or any(sign.isdigit() for sign in command.reason)


@given(world=worlds(hours=0.5), tasks=st.integers(1, 30), slowness=st.sampled_from([1.0, 30.0, 300.0]))
@settings(max_examples=15)
def test_there_are_never_more_workers_than_tasks_at_the_start(world: Still, tasks: int, slowness: float) -> None:
    history = tuple(sample._replace(mean=sample.mean / slowness) for sample in world.start.history)
    plan = decide(replace(world.start, job=Job(tasks), history=history), world.policy, world.now)
    assert sum(command.count for command in plan.commands if isinstance(command, Launch)) <= tasks
