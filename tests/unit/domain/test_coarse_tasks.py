"""Tasks that last minutes: what is in hand counts only when it is done, and at the end some wait for others."""

from __future__ import annotations

import pytest

from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.model import Snapshot
from cloudpits.domain.planning.crew import crews_of
from cloudpits.domain.planning.front import plan
from cloudpits.domain.planning.market import survey
from tests.unit.domain.worlds import ALL_OFFERS, NOW, fleet, history, offers, snapshot, spot, under_way

LARGE = spot("c5.large")
COARSE = history({"c5.large": 2 / 600})  # two at a time, each 600 s
FINE = history({"c5.large": 20.0})


def lead_s(state: Snapshot) -> float:
    (crew,) = crews_of(survey(state, rates_of(state)), state.fleet)
    return crew.option.start_up_s


def test_a_new_worker_loses_its_start_up_and_half_a_batch() -> None:
    market = survey(snapshot(history=COARSE), rates_of(snapshot(history=COARSE)))
    assert market.option(ALL_OFFERS[LARGE]).start_up_s == pytest.approx(90.0 + 300.0, rel=0.02)


def test_who_has_worked_for_long_has_as_much_in_hand_as_it_will_lack() -> None:
    assert lead_s(under_way(fleet(LARGE, 1, rate=2 / 600), history=COARSE)) == 0.0


def test_who_has_just_begun_still_lacks_what_it_has_not_done() -> None:
    young = fleet(LARGE, 1, age_s=190.0, rate=2 / 600, ready_at=NOW - 100.0)
    assert lead_s(under_way(young, history=COARSE)) == pytest.approx(200.0, rel=0.03)


def test_who_is_booting_lacks_the_rest_of_its_start_up_besides() -> None:
    assert lead_s(under_way(fleet(LARGE, 1, age_s=30.0), history=COARSE)) == pytest.approx(60.0 + 300.0, rel=0.02)


def test_short_tasks_change_nothing() -> None:
    assert lead_s(under_way(fleet(LARGE, 1, age_s=100.0), history=FINE)) == 0.0


def test_a_deadline_that_leaves_no_time_for_the_last_tasks_is_refused() -> None:
    """Twenty workers do two tasks each in 690 s at best; 480 s would do if tasks could be divided."""
    market = offers(ALL_OFFERS[LARGE])
    state = {"history": COARSE, "offers": market, "tasks": 26, "budget": None}
    assert plan(snapshot(**state, deadline_s=600.0)).chosen is None
    assert plan(snapshot(**state, deadline_s=900.0)).chosen is not None
