"""How often an agent looks, on the system's clock and on accelerated ones."""

from __future__ import annotations

import pytest

from cloudpits.agents.cadence import SHORTEST_POLL_S, Cadence, Every


def test_at_normal_speed_notices_are_looked_for_every_five_seconds() -> None:
    assert Cadence.at_scale(1.0) == Cadence()
    assert Cadence().notice_s == 5.0


@pytest.mark.parametrize("scale", [2.0, 60.0, 600.0])
def test_no_acceleration_turns_looks_into_a_storm(scale: float) -> None:
    cadence = Cadence.at_scale(scale)
    periods = (cadence.notice_s, cadence.control_s, cadence.discovery_s, cadence.progress_s)
    assert min(cadence.real_seconds(period) for period in periods) >= SHORTEST_POLL_S


def test_a_minute_of_the_run_is_a_second_at_scale_sixty() -> None:
    assert Cadence.at_scale(60.0).real_seconds(60.0) == 1.0


def test_a_period_starts_with_the_first_question() -> None:
    every = Every(10.0)
    assert [every.due(now) for now in (3.0, 12.9, 13.0, 14.0, 40.0, 49.0)] == [True, False, True, False, True, False]
