"""The offline optimum: equal to what can be worked out by hand, and never above any run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudpits.domain.commands import Launch
from cloudpits.domain.model import Limits, Market, Mode, Pool, RateSample
from cloudpits.domain.policies import registry
from cloudpits.simulation.compare import NO_OPTIMUM, compare_in
from cloudpits.simulation.engine import play
from cloudpits.simulation.lp import Programme, solve
from cloudpits.simulation.offline import BUCKETS, least_cost, offline_optimum, programme
from cloudpits.simulation.realisation import Realisation, realise
from cloudpits.simulation.scenario import REGIMES, Regime, Scenario
from cloudpits.simulation.sweep import contenders

MakeWorld = Callable[..., Realisation]
SMALL = Pool("c5.large", "us-east-1a", Market.SPOT)


def flat(prices: list[float], rates: list[float], buckets: int = 4, **changes: float) -> Programme:
    """Constant prices and rates over hourly buckets."""
    given_values = {"tasks": 3600.0, "start_up_s": 0.0, "max_workers": 10, "manager_usd_per_hour": 0.0, **changes}
    return Programme(
        bucket_s=3600.0,
        usd_per_hour=np.repeat(np.array(prices)[:, None], buckets, axis=1),
        rates=np.repeat(np.array(rates)[:, None], buckets, axis=1),
        **given_values,  # type: ignore[arg-type]
    )


def test_without_start_up_the_cheapest_task_decides() -> None:
    assert solve(flat([0.1, 0.3], [1.0, 2.0])) == pytest.approx(0.1)
    assert solve(flat([0.2, 0.3], [1.0, 2.0])) == pytest.approx(0.15)


def test_start_up_is_paid_once_per_launch() -> None:
    """One instance for four hours, ten minutes of them booting, does four hours' less ten minutes' work."""
    tasks = 4 * 3600.0 - 600.0
    assert solve(flat([0.1], [1.0], tasks=tasks, start_up_s=600.0, max_workers=1)) == pytest.approx(0.4)


def test_every_launch_is_shut_down_at_its_types_least_price() -> None:
    priced = replace(flat([0.1], [1.0], tasks=7200.0, max_workers=1), usd_per_hour=np.array([[0.3, 0.1, 0.1, 0.3]]))
    assert solve(replace(priced, shutdown_s=36.0)) == pytest.approx(0.2 + 0.1 * 36.0 / 3600.0)


def test_so_is_the_job_manager() -> None:
    managed = flat([0.1], [1.0], tasks=4 * 3600.0, max_workers=2, manager_usd_per_hour=1.0, shutdown_s=36.0)
    assert solve(managed) == pytest.approx(0.4 + 1.0 + 0.01 + 2 * 0.001)


def test_what_cannot_be_done_in_time_has_no_price() -> None:
    assert solve(flat([0.1], [1.0], tasks=5 * 3600.0, max_workers=1)) is None


def test_no_tasks_cost_nothing() -> None:
    assert solve(flat([0.1], [1.0], tasks=0.0)) == 0.0


def test_the_job_manager_runs_whole_until_the_last_bucket() -> None:
    """Two workers at most and two hours' work each: the manager's first hour is certain, the last one started."""
    manager = solve(flat([0.1], [1.0], tasks=4 * 3600.0, max_workers=2, manager_usd_per_hour=1.0))
    assert manager == pytest.approx(0.4 + 1.0)


def test_cheap_hours_are_used() -> None:
    programme_ = replace(flat([0.1], [1.0], tasks=7200.0, max_workers=1), usd_per_hour=np.array([[0.3, 0.1, 0.1, 0.3]]))
    assert solve(programme_) == pytest.approx(0.2)


def test_hours_without_capacity_are_not() -> None:
    programme_ = replace(
        flat([0.1], [1.0], tasks=7200.0, max_workers=1), usd_per_hour=np.array([[np.inf, 0.1, np.inf, 0.5]])
    )
    assert solve(programme_) == pytest.approx(0.6)


def brute_force(p: Programme) -> float:
    """Constant fleets of one type, by size and by end: upper bounds that the optimum must undercut."""
    best = np.inf
    types, buckets = p.rates.shape
    for kind in range(types):
        for last in range(buckets):
            hours = (last + 1) * p.bucket_s
            useful = p.rates[kind, 0] * (hours - p.start_up_s)
            if useful <= 0.0 or p.tasks / useful > p.max_workers:
                continue
            size = p.tasks / useful
            best = min(best, (size * p.usd_per_hour[kind, 0] + p.manager_usd_per_hour) * hours / 3600.0)
    return best


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0.05, 2.0), st.floats(0.5, 20.0)), min_size=1, max_size=3),
    st.floats(0.0, 900.0),
    st.floats(0.0, 1.0),
    st.floats(1000.0, 200_000.0),
)
def test_never_above_the_best_constant_fleet(
    kinds: list[tuple[float, float]], start_up: float, manager: float, tasks: float
) -> None:
    prices, rates = [usd for usd, _ in kinds], [rate for _, rate in kinds]
    p = flat(prices, rates, buckets=6, tasks=tasks, start_up_s=start_up, manager_usd_per_hour=manager)
    optimum, constant = solve(p), brute_force(p)
    if np.isfinite(constant):
        assert optimum is not None
        assert optimum <= constant * (1 + 1e-6)


@settings(max_examples=60)
@given(st.floats(0.05, 2.0), st.floats(0.5, 20.0), st.floats(0.0, 900.0), st.floats(1000.0, 100_000.0))
def test_equals_the_constant_fleet_when_nothing_varies(usd: float, rate: float, start_up: float, tasks: float) -> None:
    """One type, constant price, free manager: running longer always pays, so the fleet lives for the whole horizon."""
    p = flat([usd], [rate], tasks=tasks, start_up_s=start_up, max_workers=1000)
    useful = rate * (4 * 3600.0 - start_up)
    assert solve(p) == pytest.approx(tasks / useful * usd * 4.0, rel=1e-6)


def test_types_that_another_beats_at_every_moment_are_left_out(recorded: Scenario) -> None:
    world = realise(recorded, REGIMES["calm"], 0)
    kept = programme(world, 1e6, 3 * 3600.0)
    assert 1 <= len(kept.rates) < len(recorded.types)
    per_task = [p / r for p, r in zip(kept.usd_per_hour[:, 0], kept.rates[:, 0], strict=True)]
    by_size = [cost for _, cost in sorted(zip(-kept.rates[:, 0], per_task, strict=True))]
    assert all(smaller <= larger * (1 + 1e-9) for larger, smaller in pairwise(by_size)) or len(by_size) == 1


def test_leaving_them_out_does_not_change_the_optimum(recorded: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    world = realise(recorded, REGIMES["mass-interruption"], 1)
    pruned = solve(programme(world, 4e7, 3 * 3600.0))
    monkeypatch.setattr("cloudpits.simulation.offline._undominated", lambda costs, _: sorted(costs))
    whole = programme(world, 4e7, 3 * 3600.0)
    assert len(whole.rates) == len(recorded.types)
    assert solve(whole) == pytest.approx(pruned, rel=1e-5)


def test_a_job_that_luck_has_done_costs_nothing(recorded: Scenario) -> None:
    assert least_cost(realise(recorded, REGIMES["calm"], 2), 0.0, 3600.0) == 0.0


def test_a_job_of_a_second_is_compared_without_an_optimum_where_luck_has_done_it(recorded: Scenario) -> None:
    short, field = replace(recorded, tasks_total=10), contenders(["static-best"])
    documents = [compare_in(short, REGIMES["calm"], field, runs=1, seed=seed, jobs=1)[0] for seed in range(8)]
    by_luck = [document for document in documents if NO_OPTIMUM in document["notes"]]
    assert 0 < len(by_luck) < len(documents)
    for document in documents:
        (row,) = document["policies"]
        assert row["completed_share"] == 1.0
        assert (
            (document["offline_optimum_usd"]["mean"] is None) == (row["regret"]["p50"] is None) == (document in by_luck)
        )


def test_a_closer_look_at_the_end_only_raises_the_bound(recorded: Scenario) -> None:
    world, day = realise(recorded, REGIMES["calm"], 2), 24 * 3600.0
    coarse, fine = solve(programme(world, 4e7, day)), least_cost(world, 4e7, day)
    assert coarse is not None
    assert fine is not None
    assert coarse < fine < 1.2 * coarse


def test_a_longer_horizon_is_never_dearer(recorded: Scenario) -> None:
    world = realise(recorded, REGIMES["calm"], 2)
    costs = [solve(programme(world, 4e7, hours * 3600.0)) for hours in (1, 2, 4)]
    assert all(cost is not None for cost in costs)
    # Buckets grow with the horizon, which alone may move the bound by a fraction of a percent.
    assert costs[2] <= costs[1] * 1.005 <= costs[0] * 1.01  # type: ignore[operator]


def test_no_bound_where_nothing_completed(make_world: MakeWorld) -> None:
    world = make_world(limits=Limits(Mode.MIN_COST, 0.01, 3600.0, 1))
    assert offline_optimum(world, [play(world, registry.get("lowest-price"))]) is None


@pytest.mark.parametrize("seed", range(3))
def test_never_above_any_completed_run(recorded: Scenario, regime: Regime, seed: int) -> None:
    world = realise(recorded, regime, seed)
    runs = [play(world, registry.get(name)) for name in registry.NAMES]
    bound = offline_optimum(world, runs)
    assert bound is not None
    completed = [run for run in runs if run.completed]
    assert min(run.cost_usd for run in completed) >= bound.cost_usd > 0.0


def test_a_run_is_not_blamed_for_the_luck_of_another(recorded: Scenario) -> None:
    world = realise(recorded, REGIMES["stock-out"], 1)
    runs = [play(world, registry.get(name)) for name in registry.NAMES]
    bound = offline_optimum(world, runs)
    assert bound is not None
    own = [least for least in bound.own_usd if least is not None]
    assert len(own) == sum(run.completed for run in runs)
    assert bound.cost_usd == min(own)
    assert all(run.cost_usd >= least for run, least in zip(runs, bound.own_usd, strict=True) if least is not None)


def test_close_to_the_best_policy_in_calm_weather(recorded: Scenario) -> None:
    world = realise(recorded, REGIMES["calm"], 0)
    runs = [play(world, registry.get(name)) for name in ("mpc", "static-best", "uniform-progress")]
    bound = offline_optimum(world, runs)
    assert bound is not None
    assert min(run.cost_usd for run in runs) < 1.08 * bound.cost_usd


def test_the_least_makespan_is_below_every_run_in_mode_fastest(recorded: Scenario) -> None:
    limits = Limits(Mode.FASTEST, 2.5, None, 10)
    world = realise(replace(recorded, limits=limits), REGIMES["calm"], 0)
    runs = [play(world, registry.get(name)) for name in ("mpc", "threshold-2019")]
    bound = offline_optimum(world, runs)
    assert bound is not None
    assert bound.makespan_s is not None
    assert all(run.makespan_s >= bound.makespan_s for run in runs if run.completed and not run.budget_violation)


def test_free_work_shrinks_the_job_it_is_measured_by(make_world: MakeWorld, scripted: Callable[..., Any]) -> None:
    """Half the work done by an instance that AWS took in its first hour: the bound only asks for the other half."""
    rates = {name: RateSample(name, 0.001, 0.0, 5) for name in ("c5.large", "c5.xlarge")}
    prices = {SMALL: [(0.0, 0.04), (4000.0, 0.11), (4060.0, 0.04)]}
    world = make_world(prices=prices, rates=rates, tasks_total=4)
    run = play(world, scripted(lambda seen: () if seen.fleet else (Launch(SMALL, 1, "one at a time"),)))
    bound = offline_optimum(world, [run])
    assert run.credits >= 1
    assert run.ordinary_tasks < world.scenario.tasks_total
    assert bound is not None
    assert bound.cost_usd <= run.cost_usd


def test_the_bound_is_divided_finely() -> None:
    assert BUCKETS >= 48
