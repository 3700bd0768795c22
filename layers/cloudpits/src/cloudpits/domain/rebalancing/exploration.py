"""Probing types that were never measured: one worker each, when what it may save outweighs its price.

One type stands for all of its processor: the cheapest to try of those that are about the cheapest per task.

With cost per task κ_now of the fleet and a log-normal κ of the candidate (median m, spread σ), the expected
saving per task is the price of a put option, κ_now·Φ(d) − m·e^{σ²/2}·Φ(d − σ), d = ln(κ_now/m)/σ.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from statistics import NormalDist

from cloudpits.domain.commands import Launch, Replace
from cloudpits.domain.model import Worker
from cloudpits.domain.planning.market import Market
from cloudpits.domain.planning.option import Option
from cloudpits.domain.wording import usd, usd_per_tasks

NEARLY = 1.2  # as cheap per task as the cheapest of the processor: within this factor
CONVERTIBLE = 0.5  # of the tasks left: what a better type could still take over
WORTH = 4.0  # times its price that a probe must promise
UNCERTAIN = 0.08  # spread of ln(rate) below which there is little to learn: a type with this processor is known
_STANDARD = NormalDist()


@dataclass(frozen=True, slots=True)
class Case:
    """What a probe is judged by: the fleet's USD per task, tasks left, and how long a rate takes to be known (s).

    ``usd_per_s_displaced`` is the work, valued as the fleet's, of a worker that has to go for it; 0 with a free place.
    ``probed`` is how many types were tried before.
    """

    usd_per_task: float
    tasks_left: float
    trial_s: float
    usd_per_s_displaced: float = 0.0
    probed: int = 0

    def price_usd(self, option: Option) -> float:
        """What the probe costs if it turns out as expected: its start-up, and its work as far as it is dearer."""
        start = option.start_up_s * (option.usd_per_s + self.usd_per_s_displaced)
        return start + max(0.0, option.usd_per_task - self.usd_per_task) * option.rate * self.trial_s


@dataclass(frozen=True, slots=True)
class Probe:
    """One worker of an unmeasured type, what it promises and what it may cost in vain (USD)."""

    option: Option
    promise_usd: float
    price_usd: float

    def command(self, usd_per_task_now: float, instead_of: Worker | None = None) -> Launch | Replace:
        """The command with its reason; ``instead_of`` gives up its place where every place is taken."""
        reason = (
            f"{self.option.pool} was never measured: it may cost {usd_per_tasks(self.option.usd_per_task)} give or "
            f"take {self.option.spread:.0%}, the fleet {usd_per_tasks(usd_per_task_now)}; trying one for "
            f"{usd(self.price_usd)} promises {usd(self.promise_usd)}"
        )
        if instead_of is None:
            return Launch(self.option.pool, 1, reason, self.promise_usd)
        return Replace(instead_of.instance_id, self.option.pool, reason, self.promise_usd)


def representatives(
    market: Market, known: Collection[str], cost: Callable[[Option], float] = attrgetter("usd_per_task")
) -> list[Option]:
    """One option per processor of which no type is ``known``: the cheapest to try of those of about least ``cost``."""
    vague = market.table.vague(UNCERTAIN)
    if vague <= frozenset(known):
        return []
    tried = {_processor(market, name) for name in known if name in market.snapshot.types}
    groups: defaultdict[str, list[Option]] = defaultdict(list)
    for option in market.every_option():
        name = option.pool.instance_type
        if name in vague and _processor(market, name) not in tried:
            groups[_processor(market, name)].append(option)
    return [_cheapest_to_try(group, cost) for group in groups.values()]


def _processor(market: Market, instance_type: str) -> str:
    return market.book.capacity(market.snapshot.types[instance_type]).processor


def _cheapest_to_try(options: Sequence[Option], cost: Callable[[Option], float]) -> Option:
    least = min(cost(option) for option in options)
    near = (option for option in options if cost(option) <= NEARLY * least)
    return min(near, key=lambda option: option.usd_per_s)


def as_fast(option: Option, rate: float) -> bool:
    """Whether trying it is expected to cost no time: options carry 1/E[1/rate], and E[rate] is e^{σ²} times that."""
    return option.rate * math.exp(option.spread**2) >= rate


def expected_saving(usd_per_task_now: float, option: Option) -> float:
    """E[max(0, κ_now − κ)] in USD per task."""
    median, spread = option.usd_per_task, option.spread
    if spread <= 0.0:
        return max(0.0, usd_per_task_now - median)
    d = math.log(usd_per_task_now / median) / spread
    mean = median * math.exp(spread**2 / 2.0)
    return usd_per_task_now * _STANDARD.cdf(d) - mean * _STANDARD.cdf(d - spread)


def probes(options: Iterable[Option], case: Case) -> list[Probe]:
    """Probes that promise several times their price, most promise for its price first."""
    found = [
        Probe(
            option, CONVERTIBLE * case.tasks_left * expected_saving(case.usd_per_task, option), case.price_usd(option)
        )
        for option in options
        if option.spread > UNCERTAIN
    ]
    found.sort(key=lambda probe: -probe.promise_usd / probe.price_usd)
    # Several that promise much promise much the same: what one finds, the others cannot save again.
    return [
        probe for rank, probe in enumerate(found, 1 + case.probed) if probe.promise_usd > WORTH * rank * probe.price_usd
    ]
