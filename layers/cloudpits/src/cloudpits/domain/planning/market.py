"""The market as the optimiser sees it: cheapest offers with the rates of their workers, then only what can matter."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from cloudpits.domain.estimation.hazard import by_type
from cloudpits.domain.estimation.identity import Same
from cloudpits.domain.estimation.knowledge import sigmas_for
from cloudpits.domain.estimation.rates import RateBook
from cloudpits.domain.estimation.start_up import start_up_seconds
from cloudpits.domain.estimation.table import RateTable
from cloudpits.domain.model import SECONDS_PER_HOUR, Mode, Offer, Pool, Snapshot
from cloudpits.domain.model import Market as Purchase
from cloudpits.domain.planning.offers import Cheapest, OfferTable, sound
from cloudpits.domain.planning.option import MANY, Option

SPOT = Purchase.SPOT
MOST_LOSS = 0.9  # of a worker's time that interruptions are taken to cost at most
TASKS_IN_HAND = 0.5  # of a batch, on average: lost by an interruption, and not yet counted
FASTEST_CAUTION = 0.6  # of the caution: a fleet for speed can still shrink to a cheaper one when rates disappoint
ON_DEMAND_SIGMAS = 1.0  # by which rates are doubted where on-demand types are compared
MOST_OPTIONS = 16


class Market(NamedTuple):
    """The cheapest usable offers outside the pools to avoid, and what their workers compute.

    By type: ``rates`` (tasks/s), the same at their lower confidence bounds (``cautious``), ``hazards`` (interruptions
    per hour), ``batch_s`` (seconds that every slot needs for one task).
    """

    snapshot: Snapshot
    book: RateBook
    table: RateTable
    offers: OfferTable
    avoided: Collection[Pool]
    cheapest: Cheapest
    start_up_s: float
    hazards: Mapping[str, float]
    rates: Mapping[str, float]
    cautious: Mapping[str, float]
    batch_s: Mapping[str, float]

    def kept_share(self, offer: Offer) -> float:
        """Share of a worker's time that interruptions leave: 1 − λ (start-up + time spent on tasks in hand)."""
        name, _, purchase = offer.pool
        if purchase is not SPOT:
            return 1.0
        hourly = self.hazards.get(name, offer.interruptions_per_hour)
        lost = hourly / SECONDS_PER_HOUR * self.lead_s(name)
        return 1.0 - min(MOST_LOSS, max(0.0, lost))

    def lead_s(self, instance_type: str) -> float:
        """Seconds of a new worker that come to nothing: its start-up, and the half batch by which it ends out of step.

        Tasks are indivisible: what is in hand counts only when it is done, and at the end some wait for others.
        Workers that have been at work for as long have as much in hand already: the two make up for each other.
        """
        return self.start_up_s + TASKS_IN_HAND * self.batch_s[instance_type]

    def option(self, offer: Offer) -> Option:
        """A new worker of the offer's pool."""
        storage, name = self.snapshot.settings.volume_usd_per_hour, offer.pool.instance_type
        usd, kept = offer.usd_per_hour, self.kept_share(offer)
        return Option(
            offer.pool,
            (usd + storage) / SECONDS_PER_HOUR,
            self.rates[name] * kept,
            self.cautious[name] * kept,
            self.lead_s(name),
            self.table.types[name].vcpus,
            MANY if offer.capacity is None else offer.capacity,
            (max(offer.ceiling_usd_per_hour, usd) + storage) / SECONDS_PER_HOUR,
            self.table.spreads[name],
        )

    def every_option(self) -> list[Option]:
        """A worker of the cheapest offer of each known type and market, cheapest first."""
        return [self.option(offer) for name, offer in self.cheapest.by_price if name in self.rates]

    def options(self) -> list[Option]:
        """Workers worth launching, most efficient first, at most 16: no other beats them in both price and rate.

        A pool with little capacity does not push others out.
        """
        found: list[Option] = []
        fastest, rate_of = 0.0, self.rates.get
        for name, offer in self.cheapest.by_price:
            if not fastest < rate_of(name, 0.0) < math.inf:
                continue  # interruptions make no rate higher
            option = self.option(offer)
            if option.rate > fastest:
                if found and found[-1].usd_per_s == option.usd_per_s and found[-1].rate <= option.rate:
                    found.pop()
                found.append(option)
                fastest = option.rate if offer.capacity is None else fastest
        found.sort(key=lambda option: option.usd_per_s / option.rate)
        return found if len(found) <= MOST_OPTIONS else _thinned(found)

    def on_demand(self) -> list[Option]:
        """On-demand workers of every type that is offered."""
        return [self.option(offer) for offer in self.cheapest.on_demand if offer.pool.instance_type in self.rates]

    def best_on_demand(self) -> Option | None:
        """The on-demand worker with most cautious tasks per dollar; None if none is offered."""
        storage = self.snapshot.settings.volume_usd_per_hour
        best = _most_per_usd(Same(self.cheapest.on_demand), self.table, storage)
        return None if best is None else self.option(best)

    def siblings(self, pool: Pool) -> list[Offer]:
        """Usable offers of the same type and market, cheapest first."""
        return self.offers.siblings(pool, self.avoided)

    @property
    def rejections(self) -> tuple[str, ...]:
        """Which offers cannot be used whatever happens, and why."""
        types = self.snapshot.types
        odd = (o for o in self.offers.values() if o.pool.instance_type not in types or not sound(o))
        return tuple(f"{offer.pool} is left out: {_oddity(offer, types)}" for offer in odd)


@lru_cache(maxsize=128)
def _most_per_usd(offers: Same[Sequence[Offer]], table: RateTable, storage_usd_per_hour: float) -> Offer | None:
    rates = table.at_least(ON_DEMAND_SIGMAS)
    known = (offer for offer in offers.it if offer.pool.instance_type in rates)
    return max(known, key=lambda o: rates[o.pool.instance_type] / (o.usd_per_hour + storage_usd_per_hour), default=None)


def survey(snapshot: Snapshot, book: RateBook, avoid: Collection[Pool] = ()) -> Market:
    """The market of a snapshot; ``avoid`` are pools not to launch in now."""
    offers, table = OfferTable.of(snapshot.offers), book.table(snapshot.types)
    return Market(
        snapshot,
        book,
        table,
        offers,
        avoid,
        offers.cheapest(frozenset(avoid)),
        start_up_seconds(snapshot.settings.start_up_s, snapshot.start_up_samples),
        by_type(snapshot.interruptions),
        table.at_least(0.0),
        table.at_least(_sigmas(snapshot, book)),
        table.batches_s,
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
    if 0.0 < offer.usd_per_hour < math.inf:
        return "its maximum price is not a number"
    return f"its price {offer.usd_per_hour} USD per hour is not a positive number"


def _thinned(options: Sequence[Option]) -> list[Option]:
    """The most efficient of every size (a factor of two in rate) and the largest, then the most efficient."""
    of_size = {math.frexp(option.rate)[1]: number for number, option in reversed([*enumerate(options)])}
    kept = {max(range(len(options)), key=lambda number: options[number].rate), *of_size.values()}
    kept.update(itertools.islice((n for n in range(len(options)) if n not in kept), max(0, MOST_OPTIONS - len(kept))))
    return [options[number] for number in sorted(kept)[:MOST_OPTIONS]]
