"""From files to a scenario: what is left out, what is made up, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.experiment import Experiment, parse_experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import Market
from cloudpits.domain.policies import registry
from cloudpits.simulation.build import build_scenario, total_tasks
from cloudpits.simulation.engine import play
from cloudpits.simulation.prices import PriceLog, read_price_log
from cloudpits.simulation.realisation import realise
from cloudpits.simulation.scenario import REGIMES


def experiment(**changes: Any) -> Experiment:
    document: dict[str, Any] = {
        "name": "ep",
        "region": "us-east-1",
        "program": {"module": "nowhere/libep.so", "tasks_total": 1000},
        "limits": {"budget_usd": 2.0},
        "workers": {"instance_types": ["c5.*"]},
    }
    for key, value in changes.items():
        section, _, name = key.partition("__")
        if name:
            document[section] = {**document.get(section, {}), name: value}
        else:
            document[section] = value
    return parse_experiment(document, "ep.toml")


def test_pools_are_types_times_zones_times_markets(log: PriceLog, files: tuple[Path, Path]) -> None:
    scenario = build_scenario(experiment(workers__availability_zones=["us-east-1a"]), log, files[1])
    assert {pool.availability_zone for pool in scenario.prices} == {"us-east-1a"}
    assert {pool.market for pool in scenario.prices} == set(Market)
    assert all(scenario.types[pool.instance_type].family == "c5" for pool in scenario.prices)


def test_on_demand_prices_are_those_of_the_logs_time(log: PriceLog, files: tuple[Path, Path]) -> None:
    scenario = build_scenario(experiment(), log, files[1])
    owned = [points[0][1] for pool, points in scenario.prices.items() if str(pool) == "c5.large us-east-1a on-demand"]
    assert owned == [0.085]


def test_markets_may_be_restricted(log: PriceLog, files: tuple[Path, Path]) -> None:
    scenario = build_scenario(experiment(workers__markets=["spot"]), log, files[1])
    assert {pool.market for pool in scenario.prices} == {Market.SPOT}


def test_runs_start_a_day_after_their_own_pools_first_price(files: tuple[Path, Path], tmp_path: Path) -> None:
    rows = [f"2021-02-{day:02}T00:00:00.000Z\teu-west-1\teu-west-1a\tc5.large\tLinux/UNIX\t0.04" for day in range(1, 9)]
    rows += [
        f"2021-02-{day:02}T00:00:00.000Z\tus-east-1\tus-east-1a\tc5.large\tLinux/UNIX\t0.04" for day in range(10, 21)
    ]
    two_regions = tmp_path / "log.tsv"
    two_regions.write_text(
        "\n".join(["timestamp\tregion\taz\tinstance_type\tos\tprice", *rows]) + "\n", encoding="utf-8"
    )
    scenario = build_scenario(experiment(), two_regions, files[1])
    assert datetime.fromtimestamp(scenario.earliest, UTC) == datetime(2021, 2, 11, tzinfo=UTC)


def test_types_without_a_rate_are_left_out_and_told(log: PriceLog, files: tuple[Path, Path]) -> None:
    scenario = build_scenario(experiment(workers__instance_types=["c5.large", "m5.large"]), log, files[1])
    assert set(scenario.types) == {"c5.large"}
    assert scenario.notes[-1] == "left out for want of a measured rate: m5.large"


def test_threads_per_instance_follow_the_program(log: PriceLog, files: tuple[Path, Path]) -> None:
    assert build_scenario(experiment(), log, files[1]).slots_of("c5.xlarge") == 4
    assert build_scenario(experiment(program__workers_per_instance=1), log, files[1]).slots_of("c5.xlarge") == 1


def test_a_quota_that_admits_no_worker_is_refused(log: PriceLog, files: tuple[Path, Path]) -> None:
    with pytest.raises(InvalidInputError, match=r"limits\.vcpu_quota: 1 admits no worker; the smallest, \S+, needs 2"):
        build_scenario(experiment(limits__vcpu_quota=1), log, files[1])


def test_a_log_without_spot_prices_of_the_types_is_told(log: PriceLog, files: tuple[Path, Path]) -> None:
    unpriced = replace(log, series={("x1.32xlarge", "us-east-1a"): [(log.start, 4.0)]})
    scenario = build_scenario(experiment(), unpriced, files[1])
    assert "the price log prices none of these instance types: simulated without spot" in scenario.notes


@pytest.mark.parametrize("performance", [None, "none"])
def test_without_measurements_a_synthetic_program_fits_the_limits(log: PriceLog, performance: str | None) -> None:
    scenario = build_scenario(experiment(), log, performance)
    assert scenario.history == ()
    assert "synthetic" in scenario.notes[-1]
    result = play(realise(scenario, REGIMES["calm"], 0), registry.get("static-best"))
    assert result.completed
    assert result.cost_usd <= 2.0


def test_without_measurements_a_deadline_alone_can_be_met(log: PriceLog) -> None:
    scenario = build_scenario(experiment(limits={"deadline_hours": 2.0}, program__tasks_total=100_000), log)
    result = play(realise(scenario, REGIMES["calm"], 0), registry.get("static-best"))
    assert result.completed
    assert not result.deadline_missed


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"region": "eu-west-1"}, "region: the price log holds no price of eu-west-1; it holds us-east-1"),
        (
            {"workers__availability_zones": ["us-east-1z"]},
            "none of us-east-1z is in the price log; it holds us-east-1a",
        ),
        ({"workers__instance_types": ["zz9.*"]}, "no known type of us-east-1 matches zz9.*"),
        ({"workers__instance_types": ["m5.large"]}, "measures none of the experiment's 1 types"),
        (
            {"workers": {"instance_types": ["m6g.large", "x1.16xlarge"], "markets": ["spot"]}},
            "the log prices none of the experiment's 1 types",
        ),
        ({"job_manager": {"instance_type": "zz9.large"}}, "job_manager.instance_type: zz9.large is not sold"),
    ],
)
def test_what_does_not_match_is_named(
    log: PriceLog, files: tuple[Path, Path], changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        build_scenario(experiment(**changes), log, files[1])
    assert says in str(error.value)


def test_a_size_nobody_knows_is_asked_for() -> None:
    unknown = experiment(program={"module": "nowhere/libep.so"})
    with pytest.raises(
        InvalidInputError, match=r"program\.tasks_total: is needed, because nowhere/libep\.so is not there"
    ):
        total_tasks(unknown)


def test_a_module_counts_its_own_tasks(tmp_path: Path) -> None:
    module = tmp_path / "broken.so"
    module.write_bytes(b"no module")
    with pytest.raises(InvalidInputError, match="its tasks cannot be counted"):
        total_tasks(experiment(program={"module": str(module)}))


def test_a_log_of_one_price_is_enough(tmp_path: Path, files: tuple[Path, Path]) -> None:
    path = tmp_path / "log.tsv"
    path.write_text("2021-03-02T00:00:00.000Z\tus-east-1\tus-east-1a\tc5.large\tLinux/UNIX\t0.0400\n", encoding="utf-8")
    scenario = build_scenario(experiment(), read_price_log(path), files[1])
    result = play(realise(scenario, REGIMES["calm"], 0), registry.get("mpc"))
    assert result.completed


def test_a_pool_is_not_offered_before_its_first_price(
    tmp_path: Path, files: tuple[Path, Path], scripted: Callable[..., Any]
) -> None:
    path = tmp_path / "log.tsv"
    row = "{}\tus-east-1\tus-east-1a\t{}\tLinux/UNIX\t0.0400\n"
    path.write_text(
        row.format("2021-03-02T00:00:00.000Z", "c5.large") + row.format("2021-03-30T00:00:00.000Z", "c5.xlarge"),
        encoding="utf-8",
    )
    scenario = build_scenario(experiment(workers__markets=["spot"]), read_price_log(path), files[1])
    policy = scripted(lambda _: ())
    play(realise(scenario, REGIMES["calm"], 1), policy)
    assert [pool.instance_type for pool in policy.seen[0].offers] == ["c5.large"]
