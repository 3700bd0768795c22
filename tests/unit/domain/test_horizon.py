"""The fixed-horizon optimum against closed forms."""

from __future__ import annotations

import pytest

from cloudpits.domain.planning.horizon import cheapest_mix
from cloudpits.domain.planning.option import Option
from tests.unit.domain.worlds import spot


def option(usd_per_s: float, rate: float, start_up_s: float = 0.0, bound: int = 1 << 30) -> Option:
    return Option(spot("c5.large"), usd_per_s, rate, rate, start_up_s, 2, bound)


def test_the_most_efficient_pool_does_everything_when_slots_are_plenty() -> None:
    mix = cheapest_mix([option(1.0, 2.0), option(1.0, 1.0)], 200.0, 10.0, 100)
    assert mix is not None
    assert mix.counts == {0: pytest.approx(10.0)}
    assert mix.cost_usd == pytest.approx(100.0)
    assert mix.usd_per_task == pytest.approx(0.5)
    assert mix.usd_per_slot == 0.0


def test_scarce_slots_mix_the_two_neighbours_on_the_hull() -> None:
    """Small: 1 USD for 1 task/s; large: 4 USD for 3. Ten slots must do 20 tasks/s: half of each."""
    mix = cheapest_mix([option(1.0, 1.0), option(4.0, 3.0)], 20.0, 1.0, 10)
    assert mix is not None
    assert mix.counts == {0: pytest.approx(5.0), 1: pytest.approx(5.0)}
    assert mix.cost_usd == pytest.approx(25.0)
    assert mix.usd_per_slot > 0.0


def test_a_pool_above_the_hull_is_never_mixed_in() -> None:
    mix = cheapest_mix([option(1.0, 1.0), option(3.5, 2.0), option(4.0, 3.0)], 20.0, 1.0, 10)
    assert mix is not None
    assert 1 not in mix.counts


def test_start_up_shortens_the_useful_time() -> None:
    mix = cheapest_mix([option(1.0, 1.0, start_up_s=5.0)], 10.0, 10.0, 100)
    assert mix is not None
    assert mix.counts[0] == pytest.approx(2.0)


def test_bounded_pools_are_used_up_first() -> None:
    mix = cheapest_mix([option(1.0, 2.0, bound=3), option(1.0, 1.0)], 100.0, 10.0, 100)
    assert mix is not None
    assert mix.counts == {0: pytest.approx(3.0), 1: pytest.approx(4.0)}


def test_too_short_a_horizon_is_infeasible() -> None:
    assert cheapest_mix([option(1.0, 1.0)], 101.0, 10.0, 10) is None
    assert cheapest_mix([option(1.0, 1.0, start_up_s=20.0)], 1.0, 10.0, 10) is None
    assert cheapest_mix([], 1.0, 10.0, 10) is None


def test_nothing_left_to_do_needs_nobody() -> None:
    mix = cheapest_mix([option(1.0, 1.0)], 0.0, 10.0, 10)
    assert mix is not None
    assert mix.counts == {}
