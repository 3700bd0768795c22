"""Offers by pool, and the cheapest usable one of every type and market, kept up to date as prices move.

Going through all offers is what a decision would spend most of its time on. A table is never changed: the next
one, made from it, looks only at types whose offers changed and shares everything else.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from cloudpits.domain.model import Market, Offer, Pool

Kind = tuple[str, Market]  # an instance type on a market
NONE: frozenset[Pool] = frozenset()


def usable(offer: Offer) -> bool:
    """Whether anything can be launched there now at a price that is one."""
    return offer.available and offer.capacity != 0 and sound(offer)


def sound(offer: Offer) -> bool:
    """Whether its prices are numbers that a bill can have."""
    return 0.0 < offer.usd_per_hour < math.inf and not math.isnan(offer.ceiling_usd_per_hour)


@dataclass(frozen=True)
class Cheapest:
    """The cheapest usable offer per type and market; the same object until one of them changes."""

    by_kind: Mapping[Kind, Offer]
    on_demand: Sequence[Offer]

    @classmethod
    def of(cls, by_kind: Mapping[Kind, Offer]) -> Cheapest:
        """All of them; those of the on-demand market are listed apart, in order of type, however they were found."""
        return cls(by_kind, [by_kind[kind] for kind in sorted(by_kind) if kind[1] is Market.ON_DEMAND])

    @cached_property
    def by_price(self) -> Sequence[tuple[str, Offer]]:
        """All of them with their type, cheapest first."""
        return [(offer.pool.instance_type, offer) for offer in sorted(self.by_kind.values(), key=_rank)]

    def concerned(self, changed: Iterable[Offer]) -> set[Kind]:
        """Kinds of which an offer was the cheapest, or may be now."""
        kinds = set()
        for offer in changed:
            kind = _kind(offer.pool)
            known = self.by_kind.get(kind)
            if known is None or known.pool == offer.pool or _rank(offer) < _rank(known):
                kinds.add(kind)
        return kinds

    def changed(self, found: Mapping[Kind, Offer | None]) -> Cheapest:
        """With other offers (None: there is none now) for some kinds."""
        if all(self.by_kind.get(kind) == offer for kind, offer in found.items()):
            return self
        merged = {**self.by_kind, **found}
        by_kind = {kind: offer for kind, offer in merged.items() if offer is not None}
        # The list of on-demand offers stays the same object where it can: its users remember what they made of it.
        spot_only = all(market is Market.SPOT for _, market in found)
        return Cheapest(by_kind, self.on_demand) if spot_only else Cheapest.of(by_kind)


class OfferTable(dict[Pool, Offer]):
    """All offers by pool. Not to be changed once it is made: ``with_offers`` returns the next one."""

    __slots__ = ("_by_kind", "_cheapest")

    def __init__(self, offers: Mapping[Pool, Offer]) -> None:
        super().__init__(offers)
        self._by_kind: dict[Kind, list[Pool]] = {}
        self._cheapest: dict[frozenset[Pool], Cheapest] = {}

    @classmethod
    def of(cls, offers: Mapping[Pool, Offer]) -> OfferTable:
        """The table of ``offers``, which may be one already."""
        return offers if isinstance(offers, cls) else cls(offers)

    def with_offers(self, changed: Collection[Offer]) -> OfferTable:
        """The table with some offers exchanged, or added."""
        table = OfferTable(self)
        for offer in changed:
            table[offer.pool] = offer
        if len(table) == len(self):  # the same pools
            table._by_kind = self._by_kind
            table._cheapest = {
                avoid: known.changed({kind: table._best(kind, avoid) for kind in known.concerned(changed)})
                for avoid, known in self._cheapest.items()
            }
        return table

    def cheapest(self, avoid: frozenset[Pool] = NONE) -> Cheapest:
        """The cheapest usable offers outside the pools to ``avoid``."""
        known = self._cheapest.get(avoid)
        if known is None:
            everywhere = self._cheapest.get(NONE) or _cheapest_of(self.values())
            kinds = {_kind(pool) for pool in avoid if pool in self}
            known = everywhere.changed({kind: self._best(kind, avoid) for kind in kinds})
            self._cheapest = {NONE: everywhere, avoid: known}
        return known

    def siblings(self, pool: Pool, avoid: Collection[Pool] = ()) -> list[Offer]:
        """Usable offers of the same type and market, cheapest first."""
        return sorted(self._open(_kind(pool), avoid), key=_rank)

    def _best(self, kind: Kind, avoid: Collection[Pool]) -> Offer | None:
        return min(self._open(kind, avoid), key=_rank, default=None)

    def _open(self, kind: Kind, avoid: Collection[Pool]) -> Iterator[Offer]:
        return filter(usable, (self[pool] for pool in self._pools(kind) if pool not in avoid))

    def _pools(self, kind: Kind) -> list[Pool]:
        if not self._by_kind:
            for pool in self:
                self._by_kind.setdefault(_kind(pool), []).append(pool)
        return self._by_kind.get(kind, [])


def _kind(pool: Pool) -> Kind:
    return pool.instance_type, pool.market


def _rank(offer: Offer) -> tuple[float, Pool]:
    """Of two equally dear offers the first zone's counts, so that the order of offers does not matter."""
    return offer.usd_per_hour, offer.pool


def _cheapest_of(offers: Iterable[Offer]) -> Cheapest:
    """One pass that does as little as it can, since there may be thousands."""
    best: dict[Kind, Offer] = {}
    for offer in offers:
        name, zone, market = offer.pool
        usd = offer.usd_per_hour
        known = best.get((name, market))
        if known is not None and (usd, zone) >= (known.usd_per_hour, known.pool.availability_zone):
            continue
        if usable(offer):
            best[name, market] = offer
    return Cheapest.of(best)
