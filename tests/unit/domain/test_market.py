"""The market of one decision: which workers are worth launching, and what is worked out only once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.model import Interruptions
from cloudpits.domain.planning.market import MOST_LOSS, Market, survey
from tests.unit.domain.worlds import ALL_OFFERS, TYPES, history, offer, offers, on_demand, snapshot, spot


def market(**changes: object) -> Market:
    state = snapshot(**changes)
    return survey(state, rates_of(state))


def test_no_option_beats_another_in_both_price_and_rate() -> None:
    options = market().options()
    assert len(options) > 1
    for one in options:
        assert not any(
            other is not one and other.usd_per_s <= one.usd_per_s and other.rate >= one.rate for other in options
        )
    assert [option.usd_per_task for option in options] == sorted(option.usd_per_task for option in options)


def test_of_two_equally_dear_types_the_faster_is_taken() -> None:
    prices = offers(offer(spot("c5.large"), 0.04), offer(spot("c5.xlarge"), 0.04))
    assert [option.pool.instance_type for option in market(offers=prices).options()] == ["c5.xlarge"]


def test_a_pool_with_little_capacity_pushes_nobody_out() -> None:
    prices = offers(offer(spot("c5.xlarge"), 0.04, capacity=1), offer(spot("c5.large"), 0.05))
    assert {option.pool.instance_type for option in market(offers=prices).options()} == {"c5.large", "c5.xlarge"}


def test_pools_to_avoid_are_no_options_but_their_siblings_are() -> None:
    state = snapshot()
    found = survey(state, rates_of(state), {spot("c5.large", "us-east-1a")})
    assert {offer.pool.availability_zone for offer in found.siblings(spot("c5.large"))} == {"us-east-1b"}


def test_the_best_on_demand_type_is_the_one_with_most_tasks_per_dollar() -> None:
    prices = offers(*(offer(on_demand(name)) for name in TYPES), offer(on_demand("m5.large"), 0.01))
    best = market(offers=prices).best_on_demand()
    assert best is not None
    assert best.pool == on_demand("m5.large")
    assert market(offers=offers(offer(spot("c5.large")))).best_on_demand() is None


def test_types_nobody_knows_are_left_out_with_a_reason() -> None:
    found = market(offers={**ALL_OFFERS, **offers(offer(spot("x9.unknown"), 0.001))})
    assert "x9.unknown" not in {option.pool.instance_type for option in found.every_option()}
    assert any("x9.unknown" in reason and "nothing is known" in reason for reason in found.rejections)


def test_interruptions_take_their_share_and_never_everything() -> None:
    calm = market().kept_share(offer(spot("c5.large")))
    stormy = market(interruptions=(Interruptions("c5.large", 10**6, 1.0),)).kept_share(offer(spot("c5.large")))
    assert stormy == pytest.approx(1.0 - MOST_LOSS)
    assert 0.9 < calm <= 1.0
    assert market().kept_share(offer(on_demand("c5.large"))) == 1.0


def test_the_same_knowledge_of_the_same_types_is_one_table() -> None:
    state = snapshot(history=history())
    book = rates_of(state)
    assert rates_of(replace(state, taken_at=state.taken_at + 300.0)) is book
    assert book.table(TYPES) is book.table(dict(TYPES))
    other = book.table({"c5.large": TYPES["c5.large"]})
    assert set(other.at_least(0.0)) == set(other.batches_s) == {"c5.large"}
