"""Probing a type that was never measured: one worker, when what it may save outweighs its price.

With cost per task κ_now of the fleet and a log-normal κ of the candidate (median m, spread σ), the expected
saving per task is the price of a put option, κ_now·Φ(d) − m·e^{σ²/2}·Φ(d − σ), d = ln(κ_now/m)/σ.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import NormalDist

from cloudpits.domain.commands import Launch
from cloudpits.domain.planning.option import Option
from cloudpits.domain.wording import usd, usd_per_tasks

CONVERTIBLE = 0.5  # of the tasks left: what a better type could still take over
WORTH = 4.0  # times its price that a probe must promise
UNCERTAIN = 0.08  # spread of ln(rate) below which there is little to learn: a type with this processor is known
_STANDARD = NormalDist()


@dataclass(frozen=True, slots=True)
class Probe:
    """One worker of an unmeasured type, what it promises and what it may cost in vain (USD)."""

    option: Option
    promise_usd: float
    price_usd: float

    def launch(self, usd_per_task_now: float) -> Launch:
        """The command with its reason."""
        reason = (
            f"{self.option.pool} was never measured: it may cost {usd_per_tasks(self.option.usd_per_task)} give or "
            f"take {self.option.spread:.0%}, the fleet {usd_per_tasks(usd_per_task_now)}; trying one for "
            f"{usd(self.price_usd)} promises {usd(self.promise_usd)}"
        )
        return Launch(self.option.pool, 1, reason, self.promise_usd)


def expected_saving(usd_per_task_now: float, option: Option) -> float:
    """E[max(0, κ_now − κ)] in USD per task."""
    median, spread = option.usd_per_task, option.spread
    if spread <= 0.0:
        return max(0.0, usd_per_task_now - median)
    d = math.log(usd_per_task_now / median) / spread
    mean = median * math.exp(spread**2 / 2.0)
    return usd_per_task_now * _STANDARD.cdf(d) - mean * _STANDARD.cdf(d - spread)


def best_probe(
    options: Iterable[Option], known: Collection[str], usd_per_task_now: float, tasks_left: float, trial_s: float
) -> Probe | None:
    """The probe of a type that is not ``known`` with most promise for its price, or None if none is worth it.

    Small types of a processor tell as much about it as large ones, for a fraction of the price.

    ``trial_s`` is how long it runs before its rate is known.
    """
    probes = [
        Probe(
            option,
            CONVERTIBLE * tasks_left * expected_saving(usd_per_task_now, option),
            option.start_up_s * option.usd_per_s
            + max(0.0, option.usd_per_task - usd_per_task_now) * option.rate * trial_s,
        )
        for option in options
        if option.spread > UNCERTAIN and option.pool.instance_type not in known
    ]
    worthy = [probe for probe in probes if probe.promise_usd > WORTH * probe.price_usd]
    return max(worthy, key=lambda probe: probe.promise_usd / probe.price_usd, default=None)
