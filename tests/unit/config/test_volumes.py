"""Root volumes are charged at the price of their region, so that a budget holds wherever it is spent."""

from __future__ import annotations

import pytest

from cloudpits.adapters.catalogue import tables
from cloudpits.config.experiment import Experiment, parse_experiment
from cloudpits.config.volumes import volume_usd_per_hour


def experiment(region: str) -> Experiment:
    document = {
        "name": "volumes",
        "region": region,
        "program": {"module": "lib.so"},
        "limits": {"budget_usd": 1.0},
        "workers": {"volume_gib": 30, "instance_types": ["c5.*"]},
        "job_manager": {"volume_gib": 10},
    }
    return parse_experiment(document, "test")


def test_workers_and_job_manager_pay_the_price_of_their_region() -> None:
    paulo = experiment("sa-east-1")
    assert paulo.domain_settings().volume_usd_per_hour == pytest.approx(30 * 0.152 / 730)
    assert paulo.job_manager_volume_usd_per_hour == pytest.approx(10 * 0.152 / 730)
    assert experiment("us-east-1").job_manager_volume_usd_per_hour == pytest.approx(10 * 0.08 / 730)


def test_a_region_that_is_not_listed_counts_as_the_dearest() -> None:
    listed = [volume_usd_per_hour(region, 1.0) for region in ("us-east-1", "eu-west-1", "sa-east-1")]
    assert volume_usd_per_hour("xx-new-9", 1.0) == max(listed)


@pytest.mark.parametrize("region", ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "sa-east-1", "eu-west-1"])
def test_regions_with_recorded_prices_have_their_own_volume_price(region: str) -> None:
    assert tables.zone_letters(region)
    assert 0.08 <= volume_usd_per_hour(region, 730.0) <= 0.152
