"""The run's account is recomputed from instance records and price points."""

from __future__ import annotations

import pytest

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.ledger.summary import INTERRUPTED, account
from cloudpits.domain.model import Pool
from cloudpits.domain.ports import InstanceRecord, PricePoint, Role
from tests.unit.domain.worlds import HOUR, on_demand, spot

MANAGER = on_demand("c5.large")
PRICES = [PricePoint(0.0, spot("c5.large"), 0.04), PricePoint(-10.0, MANAGER, 0.085)]


def record(name: str, pool: Pool, start: float, end: float | None = None, because: str = "") -> InstanceRecord:
    role = Role.JOB_MANAGER if name == "i-jm" else Role.WORKER_SPOT
    return InstanceRecord(name, role, pool, start, end, because)


def test_live_instances_cost_until_now_and_ended_ones_until_their_end() -> None:
    records = [record("i-1", spot("c5.large"), 0.0), record("i-2", spot("c5.large"), 0.0, HOUR / 2)]
    books = account(records, PRICES, HOUR, 0.0)
    assert books.costs == pytest.approx({"i-1": 0.04, "i-2": 0.02})
    assert books.spent_usd == pytest.approx(0.06)


def test_the_job_manager_is_billed_on_demand_with_its_own_volume() -> None:
    books = account([record("i-jm", MANAGER, 0.0)], PRICES, HOUR, 0.5, job_manager_volume_usd_per_hour=0.01)
    assert books.spent_usd == pytest.approx(0.095)


@pytest.mark.parametrize("because", [INTERRUPTED, "Server.SpotInstanceTermination"])
def test_an_interruption_in_the_first_hour_is_credited(because: str) -> None:
    assert account([record("i-1", spot("c5.large"), 0.0, 600.0, because)], PRICES, HOUR, 0.0).spent_usd == 0.0


def test_points_in_any_order_lead_to_the_same_bill() -> None:
    points = [*PRICES, PricePoint(1800.0, spot("c5.large"), 0.08)]
    forward = account([record("i-1", spot("c5.large"), 0.0)], points, HOUR, 0.0)
    backward = account([record("i-1", spot("c5.large"), 0.0)], points[::-1], HOUR, 0.0)
    assert forward == backward
    assert forward.spent_usd == pytest.approx(0.06)


def test_an_instance_in_a_pool_without_price_is_named() -> None:
    with pytest.raises(InvalidInputError, match=r"i-9 runs in m5\.large us-east-1a spot"):
        account([record("i-9", spot("m5.large"), 0.0)], PRICES, HOUR, 0.0)
