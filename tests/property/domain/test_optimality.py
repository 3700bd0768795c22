"""The planner's answers against a general solver and against trying everything."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cloudpits.domain.model import Mode
from cloudpits.domain.planning.choice import choose
from cloudpits.domain.planning.goal import Goal
from cloudpits.domain.planning.horizon import cheapest_mix
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import fleet_of
from tests.unit.domain.worlds import spot

MONEY = st.floats(0.05, 5.0)
SPEED = st.floats(0.1, 10.0)


@st.composite
def options(draw: st.DrawFn, most: int = 6) -> list[Option]:
    def one() -> Option:
        rate, start = draw(SPEED), draw(st.sampled_from([0.0, 60.0, 120.0]))
        bound = draw(st.sampled_from([1 << 30, 1 << 30, 2, 5]))
        usd = draw(MONEY) / 3600.0
        return Option(spot("c5.large"), usd, rate, rate, start, 2, bound, ceiling=2.0 * usd)

    return [one() for _ in range(draw(st.integers(1, most)))]


def goal(tasks: float, most: int, manager: float = 0.1, **changes: float) -> Goal:
    base = Goal(Mode.MIN_COST, tasks, math.inf, math.inf, manager / 3600.0, 20.0, most, 300.0, 361.0)
    return base._replace(**changes)  # type: ignore[arg-type]  # figures of the goal, by name


@given(options(), st.floats(100.0, 50_000.0), st.floats(200.0, 20_000.0), st.integers(1, 30))
@settings(max_examples=150)
def test_the_fixed_horizon_optimum_is_that_of_the_linear_programme(
    pools: list[Option], tasks: float, horizon: float, most: int
) -> None:
    gains = np.array([max(0.0, o.rate * (horizon - o.start_up_s)) for o in pools])
    costs = np.array([o.usd_per_s * horizon for o in pools])
    reference = linprog(
        costs,
        A_ub=[-gains, np.ones(len(pools))],
        b_ub=[-tasks, most],
        bounds=[(0, o.bound) for o in pools],
        method="highs",
    )
    mix = cheapest_mix(pools, tasks, horizon, most)
    if reference.status == 2:  # infeasible
        assert mix is None
        return
    assert mix is not None
    assert mix.cost_usd == pytest.approx(reference.fun, rel=1e-6)
    assert sum(mix.counts.values()) <= most * (1 + 1e-9)
    assert sum(gains[k] * x for k, x in mix.counts.items()) >= tasks * (1 - 1e-9)


@given(options(most=5), st.floats(1_000.0, 50_000.0), st.floats(500.0, 20_000.0), st.integers(2, 30))
@settings(max_examples=100)
def test_without_bounds_at_most_two_pools_are_mixed(
    pools: list[Option], tasks: float, horizon: float, most: int
) -> None:
    unbounded = [option._replace(bound=1 << 30) for option in pools]
    mix = cheapest_mix(unbounded, tasks, horizon, most)
    if mix is not None:
        assert sum(count > 1e-6 for count in mix.counts.values()) <= 2


@given(options(most=3), st.floats(500.0, 20_000.0), st.integers(1, 5))
@settings(max_examples=80)
def test_the_chosen_fleet_is_as_good_as_any_small_fleet(pools: list[Option], tasks: float, most: int) -> None:
    wanted = goal(tasks, most)
    found = choose(pools, wanted)
    assert found is not None
    ranges = [range(min(most, option.bound) + 1) for option in pools]
    everything = (fleet_of(pools, counts, wanted) for counts in product(*ranges) if 0 < sum(counts) <= most)
    best = min(fleet.score.objective for fleet in everything)
    assert found.score.objective <= best * 1.01


@given(st.floats(0.02, 2.0), st.floats(0.5, 5.0), st.floats(20_000.0, 500_000.0))
@settings(max_examples=60)
def test_one_type_is_bought_in_the_closed_form_number(price: float, rate: float, tasks: float) -> None:
    """n* = √(c_J N/(r c (s + u))), to the nearest of its whole neighbours."""
    option = Option(spot("c5.large"), price / 3600.0, rate, rate, 90.0, 2, ceiling=price / 3600.0)
    wanted = goal(tasks, 1000)
    found = choose([option], wanted)
    ideal = math.sqrt(wanted.manager_usd_per_s * tasks / (rate * option.usd_per_s * (90.0 + wanted.closing_s)))
    assert found is not None
    assert found.counts[0] == pytest.approx(max(1.0, ideal), abs=1.0)


@given(options(most=4), st.floats(1_000.0, 20_000.0), st.floats(1_000.0, 30_000.0))
@settings(max_examples=60)
def test_a_looser_deadline_never_costs_more(pools: list[Option], tasks: float, deadline: float) -> None:
    tight = choose(pools, goal(tasks, 10, deadline_s=deadline))
    loose = choose(pools, goal(tasks, 10, deadline_s=2.0 * deadline))
    assert tight is not None
    assert loose is not None
    if tight.score.violation == 0.0:
        assert loose.score.violation == 0.0
        assert loose.score.objective <= tight.score.objective * 1.01
