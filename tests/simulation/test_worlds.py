"""Worlds: the same luck for every policy under one seed, and hardship that is what it says it is."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import pytest

from cloudpits.domain.model import Market, Pool
from cloudpits.simulation.randomness import stream, uniform
from cloudpits.simulation.realisation import NEVER, NOTICE_S, Realisation, realise
from cloudpits.simulation.regimes import _with_spikes
from cloudpits.simulation.scenario import REGIMES, Regime, Scenario
from cloudpits.simulation.traces import Trace, packaged

POOL = Pool("c5.large", "us-east-1a", Market.SPOT)
OWNED = Pool("c5.large", "us-east-1a", Market.ON_DEMAND)


def test_a_stream_depends_on_its_key_and_seed_alone() -> None:
    first = [stream(1, "boot", POOL, 0).random() for _ in range(2)]
    assert first[0] == first[1]
    assert len({stream(s, "boot", POOL, i).random() for s in range(3) for i in range(3)}) == 9


def test_numbers_are_the_same_on_every_machine() -> None:
    assert uniform(0, "start") == pytest.approx(0.025313858370270875)


def test_single_draws_are_uniform() -> None:
    draws = [uniform(0, "x", i) for i in range(2000)]
    assert statistics.mean(draws) == pytest.approx(0.5, abs=0.03)
    assert 0.0 <= min(draws) < 0.01
    assert 0.99 < max(draws) < 1.0


def test_the_luck_of_an_instance_does_not_depend_on_who_asks_first(recorded: Scenario) -> None:
    one, other = (realise(recorded, REGIMES["calm"], 5) for _ in range(2))
    forwards = [one.multiplier(POOL, i) for i in range(5)]
    backwards = [other.multiplier(POOL, i) for i in reversed(range(5))]
    assert forwards == backwards[::-1]
    assert one.boot_s(POOL, 3) == other.boot_s(POOL, 3)
    assert one.started_at == other.started_at


def test_starts_leave_a_day_to_warm_up(recorded: Scenario) -> None:
    first = min(points[0][0] for points in recorded.prices.values())
    starts = [realise(recorded, REGIMES["calm"], seed).started_at for seed in range(20)]
    assert min(starts) >= first + 24 * 3600 - 1
    assert max(starts) + 3 * 3600 <= recorded.prices_end
    assert len(set(starts)) == 20


def test_boots_take_about_as_long_as_configured(recorded: Scenario) -> None:
    world = realise(recorded, REGIMES["calm"], 0)
    boots = [world.boot_s(POOL, i) for i in range(200)]
    assert 0.85 * 90 <= min(boots) < max(boots) <= 1.25 * 90


def test_lives_are_exponential_with_the_types_hazard(make_world: Callable[..., Realisation]) -> None:
    world = make_world(hazards={"c5.large": 0.5, "c5.xlarge": 0.0})
    lives = [world.lifetime_s(POOL, i) for i in range(2000)]
    assert statistics.mean(lives) == pytest.approx(2 * 3600.0, rel=0.08)
    assert world.lifetime_s(OWNED, 0) == NEVER
    assert world.lifetime_s(Pool("c5.xlarge", "us-east-1a", Market.SPOT), 0) == NEVER


def test_truth_lies_around_the_measurement(recorded: Scenario) -> None:
    sample = recorded.rates["c5.24xlarge"]
    truths = [realise(recorded, REGIMES["calm"], seed).true_rates["c5.24xlarge"] for seed in range(300)]
    error = sample.stdev / sample.mean / sample.samples**0.5
    assert statistics.mean(truths) == pytest.approx(sample.mean, rel=0.005)
    assert statistics.stdev(truths) / sample.mean == pytest.approx(error, rel=0.15)


def test_only_calm_is_recorded() -> None:
    assert [name for name, regime in REGIMES.items() if not regime.synthetic] == ["calm"]


def test_no_history_hides_all_rates_and_wrong_history_bends_them(recorded: Scenario) -> None:
    assert realise(recorded, REGIMES["no-history"], 0).history == ()
    told = realise(recorded, REGIMES["wrong-history"], 0).history
    bent = [t.mean / k.mean for t, k in zip(told, recorded.history, strict=True)]
    assert min(bent) < 0.8
    assert max(bent) > 1.2
    assert realise(recorded, REGIMES["calm"], 0).history == recorded.history


def test_drift_slows_some_types_for_good(recorded: Scenario) -> None:
    world = realise(recorded, REGIMES["drift"], 0)
    late = world.started_at + 24 * 3600
    factors = {world.drift(name, late) for name in recorded.types}
    assert factors == {1.0, 0.7}
    assert {world.drift(name, world.started_at - 1) for name in recorded.types} == {1.0}


def test_calm_weather_has_no_outages(recorded: Scenario) -> None:
    assert realise(recorded, REGIMES["calm"], 0).windows == {}


def test_a_mass_interruption_hits_a_whole_zone(recorded: Scenario) -> None:
    windows = realise(recorded, REGIMES["mass-interruption"], 0).windows
    by_zone: dict[str, set[tuple[tuple[float, float], ...]]] = {}
    for pool, hours in windows.items():
        by_zone.setdefault(pool.availability_zone, set()).add(hours)
    assert len(by_zone) >= 2
    assert all(len(found) == 1 for found in by_zone.values())
    assert len({next(iter(found)) for found in by_zone.values()}) == len(by_zone)


def test_no_capacity_is_given_from_the_notice_to_the_end_of_an_outage(recorded: Scenario) -> None:
    world = realise(recorded, Regime("dry", launch_failure_share=0.0, outages_per_hour=1.0, outage_hours=0.5), 1)
    pool, (start, end) = next((pool, found[0]) for pool, found in world.windows.items() if found)
    asked = (start - NOTICE_S - 1, start - NOTICE_S, end - 1, end)
    assert [world.refuses(pool, instant) for instant in asked] == [False, True, True, False]
    assert world.next_outage(pool, start - 1) == start
    on_demand = Pool(pool.instance_type, pool.availability_zone, Market.ON_DEMAND)
    assert not world.refuses(on_demand, start)


def test_a_spike_raises_the_price_for_a_while() -> None:
    points = [(0.0, 1.0), (100.0, 1.2)]
    assert _with_spikes(points, [(50.0, 150.0, 2.0)], cap=2.1) == [
        (0.0, 1.0),
        (50.0, 2.0),
        (100.0, 2.1),
        (150.0, 1.2),
    ]


def test_spiky_prices_never_exceed_their_cap_and_come_back(recorded: Scenario) -> None:
    world = realise(recorded, REGIMES["spiky"], 0)
    dearer = 0
    for pool, points in world.prices.items():
        cap = recorded.types[pool.instance_type].on_demand_usd_per_hour
        assert cap is not None
        assert max(usd for _, usd in points) <= cap * 1.05 + 1e-9
        assert points[-1][1] == recorded.prices[pool][-1][1] or points[-1][0] > world.started_at
        dearer += max(usd for _, usd in points) > max(usd for _, usd in recorded.prices[pool])
    assert dearer > 10


def test_the_packaged_trace_is_the_recorded_one() -> None:
    trace = packaged()
    assert len(trace.windows) == 67
    assert trace.span_s / 3600 == pytest.approx(151.96, abs=0.01)
    assert trace.outage_hours == pytest.approx(0.339, abs=0.001)
    assert trace.outages_per_hour == pytest.approx(0.518, abs=0.001)


def test_a_replayed_trace_repeats_from_its_offset() -> None:
    trace = Trace(((10.0, 20.0),), 100.0)
    assert list(trace.replayed(1000.0, 1200.0, 0.0)) == [(1010.0, 1020.0), (1110.0, 1120.0)]
    assert list(trace.replayed(1000.0, 1100.0, 0.15)) == [(995.0, 1005.0), (1095.0, 1105.0)]
