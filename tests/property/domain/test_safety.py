"""Whatever prices and interruptions do, every policy keeps the budget and the limits."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudpits.domain.commands import Launch, Replace
from cloudpits.domain.decision import decide
from cloudpits.domain.model import Mode, Pool
from cloudpits.domain.policies import registry
from tests.property.domain.arena import Arena
from tests.unit.domain.worlds import ALL_OFFERS, history, snapshot

POOLS = sorted(ALL_OFFERS)
Turn = tuple[Mapping[Pool, float], int]
TURNS = st.lists(
    st.tuples(st.dictionaries(st.sampled_from(POOLS), st.floats(0.1, 5.0), max_size=6), st.integers(0, 4)),
    min_size=5,
    max_size=30,
)
BUDGETS = st.floats(0.02, 3.0)
MODES = st.sampled_from(list(Mode))


@pytest.mark.parametrize("name", registry.NAMES)
@given(turns=TURNS, budget=BUDGETS, mode=MODES, known=st.booleans(), workers=st.integers(1, 20))
@settings(max_examples=15)
def test_no_policy_ever_exceeds_the_budget(
    name: str, turns: list[Turn], budget: float, mode: Mode, known: bool, workers: int
) -> None:
    start = snapshot(budget=budget, mode=mode, history=history() if known else (), tasks=60_000, workers=workers)
    arena = Arena(start, registry.get(name))
    for factors, taken in turns:
        if arena.stopped:
            break
        arena.turn(factors, taken)
        assert arena.spent <= budget + 1e-9
    assert arena.spent <= budget + 1e-9


@pytest.mark.parametrize("name", registry.NAMES)
@given(turns=TURNS, workers=st.integers(1, 12), quota=st.integers(4, 40))
@settings(max_examples=15)
def test_no_policy_ever_exceeds_workers_or_vcpus(name: str, turns: list[Turn], workers: int, quota: int) -> None:
    arena = Arena(snapshot(tasks=60_000, workers=workers, quota=quota), registry.get(name))
    for factors, taken in turns:
        if arena.stopped:
            break
        arena.turn(factors, taken)
        crew = arena.snapshot().fleet
        assert sum(worker.state != "draining" for worker in crew) <= workers
        assert sum(arena.start.types[worker.pool.instance_type].vcpus for worker in crew) <= quota


@pytest.mark.parametrize("name", [n for n in registry.NAMES if n != "lowest-price"])
def test_every_policy_finishes_an_easy_job(name: str) -> None:
    arena = Arena(snapshot(budget=20.0, tasks=20_000), registry.get(name))
    arena.play([({}, 0)] * 100)
    assert arena.stopped is not None
    assert arena.stopped.completed


@given(tasks=st.integers(1_000, 300_000), mode=MODES, budget=st.floats(1.0, 30.0), workers=st.integers(1, 20))
@settings(max_examples=40)
def test_on_constant_input_nothing_is_ever_replaced(tasks: int, mode: Mode, budget: float, workers: int) -> None:
    arena = Arena(snapshot(tasks=tasks, mode=mode, budget=budget, workers=workers), registry.get("mpc"))
    arena.play([({}, 0)] * 40)
    assert not any(isinstance(command, Replace) for command in arena.log)


@given(tasks=st.integers(1_000, 300_000), workers=st.integers(1, 20))
@settings(max_examples=40)
def test_on_constant_input_the_first_fleet_is_kept(tasks: int, workers: int) -> None:
    arena = Arena(snapshot(tasks=tasks, budget=100.0, workers=workers), registry.get("mpc"))
    arena.play([({}, 0)] * 40)
    launches = [at for at, command in enumerate(arena.log) if isinstance(command, Launch)]
    assert launches == list(range(len(launches)))  # all of them in the first decision


# threshold-2019 counts checks, so asking it twice is another check by definition.
STEADY = [name for name in registry.NAMES if name != "threshold-2019"]


@given(turns=TURNS, name=st.sampled_from(STEADY), known=st.booleans())
@settings(max_examples=40)
def test_a_decision_on_its_own_outcome_launches_nothing_more(turns: list[Turn], name: str, known: bool) -> None:
    arena = Arena(snapshot(tasks=60_000, history=history() if known else ()), registry.get(name))
    arena.play(turns)
    if arena.stopped:
        return
    arena._price({})
    plan = decide(arena.snapshot(), arena.policy, arena.now)
    for command in plan.commands:
        arena._carry_out(command)
    arena.memory = plan.memory
    if arena.stopped:
        return
    again = decide(arena.snapshot(), arena.policy, arena.now)
    assert not any(isinstance(command, Launch | Replace) for command in again.commands)


@given(turns=TURNS, name=st.sampled_from(registry.NAMES))
@settings(max_examples=30)
def test_equal_snapshots_lead_to_equal_plans(turns: list[Turn], name: str) -> None:
    arena = Arena(snapshot(tasks=60_000), registry.get(name))
    arena.play(turns)
    state = arena.snapshot()
    assert decide(state, arena.policy, arena.now) == decide(state, registry.get(name), arena.now)


@given(tasks=st.integers(5_000, 100_000), budget=st.floats(0.5, 5.0))
@settings(max_examples=30)
def test_more_budget_never_finishes_later(tasks: int, budget: float) -> None:
    def finished(usd: float) -> float:
        arena = Arena(snapshot(tasks=tasks, budget=usd, mode=Mode.FASTEST), registry.get("mpc"))
        arena.play([({}, 0)] * 200)
        return arena.now if arena.stopped and arena.stopped.completed else float("inf")

    # Whole cycles are counted, so one of them is granted.
    assert finished(2.0 * budget) <= finished(budget) + 300.0
