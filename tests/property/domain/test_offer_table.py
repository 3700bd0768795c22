"""A table of offers that is kept up to date knows the same as one made anew, and forgets nothing it may share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloudpits.domain.model import Offer, Pool
from cloudpits.domain.planning.offers import Cheapest, OfferTable, usable
from tests.unit.domain.worlds import ALL_OFFERS, spot

POOLS = sorted(ALL_OFFERS)
PRICES = st.sampled_from([0.01, 0.02, 0.05, 0.05, 1.0, 0.0, float("nan"), float("inf")])
OFFERS = st.builds(
    Offer, st.sampled_from(POOLS), PRICES, PRICES, st.just(0.1), st.sampled_from([None, 0, 3]), st.booleans()
)
AVOIDED = st.frozensets(st.sampled_from([*POOLS, spot("x9.unknown")]), max_size=4)


def by_hand(offers: dict[Pool, Offer], avoid: frozenset[Pool]) -> dict[tuple[str, str], Offer]:
    best: dict[tuple[str, str], Offer] = {}
    for pool in sorted(offers):
        kind, offer = (pool.instance_type, pool.market), offers[pool]
        if pool in avoid or not usable(offer):
            continue
        if kind not in best or offer.usd_per_hour < best[kind].usd_per_hour:
            best[kind] = offer
    return best


def same(found: Cheapest, expected: dict[tuple[str, str], Offer]) -> bool:
    return {kind: repr(offer) for kind, offer in found.by_kind.items()} == {
        kind: repr(offer)
        for kind, offer in expected.items()  # as text: a ceiling that is no number differs from itself
    }


@given(st.permutations(POOLS), st.lists(st.tuples(st.lists(OFFERS, max_size=4), AVOIDED), max_size=6))
def test_the_cheapest_offers_follow_every_change(
    order: list[Pool], steps: list[tuple[list[Offer], frozenset[Pool]]]
) -> None:
    table = OfferTable.of({pool: ALL_OFFERS[pool] for pool in order})
    for changed, avoid in steps:
        before = dict(table)
        table.with_offers(changed)
        assert dict(table) == before, "a table was changed after it was made"
        table = table.with_offers(changed)
        assert same(table.cheapest(), by_hand(table, frozenset()))
        assert same(table.cheapest(avoid), by_hand(table, avoid))
        afresh = OfferTable(dict(table)).cheapest(avoid)
        assert [o.pool for o in table.cheapest(avoid).on_demand] == [o.pool for o in afresh.on_demand]
        assert [name for name, _ in table.cheapest(avoid).by_price] == [name for name, _ in afresh.by_price]


@given(st.lists(OFFERS, max_size=4), AVOIDED)
def test_what_did_not_change_is_the_same_object(changed: list[Offer], avoid: frozenset[Pool]) -> None:
    table = OfferTable.of(ALL_OFFERS)
    known = table.cheapest(avoid)
    after = table.with_offers(changed).cheapest(avoid)
    assert (after is known) == (dict(after.by_kind) == dict(known.by_kind))


@given(st.lists(OFFERS, max_size=6))
def test_siblings_are_the_usable_offers_of_a_type_and_market(changed: list[Offer]) -> None:
    table = OfferTable.of(ALL_OFFERS).with_offers(changed)
    pool = spot("c5.large")
    expected = [
        offer
        for other, offer in table.items()
        if (other.instance_type, other.market) == (pool.instance_type, pool.market) and usable(offer)
    ]
    assert [offer.pool for offer in table.siblings(pool)] == [
        offer.pool for offer in sorted(expected, key=lambda offer: (offer.usd_per_hour, offer.pool))
    ]
    assert pool not in {offer.pool for offer in table.siblings(pool, {pool})}
