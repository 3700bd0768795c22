"""One seed's world: when the run starts, how prices move, what breaks when. Policies and the optimum share it."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

from cloudpits.domain.model import SECONDS_PER_HOUR, Market, Pool, RateSample
from cloudpits.simulation.points import Points
from cloudpits.simulation.randomness import stream, uniform
from cloudpits.simulation.regimes import outages, spiky
from cloudpits.simulation.scenario import Regime, Scenario

NEVER = math.inf
NOTICE_S = 120.0  # AWS warns this long before it takes a spot instance, and gives none away meanwhile
_REFUSAL_S = 600.0  # a refusal of capacity lasts about this long
SHUTDOWN_S = 20.0  # from the end of a worker's process to the end of its billing
BOOT_RANGE = (0.85, 1.25)  # of the configured start-up time
MEAN_BOOT = sum(BOOT_RANGE) / 2.0
_WRONG_SIGMA = 0.35  # of the logarithm, per type, in the regime "wrong-history"
_HORIZON_HOURS = 240.0  # events are drawn this far ahead

Window = tuple[float, float]


@dataclass(slots=True)
class Realisation:
    """Answers questions about one world; every answer depends on the seed and the question alone."""

    scenario: Scenario
    regime: Regime
    seed: int
    started_at: float
    prices: Mapping[Pool, Points]
    windows: Mapping[Pool, tuple[Window, ...]]  # without capacity, in order, not overlapping
    true_rates: Mapping[str, float]
    history: tuple[RateSample, ...]
    _multipliers: dict[tuple[Pool, int], float] = field(default_factory=dict)

    def spread(self, instance_type: str) -> float:
        """Relative stdev between instances of a type, and again over time within one: half the variance each."""
        sample = self.scenario.rates[instance_type]
        return min(0.3, sample.stdev / sample.mean) / math.sqrt(2.0)

    def multiplier(self, pool: Pool, index: int) -> float:
        """How much faster than its type the ``index``-th instance ever launched in ``pool`` is, for life."""
        key = (pool, index)
        if key not in self._multipliers:
            draw = stream(self.seed, "instance", pool, index).gauss(0.0, 1.0)
            self._multipliers[key] = math.exp(self.spread(pool.instance_type) * max(-3.0, min(3.0, draw)))
        return self._multipliers[key]

    def drift(self, instance_type: str, instant: float) -> float:
        """Factor on the type's rate at ``instant``: 1 unless the regime drifts."""
        share = self.regime.drift_share
        return 1.0 - share if share and instant >= self.drift_onset(instance_type) else 1.0

    def drift_onset(self, instance_type: str) -> float:
        """When the type slows down for good; never for every other type, and where the regime does not drift."""
        if not self.regime.drift_share or uniform(self.seed, "drifts", instance_type) < 0.5:  # noqa: PLR2004  # every other
            return NEVER
        return self.started_at + uniform(self.seed, "onset", instance_type) * self.horizon_s / 2.0

    def nominal_work(self, instance_type: str, since: float, until: float) -> float:
        """Tasks that an instance exactly as fast as its type computes from ``since`` to ``until``."""
        onset = min(max(since, self.drift_onset(instance_type)), until)
        slowed = (until - onset) * (1.0 - self.regime.drift_share) if onset < until else 0.0
        return self.true_rates[instance_type] * (onset - since + slowed)

    @property
    def horizon_s(self) -> float:
        """The deadline, or four hours where there is none: the time scale of the run."""
        return self.scenario.limits.deadline_s or 4 * SECONDS_PER_HOUR

    def boot_s(self, pool: Pool, index: int) -> float:
        """Seconds from launch to the first task."""
        return self._boot(self.seed, "boot", pool, index)

    def _boot(self, seed: int, *key: object) -> float:
        low, high = BOOT_RANGE
        return self.scenario.settings.start_up_s * (low + (high - low) * uniform(seed, *key))

    @property
    def manager_ready_at(self) -> float:
        """When the job manager, launched at the start, hands out its first task."""
        return self.started_at + self._boot(self.seed, "boot", "manager")

    def lifetime_s(self, pool: Pool, index: int) -> float:
        """Age at which AWS takes the instance although its pool has capacity: exponential, by the type's hazard."""
        hazard = self.scenario.hazards.get(pool.instance_type, 0.0)
        if pool.market is not Market.SPOT or hazard <= 0.0:
            return NEVER
        draw = -math.log(1.0 - uniform(self.seed, "life", pool, index))
        return draw / hazard * SECONDS_PER_HOUR

    def next_outage(self, pool: Pool, instant: float) -> float:
        """Start of the pool's first outage after ``instant``."""
        windows = self.windows.get(pool, ())
        return next((start for start, _ in windows if start > instant), NEVER)

    def refuses(self, pool: Pool, instant: float) -> bool:
        """Whether a launch in the pool fails for lack of capacity."""
        if pool.market is not Market.SPOT:
            return False
        if any(start - NOTICE_S <= instant < end for start, end in self.windows.get(pool, ())):
            return True
        slot = int(instant // _REFUSAL_S)
        return uniform(self.seed, "refusal", pool, slot) < self.regime.launch_failure_share

    def price(self, pool: Pool, instant: float) -> float | None:
        """USD per hour at ``instant``; None before the pool's first recorded price."""
        points = self.prices[pool]
        position = bisect_right(points, (instant, math.inf)) - 1
        return None if position < 0 else points[position][1]


def _true_rates(scenario: Scenario, seed: int) -> dict[str, float]:
    """The measured mean is itself uncertain by stdev/√samples: the truth is drawn around it."""
    rates = {}
    for name, sample in scenario.rates.items():
        error = sample.stdev / sample.mean / math.sqrt(max(1, sample.samples))
        rates[name] = sample.mean * math.exp(min(0.3, error) * stream(seed, "truth", name).gauss(0.0, 1.0))
    return rates


def _history(scenario: Scenario, regime: Regime, seed: int) -> tuple[RateSample, ...]:
    if regime.history == "none":
        return ()
    if regime.history == "recorded":
        return scenario.history
    return tuple(
        RateSample(known.instance_type, known.mean * factor, known.stdev * factor, known.samples)
        for known in scenario.history
        for factor in [math.exp(stream(seed, "wrong", known.instance_type).gauss(0.0, _WRONG_SIGMA))]
    )


def realise(scenario: Scenario, regime: Regime, seed: int) -> Realisation:
    """Draw the world of ``seed``."""
    start = scenario.earliest + uniform(seed, "start") * (scenario.latest - scenario.earliest)
    started_at = float(math.floor(start))
    until = started_at + _HORIZON_HOURS * SECONDS_PER_HOUR
    return Realisation(
        scenario=scenario,
        regime=regime,
        seed=seed,
        started_at=started_at,
        prices=spiky(scenario, regime, seed, started_at, until) if regime.spikes_per_hour else scenario.prices,
        windows=outages(scenario, regime, seed, started_at, until),
        true_rates=_true_rates(scenario, seed),
        history=_history(scenario, regime, seed),
    )
