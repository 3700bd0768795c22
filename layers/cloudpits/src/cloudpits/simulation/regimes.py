"""Synthetic hardship: price spikes, outages of pools, interruptions of whole zones. Made up, and named so."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from cloudpits.domain.model import SECONDS_PER_HOUR, Market, Pool
from cloudpits.simulation.points import Points
from cloudpits.simulation.randomness import stream, uniform
from cloudpits.simulation.scenario import Regime, Scenario
from cloudpits.simulation.traces import packaged

Window = tuple[float, float]
_SPIKE_HOURS = 0.75
_SPIKE_FACTORS = (1.5, 4.0)
_ABOVE_ON_DEMAND = 1.05  # highest spike, as a multiple of the on-demand price: it interrupts what it hits


def _windows(random_source: random.Random, per_hour: float, mean_hours: float, span: Window) -> Iterator[Window]:
    """Alternating renewal process: exponential gaps and exponential durations within ``span``."""
    start, until = span
    while per_hour > 0.0:
        start += random_source.expovariate(per_hour) * SECONDS_PER_HOUR
        if start >= until:
            return
        end = start + max(60.0, random_source.expovariate(1.0 / mean_hours) * SECONDS_PER_HOUR)
        yield start, end
        start = end


def _merged(windows: list[Window]) -> tuple[Window, ...]:
    merged: list[Window] = []
    for start, end in sorted(windows):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def outages(
    scenario: Scenario, regime: Regime, seed: int, since: float, until: float
) -> Mapping[Pool, tuple[Window, ...]]:
    """When each spot pool has no capacity: its own outages and those of its zone. Empty in calm weather."""
    spot = [pool for pool in scenario.prices if pool.market is Market.SPOT]
    if regime.trace:
        trace = packaged(regime.trace)
        return {pool: tuple(trace.replayed(since, until, uniform(seed, "trace", pool))) for pool in spot}
    if not (regime.outages_per_hour or regime.mass_interruptions_per_hour):
        return {}
    span = (since, until)
    zones = sorted({pool.availability_zone for pool in spot})
    mass = regime.mass_interruptions_per_hour / len(zones) if zones else 0.0
    by_zone = {zone: list(_windows(stream(seed, "mass", zone), mass, regime.outage_hours, span)) for zone in zones}
    return {
        pool: _merged(
            by_zone[pool.availability_zone]
            + list(_windows(stream(seed, "outage", pool), regime.outages_per_hour, regime.outage_hours, span))
        )
        for pool in spot
    }


def _with_spikes(points: Points, spikes: list[tuple[float, float, float]], cap: float) -> Points:
    """``points`` with each (start, end, factor) applied, never above ``cap``."""
    changes = list(points)
    for start, end, factor in spikes:
        before = [usd for at, usd in changes if at <= start]
        if not before:
            continue
        after = [usd for at, usd in changes if at <= end][-1]
        inside = [(at, min(cap, usd * factor)) for at, usd in changes if start < at < end]
        kept = [(at, usd) for at, usd in changes if at <= start or at > end]
        changes = sorted([*kept, (start, min(cap, before[-1] * factor)), *inside, (end, after)])
    return changes


def spiky(scenario: Scenario, regime: Regime, seed: int, since: float, until: float) -> Mapping[Pool, Points]:
    """Recorded prices with spikes on spot pools, each pool on its own."""
    prices: dict[Pool, Points] = {}
    for pool, points in scenario.prices.items():
        on_demand = scenario.types[pool.instance_type].on_demand_usd_per_hour
        if pool.market is not Market.SPOT or on_demand is None:
            prices[pool] = points
            continue
        source = stream(seed, "spikes", pool)
        windows = _windows(source, regime.spikes_per_hour, _SPIKE_HOURS, (since, min(until, since + 48 * 3600.0)))
        spikes = [(start, end, source.uniform(*_SPIKE_FACTORS)) for start, end in windows]
        prices[pool] = _with_spikes(points, spikes, on_demand * _ABOVE_ON_DEMAND)
    return prices
