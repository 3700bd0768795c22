"""Per-second billing, its minimum, its exceptions, and prices that change."""

from __future__ import annotations

import pytest

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.ledger.billing import cost, integrate, price_at
from cloudpits.domain.model import Market

STEADY = [(0.0, 3.6)]  # 0.001 USD per second


def test_an_hour_at_a_steady_price_costs_the_price() -> None:
    assert cost(STEADY, 0.0, 3600.0, Market.SPOT, False, 0.0) == pytest.approx(3.6)


def test_a_price_change_counts_from_its_moment_on() -> None:
    points = [(0.0, 3.6), (1800.0, 7.2)]
    assert cost(points, 0.0, 3600.0, Market.SPOT, False, 0.0) == pytest.approx(1.8 + 3.6)


def test_the_price_at_launch_is_the_last_one_before_it() -> None:
    points = [(-5000.0, 1.0), (-100.0, 3.6), (5000.0, 99.0)]
    assert cost(points, 0.0, 3600.0, Market.SPOT, False, 0.0) == pytest.approx(3.6)


@pytest.mark.parametrize("lived_s", [0.0, 1.0, 59.0, 60.0])
def test_sixty_seconds_are_charged_at_least(lived_s: float) -> None:
    assert cost(STEADY, 0.0, lived_s, Market.ON_DEMAND, False, 0.0) == pytest.approx(0.06)


def test_a_begun_second_is_charged_whole() -> None:
    assert cost(STEADY, 0.0, 100.2, Market.SPOT, False, 0.0) == pytest.approx(0.101)


def test_a_spot_instance_taken_by_aws_in_its_first_hour_costs_only_its_volume() -> None:
    assert cost(STEADY, 0.0, 1800.0, Market.SPOT, True, 0.01) == pytest.approx(0.005)


def test_after_its_first_hour_an_interrupted_instance_is_charged() -> None:
    assert cost(STEADY, 0.0, 3600.0, Market.SPOT, True, 0.0) == pytest.approx(3.6)


def test_an_on_demand_instance_is_never_free() -> None:
    assert cost(STEADY, 0.0, 1800.0, Market.ON_DEMAND, True, 0.0) == pytest.approx(1.8)


def test_an_instance_that_we_end_in_its_first_hour_is_charged() -> None:
    assert cost(STEADY, 0.0, 1800.0, Market.SPOT, False, 0.0) == pytest.approx(1.8)


def test_a_pool_without_prices_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(InvalidInputError, match="load a price log"):
        cost([], 0.0, 1.0, Market.SPOT, False, 0.0)


def test_an_end_before_the_launch_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="before launched_at"):
        cost(STEADY, 10.0, 5.0, Market.SPOT, False, 0.0)


def test_price_before_the_first_point_is_the_first_price() -> None:
    assert price_at([(100.0, 2.0)], 50.0) == 2.0


def test_integral_over_nothing_is_nothing() -> None:
    assert integrate(STEADY, 10.0, 10.0) == 0.0
