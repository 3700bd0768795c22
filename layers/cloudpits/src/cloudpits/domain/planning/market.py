"""The market as the optimiser sees it: one pass over all offers, then only the pools that can matter.

The pass is what a decision spends most of its time on, so it looks at nothing but prices; everything that
depends on the type alone is worked out once per type.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cloudpits.domain.estimation.hazard import by_type
from cloudpits.domain.estimation.knowledge import sigmas_for
from cloudpits.domain.estimation.rates import RateBook, RateEstimate
from cloudpits.domain.estimation.start_up import start_up_seconds
from cloudpits.domain.model import SECONDS_PER_HOUR, Mode, Offer, Pool, Snapshot
from cloudpits.domain.model import Market as Purchase
from cloudpits.domain.planning.option import MANY, Option

SPOT = Purchase.SPOT
MOST_LOSS = 0.9  # of a worker's time that interruptions are taken to cost at most
TASKS_IN_HAND = 0.5  # of a batch, lost by an interruption on average
FASTEST_CAUTION = 0.6  # of the caution: a fleet for speed can still shrink to a cheaper one when rates disappoint
MOST_OPTIONS = 16


class Bargain(NamedTuple):
    """The cheapest usable offer of a type on a market, with the net rate of its workers."""

    usd_per_hour: float  # storage included
    rate: float
    offer: Offer


@dataclass(frozen=True, slots=True)
class Market:
    """Cheapest usable offers per type and market; ``rejections`` say which offers were left out and why.

    By type: ``rates`` (tasks/s), the same at their lower confidence bounds (``cautious``), ``hazards`` (interruptions
    per hour), ``batch_s`` (seconds that every slot needs for one task).
    """

    snapshot: Snapshot
    book: RateBook
    start_up_s: float
    hazards: Mapping[str, float]
    spot: Mapping[str, Offer]
    on_demand: Mapping[str, Offer]
    rates: Mapping[str, float]
    cautious: Mapping[str, float]
    batch_s: Mapping[str, float]
    avoided: Collection[Pool] = ()
    rejections: tuple[str, ...] = ()

    def estimate(self, instance_type: str) -> RateEstimate:
        """Rate of a type that is in ``snapshot.types``."""
        return self.book.of(self.snapshot.types[instance_type])

    def kept_share(self, offer: Offer) -> float:
        """Share of a worker's time that interruptions leave: 1 − λ (start-up + time spent on tasks in hand)."""
        pool = offer.pool
        if pool.market is not SPOT:
            return 1.0
        name = pool.instance_type
        hourly = self.hazards.get(name, offer.interruptions_per_hour)
        lost = hourly / SECONDS_PER_HOUR * (self.start_up_s + TASKS_IN_HAND * self.batch_s[name])
        return 1.0 - min(MOST_LOSS, max(0.0, lost))

    def bargains(self) -> list[Bargain]:
        """The cheapest offer of each type and market with its net rate."""
        storage, rates = self.snapshot.settings.volume_usd_per_hour, self.rates
        spot = [
            Bargain(offer.usd_per_hour + storage, rates[name] * self.kept_share(offer), offer)
            for name, offer in self.spot.items()
        ]
        steady = [Bargain(offer.usd_per_hour + storage, rates[name], offer) for name, offer in self.on_demand.items()]
        return spot + steady

    def option(self, offer: Offer) -> Option:
        """A new worker of the offer's pool."""
        storage, name = self.snapshot.settings.volume_usd_per_hour, offer.pool.instance_type
        kept = self.kept_share(offer)
        return Option(
            pool=offer.pool,
            usd_per_s=(offer.usd_per_hour + storage) / SECONDS_PER_HOUR,
            rate=self.rates[name] * kept,
            cautious=self.cautious[name] * kept,
            start_up_s=self.start_up_s,
            vcpus=self.snapshot.types[name].vcpus,
            bound=MANY if offer.capacity is None else offer.capacity,
            ceiling=(max(offer.ceiling_usd_per_hour, offer.usd_per_hour) + storage) / SECONDS_PER_HOUR,
            spread=self.estimate(name).spread,
        )

    def options(self) -> list[Option]:
        """Workers worth launching, most efficient first."""
        return [self.option(bargain.offer) for bargain in worthwhile(self.bargains())]

    def best_on_demand(self) -> Option | None:
        """The on-demand worker with most cautious tasks per dollar; None if none is offered."""
        storage, rates = self.snapshot.settings.volume_usd_per_hour, self.book.rates(self.snapshot.types, 1.0)
        value = {name: rates[name] / (offer.usd_per_hour + storage) for name, offer in self.on_demand.items()}
        return self.option(self.on_demand[max(value, key=value.__getitem__)]) if value else None

    def siblings(self, pool: Pool) -> list[Offer]:
        """Usable offers of the same type and market, cheapest first."""
        same = [
            offer
            for other, offer in self.snapshot.offers.items()
            if other.instance_type == pool.instance_type
            and other.market is pool.market
            and usable(offer)
            and other not in self.avoided
        ]
        return sorted(same, key=lambda offer: (offer.usd_per_hour, offer.pool))


def usable(offer: Offer) -> bool:
    """Whether anything can be launched there now at a price that is one."""
    return offer.available and offer.capacity != 0 and 0.0 < offer.usd_per_hour < math.inf


def survey(snapshot: Snapshot, book: RateBook, avoid: Collection[Pool] = ()) -> Market:
    """One pass over the offers; ``avoid`` are pools not to launch in now."""
    spot: dict[str, Offer] = {}
    on_demand: dict[str, Offer] = {}
    odd: list[Offer] = []
    types = snapshot.types
    for pool, offer in snapshot.offers.items():
        table = spot if pool.market is SPOT else on_demand
        name, usd = pool.instance_type, offer.usd_per_hour
        known = table.get(name)
        # Of two equally dear offers of a type the first zone's counts, so that the order of offers does not matter.
        if (
            known is not None
            and usd >= known.usd_per_hour
            and (usd > known.usd_per_hour or pool.availability_zone >= known.pool.availability_zone)
        ):
            continue
        if name not in types or not 0.0 < usd < math.inf or math.isnan(offer.ceiling_usd_per_hour):
            odd.append(offer)
        elif offer.available and offer.capacity != 0 and not (avoid and pool in avoid):
            table[name] = offer
    return Market(
        snapshot,
        book,
        start_up_seconds(snapshot.settings.start_up_s, snapshot.start_up_samples),
        by_type(snapshot.interruptions),
        spot,
        on_demand,
        book.rates(types),
        book.rates(types, _sigmas(snapshot, book)),
        book.batches_s(types),
        avoid,
        tuple(f"{offer.pool} is left out: {_oddity(offer, types)}" for offer in odd),
    )


def _sigmas(snapshot: Snapshot, book: RateBook) -> float:
    """By how many standard deviations a rate may disappoint without breaking the limits."""
    if not book.measured_anything:
        return 0.0
    share = FASTEST_CAUTION if snapshot.limits.mode is Mode.FASTEST else 1.0
    return share * sigmas_for(snapshot.settings.completion_risk)


def _oddity(offer: Offer, types: Collection[str]) -> str:
    if offer.pool.instance_type not in types:
        return "nothing is known about its type"
    if not 0.0 < offer.usd_per_hour < math.inf:
        return f"its price {offer.usd_per_hour} USD per hour is not a positive number"
    return "its maximum price is not a number"


def worthwhile(bargains: Sequence[Bargain]) -> list[Bargain]:
    """Bargains that no other beats in both price and rate, most efficient first, at most 16.

    A pool with little capacity does not push others out.
    """
    undominated: list[Bargain] = []
    fastest = 0.0
    # By price, the faster first. Ties beyond that keep their order: offers themselves cannot be compared.
    by_price = sorted((bargain.usd_per_hour, -bargain.rate, number) for number, bargain in enumerate(bargains))
    for _, _, number in by_price:
        bargain = bargains[number]
        if fastest < bargain.rate < math.inf:
            undominated.append(bargain)
            if bargain.offer.capacity is None:
                fastest = bargain.rate
    undominated.sort(key=lambda b: b.usd_per_hour / b.rate)
    return undominated if len(undominated) <= MOST_OPTIONS else _thinned(undominated)


def _thinned(bargains: Sequence[Bargain]) -> list[Bargain]:
    """The most efficient of every size (a factor of two in rate) and the largest, then the most efficient."""
    of_size = {math.frexp(bargain.rate)[1]: number for number, bargain in reversed([*enumerate(bargains)])}
    kept = {max(range(len(bargains)), key=lambda number: bargains[number].rate), *of_size.values()}
    kept.update(itertools.islice((n for n in range(len(bargains)) if n not in kept), max(0, MOST_OPTIONS - len(kept))))
    return [bargains[number] for number in sorted(kept)[:MOST_OPTIONS]]
