"""What a simulated world is made of before luck comes in: the job, the pools with their prices, the true rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cloudpits.domain.model import InstanceType, Limits, Pool, RateSample, Settings
from cloudpits.simulation.points import Points
from cloudpits.simulation.traces import PREEMPTIONS, packaged


@dataclass(frozen=True, slots=True)
class Regime:
    """How harsh the world is. Everything but ``calm`` is synthetic: made up, not recorded.

    Rates are per hour, durations in hours; outages hit one spot pool, mass interruptions a whole zone.
    """

    name: str
    launch_failure_share: float = 0.01  # of (pool, ten minutes) in which a spot launch is refused
    spikes_per_hour: float = 0.0
    outages_per_hour: float = 0.0
    outage_hours: float = 0.0
    mass_interruptions_per_hour: float = 0.0
    history: str = "recorded"  # or "wrong" or "none": what the policy is told about rates
    trace: str = ""  # name of a packaged trace that every spot pool replays
    drift_share: float = 0.0  # lasting loss of rate that hits every other type at some instant

    @property
    def synthetic(self) -> bool:
        return self.name != "calm"


REGIMES: Mapping[str, Regime] = {
    regime.name: regime
    for regime in (
        Regime("calm"),
        Regime("spiky", spikes_per_hour=0.15),
        # One pool's recorded preemptions, played in every pool at once: each from its own point of the trace,
        Regime("replayed-preemptions", trace=PREEMPTIONS),
        # or drawn with the trace's mean times, but twice as long, and with more refusals besides.
        Regime(
            "stock-out",
            launch_failure_share=0.1,
            outages_per_hour=packaged().outages_per_hour,
            outage_hours=2 * packaged().outage_hours,
        ),
        Regime("mass-interruption", mass_interruptions_per_hour=0.4, outage_hours=0.5),
        Regime("wrong-history", history="wrong"),
        Regime("no-history", history="none"),
        Regime("drift", drift_share=0.3),
    )
}


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that all seeds share. Instants in epoch seconds; ``earliest`` and ``latest`` bound the start."""

    name: str
    tasks_total: int
    limits: Limits
    settings: Settings
    types: Mapping[str, InstanceType]
    prices: Mapping[Pool, Points]
    rates: Mapping[str, RateSample]  # true mean and spread per type
    hazards: Mapping[str, float]  # interruptions per hour per type
    job_manager_usd_per_hour: float
    job_manager_volume_usd_per_hour: float
    earliest: float
    latest: float
    prices_end: float
    metrics_s: float = 60.0
    slots: Mapping[str, int] | None = None  # tasks computed at a time per type; vCPUs (or GPUs) when absent
    history: tuple[RateSample, ...] = ()
    notes: tuple[str, ...] = ()  # what was left out on the way, for people

    def slots_of(self, instance_type: str) -> int:
        if self.slots is not None:
            return self.slots[instance_type]
        known = self.types[instance_type]
        return known.gpus or known.vcpus
