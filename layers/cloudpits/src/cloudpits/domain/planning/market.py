"""The market as the optimiser sees it: one pass over all offers, then only the pools that can matter."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cloudpits.domain.estimation.hazard import by_type
from cloudpits.domain.estimation.knowledge import sigmas_for
from cloudpits.domain.estimation.rates import RateBook, RateEstimate
from cloudpits.domain.estimation.start_up import start_up_seconds
from cloudpits.domain.ledger.bounds import horizon_s
from cloudpits.domain.model import SECONDS_PER_HOUR, InstanceType, Offer, Pool, Snapshot
from cloudpits.domain.model import Market as Purchase
from cloudpits.domain.planning.option import MANY, Option

SPOT = Purchase.SPOT
MOST_LOSS = 0.9  # of a worker's time that interruptions are taken to cost at most
TASKS_IN_HAND = 0.5  # of a batch, lost by an interruption on average
NEARLY_AS_CHEAP = 1.5  # a pool dearer per task than this factor matters only for its size
MOST_OPTIONS = 20


@dataclass(frozen=True, slots=True)
class Market:
    """Usable offers by (type, whether spot), cheapest first; ``rejections`` say which were left out and why."""

    snapshot: Snapshot
    book: RateBook
    start_up_s: float
    hazards: Mapping[str, float]
    groups: Mapping[tuple[str, bool], list[Offer]]
    rejections: tuple[str, ...] = ()
    _estimates: dict[str, RateEstimate] = field(default_factory=dict)

    def estimate(self, instance_type: str) -> RateEstimate:
        """Rate of a type that is in ``snapshot.types``."""
        known = self._estimates.get(instance_type)
        if known is None:
            known = self._estimates[instance_type] = self.book.of(self.snapshot.types[instance_type])
        return known

    def option(self, offer: Offer) -> Option:
        """A new worker of the offer's pool."""
        settings, pool = self.snapshot.settings, offer.pool
        kind, estimate = self.snapshot.types[pool.instance_type], self.estimate(pool.instance_type)
        kept = 1.0 - self._loss(offer, kind, estimate.rate)
        usd_per_s = (offer.usd_per_hour + settings.volume_usd_per_hour) / SECONDS_PER_HOUR
        at_most = (
            max(offer.ceiling_usd_per_hour, offer.usd_per_hour) + settings.volume_usd_per_hour
        ) / SECONDS_PER_HOUR
        sigmas = sigmas_for(settings.completion_risk) if self.book.measured_anything else 0.0
        return Option(
            pool=pool,
            usd_per_s=usd_per_s,
            rate=estimate.rate * kept,
            cautious=estimate.at_least(sigmas) * kept,
            start_up_s=self.start_up_s,
            vcpus=kind.vcpus,
            bound=MANY if offer.capacity is None else offer.capacity,
            reserve_usd=at_most * horizon_s(settings) - usd_per_s * settings.shutdown_s,
            spread=estimate.spread,
        )

    def _loss(self, offer: Offer, kind: InstanceType, rate: float) -> float:
        """Share of a worker's time lost to interruptions: λ (start-up + time spent on tasks in hand)."""
        hourly = self.hazards.get(kind.name, offer.interruptions_per_hour)
        if hourly <= 0.0 or offer.pool.market is not SPOT:
            return 0.0
        in_hand_s = TASKS_IN_HAND * max(1, kind.gpus or kind.vcpus) / rate
        return min(MOST_LOSS, hourly / SECONDS_PER_HOUR * (self.start_up_s + in_hand_s))

    def cheapest_of_each(self) -> list[Option]:
        """The cheapest usable pool of each type and market, as options."""
        return [self.option(offers[0]) for offers in self.groups.values()]

    def siblings(self, pool: Pool) -> list[Offer]:
        """Usable offers of the same type and market, cheapest first."""
        return self.groups.get((pool.instance_type, pool.market is SPOT), [])


def unusable(offer: Offer, known: bool) -> str | None:
    """Why an offer cannot be used, or None."""
    if not known:
        return "nothing is known about its type"
    if not 0.0 < offer.usd_per_hour < math.inf:
        return f"its price {offer.usd_per_hour} USD per hour is not a positive number"
    if math.isnan(offer.ceiling_usd_per_hour):
        return "its maximum price is not a number"
    return None


def survey(snapshot: Snapshot, book: RateBook, avoid: Iterable[Pool] = ()) -> Market:
    """One pass over the offers; ``avoid`` are pools not to launch in now."""
    types, avoided = snapshot.types, frozenset(avoid)
    groups: defaultdict[tuple[str, bool], list[Offer]] = defaultdict(list)
    rejections: list[str] = []
    for pool, offer in snapshot.offers.items():
        if not offer.available or offer.capacity == 0 or (avoided and pool in avoided):
            continue
        name = pool.instance_type
        why = unusable(offer, name in types)
        if why is not None:
            rejections.append(f"{pool} is left out: {why}")
            continue
        groups[name, pool.market is SPOT].append(offer)
    for offers in groups.values():
        if len(offers) > 1:
            offers.sort(key=lambda offer: (offer.usd_per_hour, offer.pool))
    start_up = start_up_seconds(snapshot.settings.start_up_s, snapshot.start_up_samples)
    return Market(snapshot, book, start_up, by_type(snapshot.interruptions), groups, tuple(rejections))


def worthwhile(options: Iterable[Option], tasks: float) -> list[Option]:
    """Options that no other beats in both price and rate, most efficient first, at most 20.

    Pools much dearer per task than the best are kept only if they compute more than everything cheaper.
    An option that is limited in number does not push others out.
    """
    ordered = sorted((o for o in options if 0.0 < o.rate < math.inf), key=lambda o: (o.usd_per_s, -o.rate, o.pool))
    undominated: list[Option] = []
    fastest = 0.0
    for option in ordered:
        if option.rate > fastest:
            undominated.append(option)
            if option.bound >= MANY:
                fastest = option.rate
    undominated.sort(key=lambda o: (o.usd_per_task, o.pool))
    kept: list[Option] = []
    largest = 0.0
    for option in undominated:
        if option.usd_per_task <= NEARLY_AS_CHEAP * undominated[0].usd_per_task or option.rate > largest:
            kept.append(option)
            largest = max(largest, option.rate)
    return _thinned(kept) if tasks > 0.0 else []


def _thinned(options: list[Option]) -> list[Option]:
    """The 15 most efficient and the 5 largest of the others."""
    largest_kept = MOST_OPTIONS // 4
    if len(options) <= MOST_OPTIONS:
        return options
    head, rest = options[: MOST_OPTIONS - largest_kept], options[MOST_OPTIONS - largest_kept :]
    return head + sorted(rest, key=lambda o: -o.rate)[:largest_kept]
