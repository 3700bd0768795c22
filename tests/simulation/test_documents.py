"""``simulate`` and ``compare``: their documents, reproducible whatever the number of processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.policies import registry
from cloudpits.simulation.compare import BoundError, check_bound, compare
from cloudpits.simulation.offline import Bound
from cloudpits.simulation.scenario import REGIMES, Scenario
from cloudpits.simulation.simulate import simulate
from cloudpits.simulation.statistics import figures
from cloudpits.simulation.sweep import _chunks, contenders, sweep

MakeExperiment = Callable[..., Experiment]
FIGURES = {"mean", "p50", "p95", "max"}
LIMIT_KEYS = {
    "budget_usd",
    "deadline_hours",
    "cost_usd",
    "makespan_s",
    "completed_share",
    "budget_violations",
    "deadline_misses",
    "interruptions",
    "replacements",
}


GOLDEN_COSTS_USD = [0.8520228082191781, 0.8811726522070014]
GOLDEN_MAKESPANS_S = [7061.642373561859, 7138.048599243164]
GOLDEN_BOUNDS_USD = [0.6718484709022162, 0.6774660475602718]


def test_simulate_answers_for_every_limit(ep: MakeExperiment, files: tuple[Path, Path]) -> None:
    document = simulate(
        ep(),
        files[0],
        budgets=[1.0, 3.0],
        deadlines=[2.0, 3.0],
        runs=2,
        policy="static-best",
        performance=files[1],
        jobs=1,
    )
    assert {"policy", "runs", "seed", "by_limit"} <= set(document)
    limits = [(row["budget_usd"], row["deadline_hours"]) for row in document["by_limit"]]
    assert limits == [(1.0, 2.0), (1.0, 3.0), (3.0, 2.0), (3.0, 3.0)]
    for row in document["by_limit"]:
        assert set(row) >= LIMIT_KEYS
        assert set(row["cost_usd"]) == set(row["makespan_s"]) == FIGURES
        assert row["budget_violations"] == 0
        assert row["cost_usd"]["max"] <= row["budget_usd"]
    assert json.loads(json.dumps(document)) == document


def test_without_limits_the_experiments_own_are_used(ep: MakeExperiment, files: tuple[Path, Path]) -> None:
    document = simulate(ep(), files[0], runs=1, performance=files[1], jobs=1, budgets=(), deadlines=())
    assert document["policy"] == "mpc"
    assert [(row["budget_usd"], row["deadline_hours"]) for row in document["by_limit"]] == [(3.0, 3.0)]


def test_compare_sets_policies_beside_the_optimum(ep: MakeExperiment, files: tuple[Path, Path]) -> None:
    document = compare(ep(), files[0], policies=["all"], runs=2, performance=files[1], jobs=1)
    assert [row["policy"] for row in document["policies"]] == list(registry.NAMES)
    assert document["offline_optimum_usd"]["mean"] > 0.0
    for row in document["policies"]:
        assert set(row) >= (LIMIT_KEYS - {"budget_usd", "deadline_hours"}) | {"policy", "regret"}
        assert {"mean", "p50", "p95"} <= set(row["regret"])
        assert row["regret"]["p50"] is None or row["regret"]["p50"] >= 0.0
    assert json.loads(json.dumps(document)) == document


def test_processes_do_not_change_results(recorded: Scenario) -> None:
    fields = contenders(["mpc", "lowest-price"])
    alone = sweep(recorded, REGIMES["stock-out"], fields, range(5), jobs=1, with_optimum=True)
    together = sweep(recorded, REGIMES["stock-out"], fields, range(5), jobs=2, with_optimum=True)
    assert alone == together


def test_other_seeds_are_other_worlds(recorded: Scenario) -> None:
    results = sweep(recorded, REGIMES["calm"], contenders(["static-best"]), range(6), jobs=1)
    assert len({result.runs["static-best"].makespan_s for result in results}) == 6


def test_golden_figures_of_a_fixed_policy(recorded: Scenario) -> None:
    """``lowest-price`` has nothing to tune: these figures change only when the world or the bill does."""
    results = sweep(recorded, REGIMES["calm"], contenders(["lowest-price"]), range(2), jobs=1, with_optimum=True)
    runs = [result.runs["lowest-price"] for result in results]
    assert [run.cost_usd for run in runs] == pytest.approx(GOLDEN_COSTS_USD, rel=1e-9)
    assert [run.makespan_s for run in runs] == pytest.approx(GOLDEN_MAKESPANS_S, rel=1e-9)
    bounds = [result.bound.cost_usd for result in results if result.bound is not None]
    assert bounds == pytest.approx(GOLDEN_BOUNDS_USD, rel=1e-5)


def test_a_larger_budget_never_finishes_later(ep: MakeExperiment, files: tuple[Path, Path]) -> None:
    document = simulate(
        ep(mode="fastest", deadline_hours=None), files[0], budgets=[1.2, 2.0, 3.0], runs=3, performance=files[1], jobs=1
    )
    done = [row for row in document["by_limit"] if row["completed_share"] == 1.0]
    makespans = [row["makespan_s"]["mean"] for row in done]
    assert len(done) >= 2
    assert makespans == sorted(makespans, reverse=True)


def test_a_run_below_the_bound_is_a_defect(recorded: Scenario) -> None:
    result = sweep(recorded, REGIMES["calm"], contenders(["static-best"]), [0], jobs=1)[0]
    with pytest.raises(BoundError, match=r"seed 0: static-best cost .* below the bound"):
        check_bound([replace(result, bound=Bound(99.0))])


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"runs": 0}, "--runs: 0"),
        ({"budgets": [0.0]}, "--budgets: 0.0"),
        ({"budgets": [float("nan")]}, "--budgets: nan"),
        ({"deadlines": [-1.0]}, "--deadlines: -1.0"),
        ({"policy": "best"}, "policy: 'best' is not known"),
        ({"regime": "sunny"}, "--regime: 'sunny' is not known; choose one of calm"),
    ],
)
def test_bad_options_are_named(
    ep: MakeExperiment, files: tuple[Path, Path], options: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        simulate(ep(), files[0], **{"performance": files[1], "jobs": 1, **options})
    assert says in str(error.value)


def test_limits_that_the_policy_refuses_say_why_and_another_run_is_shown(
    ep: MakeExperiment, files: tuple[Path, Path]
) -> None:
    document = simulate(ep(), files[0], budgets=[3.0, 0.01], runs=2, performance=files[1], jobs=1)
    kept, refused = document["by_limit"]
    assert (kept["completed_share"], kept["refused"]) == (1.0, [])
    assert (refused["completed_share"], refused["launches"]) == (0.0, 0)
    assert "no fleet surely keeps the limits" in refused["refused"][0]
    assert document["sample_run"]["completed"]
    assert document["sample_run"]["budget_usd"] == 3.0


def test_what_the_figures_rest_on_is_told(ep: MakeExperiment, files: tuple[Path, Path]) -> None:
    notes = simulate(ep(), files[0], runs=1, policy="static-best", performance=files[1], jobs=1)["notes"]
    assert notes[0].startswith("recorded prices from 2021-03-")
    assert any(note.startswith("left out for want of a measured rate: ") for note in notes)


@pytest.mark.parametrize(("runs", "jobs", "size"), [(1, 1, 1), (32, 2, 2), (100_000, 2, 10), (100, 64, 1)])
def test_seeds_are_dealt_out_in_chunks_that_keep_every_process_busy_and_the_bar_moving(
    runs: int, jobs: int, size: int
) -> None:
    chunks = [*_chunks(range(runs), jobs)]
    assert [seed for chunk in chunks for seed in chunk] == [*range(runs)]
    assert max(map(len, chunks)) == size


def test_figures_of_nothing_are_none() -> None:
    assert figures([]) == {"mean": None, "p50": None, "p95": None, "max": None}
    assert figures([1.0, 3.0]) == {"mean": 2.0, "p50": 2.0, "p95": pytest.approx(2.9), "max": 3.0}
