from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.experiment import Experiment, parse_experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.local.market import SYNTHETIC_SPOT_SHARE, build_market

AT = 1_614_643_200.0  # 2021-03-02T00:00Z
LOG = """2021-03-02T00:00:00.000Z	us-east-1	us-east-1a	c5.large	Linux/UNIX	0.0343
2021-03-05T00:00:00.000Z	us-east-1	us-east-1a	c5.large	Linux/UNIX	0.0350
2021-03-02T00:00:00.000Z	us-east-1	us-east-1b	c5.large	Linux/UNIX	0.0325
2021-03-02T00:00:00.000Z	us-east-1	us-east-1a	m5.large	Linux/UNIX	0.0400
"""


def experiment(**workers: Any) -> Experiment:
    document = {
        "name": "try",
        "region": "us-east-1",
        "program": {"module": "libtry.so"},
        "limits": {"budget_usd": 1.0},
        "workers": {"instance_types": ["c5.large"]} | workers,
    }
    return parse_experiment(document, "try.toml")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "prices.tsv"
    path.write_text(LOG, encoding="utf-8")
    return path


def test_prices_of_the_experiments_pools_are_taken_from_the_log(log: Path) -> None:
    market = build_market(experiment(availability_zones=["us-east-1a"]), log, None)

    assert market.prices == [[AT, "us-east-1a", "c5.large", 0.0343], [AT + 3 * 86400, "us-east-1a", "c5.large", 0.035]]
    assert market.recorded


def test_a_replay_starts_a_day_into_the_log_unless_told_otherwise(log: Path) -> None:
    assert build_market(experiment(), log, None).origin == AT + 86400
    assert build_market(experiment(), log, AT + 2 * 86400).origin == AT + 2 * 86400


def test_the_job_managers_type_is_known_too(log: Path) -> None:
    market = build_market(experiment(instance_types=["m5.large"]), log, None)

    assert {facts["name"] for facts in market.world()["types"]} == {"m5.large", "c5.large"}


@pytest.mark.parametrize(
    ("workers", "origin", "told"),
    [
        ({}, AT + 30 * 86400, "starts_at lies outside the log's span"),
        ({"instance_types": ["r5.large"], "availability_zones": ["us-east-1b"]}, None, None),
        ({"availability_zones": ["us-east-1f"]}, None, "has no price of any type and zone"),
    ],
)
def test_a_log_that_does_not_fit_is_refused(
    log: Path, workers: dict[str, Any], origin: float | None, told: str
) -> None:
    if told is None:  # the job manager's own type has a price there
        assert build_market(experiment(**workers), log, origin).prices
        return
    with pytest.raises(InvalidInputError, match=told):
        build_market(experiment(**workers), log, origin)


def test_without_a_log_prices_are_synthetic_constants() -> None:
    market = build_market(experiment(), None, None)

    (facts,) = market.types.values()
    assert facts.on_demand_usd_per_hour is not None
    assert {row[3] for row in market.prices} == {round(SYNTHETIC_SPOT_SHARE * facts.on_demand_usd_per_hour, 4)}
    assert not market.recorded
