"""From an experiment file, a price log and a performance table to the scenario that is simulated."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cloudpits.adapters.catalogue import PackagedCatalogue
from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import SECONDS_PER_HOUR, InstanceType, Market, Pool, RateSample
from cloudpits.simulation.guess import guessed_rates
from cloudpits.simulation.performance import NO_PERFORMANCE, check_workload, read_performance
from cloudpits.simulation.points import Points
from cloudpits.simulation.prices import PriceLog, read_price_log
from cloudpits.simulation.scenario import Scenario

WARM_UP_S = 24 * SECONDS_PER_HOUR  # series start at their first change: skip the day on which most are unknown
_NAMED = 5  # types that a note names
_DEFAULT_RUN_S = 12 * SECONDS_PER_HOUR


def architectures(experiment: Experiment) -> tuple[str, ...]:
    """Those the module exists for; x86_64 for a module given as one path."""
    module = experiment.program.module
    return tuple(module) if isinstance(module, dict) else ("x86_64",)


def _known_types(experiment: Experiment, catalogue: PackagedCatalogue) -> Mapping[str, InstanceType]:
    types = catalogue.types(experiment.workers.instance_types, architectures(experiment))
    if not types:
        globs = ", ".join(experiment.workers.instance_types)
        raise InvalidInputError(
            f"workers.instance_types: no known type of {experiment.region} matches {globs}; write globs like c5.*"
        )
    return types


def _zones(experiment: Experiment, log: PriceLog) -> tuple[str, ...]:
    known = sorted(zone for zone, region in log.region_of_zone.items() if region == experiment.region)
    if not known:
        raise InvalidInputError(
            f"region: the price log holds no price of {experiment.region}; it holds {', '.join(log.regions)}"
        )
    wanted = experiment.workers.availability_zones
    zones = tuple(zone for zone in known if not wanted or zone in wanted)
    if not zones:
        raise InvalidInputError(
            f"workers.availability_zones: none of {', '.join(wanted)} is in the price log; it holds {', '.join(known)}"
        )
    return zones


def _pools(
    experiment: Experiment, log: PriceLog, types: Mapping[str, InstanceType], zones: tuple[str, ...]
) -> dict[Pool, Points]:
    pools: dict[Pool, Points] = {}
    if Market.SPOT in experiment.workers.markets:
        for (name, zone), points in log.series.items():
            if name in types and zone in zones:
                pools[Pool(name, zone, Market.SPOT)] = points
    if Market.ON_DEMAND in experiment.workers.markets:
        for name, known in types.items():
            usd = known.on_demand_usd_per_hour or math.inf
            # Where it costs the same and is never refused, one zone stands for all.
            pools[Pool(name, zones[0], Market.ON_DEMAND)] = [(log.start, usd)]
    return pools


def _buyable(
    experiment: Experiment, log: PriceLog, zones: tuple[str, ...], catalogue: PackagedCatalogue
) -> Mapping[str, InstanceType]:
    """Matching types that can be bought at all: on spot alone, those that the log prices."""
    types = _known_types(experiment, catalogue)
    if experiment.workers.markets != (Market.SPOT,):
        return types
    priced = {name for (name, zone) in log.series if zone in zones}
    buyable = {name: known for name, known in types.items() if name in priced}
    if not buyable:
        raise InvalidInputError(
            f"prices: the log prices none of the experiment's {len(types)} types in {', '.join(zones)}; use a log that "
            "does, or add on-demand to workers.markets"
        )
    return buyable


def _unpriced(experiment: Experiment, pools: Mapping[Pool, Points]) -> tuple[str, ...]:
    """Whoever allowed spot and gets none should know that the log is the reason."""
    if Market.SPOT not in experiment.workers.markets or any(pool.market is Market.SPOT for pool in pools):
        return ()
    return ("the price log prices none of these instance types: simulated without spot",)


def _starts(pools: Mapping[Pool, Points], log: PriceLog, deadline_s: float | None) -> tuple[float, float]:
    """Earliest and latest start: a day after the first price of these pools (other regions' may be older)."""
    first = min((points[0][0] for pool, points in pools.items() if pool.market is Market.SPOT), default=log.start)
    earliest = first + min(WARM_UP_S, (log.end - first) / 4)
    return earliest, max(earliest, log.end - (deadline_s or _DEFAULT_RUN_S))


def total_tasks(experiment: Experiment) -> int:
    """The size of the bag; counted by the module where the file does not tell, InvalidInputError if it cannot."""
    program = experiment.program
    if program.tasks_total is not None:
        return program.tasks_total
    modules = [program.module] if isinstance(program.module, str) else list(program.module.values())
    module = next((name for name in modules if Path(name).exists()), None)
    if module is None:
        raise InvalidInputError(
            f"program.tasks_total: is needed, because {modules[0]} is not there to count its tasks; add it"
        )
    # A process of its own: whatever the module does, this one goes on.
    command = [sys.executable, "-m", "cloudpits.spits.commands.count", module, *program.arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own command
    if done.returncode != 0 or not done.stdout.strip():
        said = done.stderr.strip().splitlines()[-1:] or ["it gave no reason"]
        raise InvalidInputError(f"program.module: {module}: its tasks cannot be counted: {said[0]}")
    return int(done.stdout.split()[-1])


def _restrict(
    types: Mapping[str, InstanceType], samples: tuple[RateSample, ...], source: str
) -> tuple[dict[str, InstanceType], tuple[RateSample, ...], tuple[str, ...]]:
    """Only types with a rate can be simulated; says which were left out."""
    measured = {sample.instance_type for sample in samples}
    kept = {name: known for name, known in types.items() if name in measured}
    if not kept:
        raise InvalidInputError(
            f"{source}: measures none of the experiment's {len(types)} types; it has {', '.join(sorted(measured)[:5])}"
        )
    left_out = sorted(set(types) - measured)
    more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    notes = (f"left out for want of a measured rate: {', '.join(left_out[:_NAMED])}{more}",) if left_out else ()
    return kept, tuple(sample for sample in samples if sample.instance_type in kept), notes


@dataclass(frozen=True, slots=True)
class _Measured:
    """Types that can be simulated, their true rates, what the policy is told of them, and what people should know."""

    types: Mapping[str, InstanceType]
    rates: tuple[RateSample, ...]
    history: tuple[RateSample, ...]
    notes: tuple[str, ...]


def _measured(
    experiment: Experiment, types: Mapping[str, InstanceType], performance: Path | str | None, workload: str | None
) -> _Measured:
    check_workload(performance, workload)
    if performance is None or str(performance) == NO_PERFORMANCE:
        rates = guessed_rates(experiment, types, total_tasks(experiment))
        return _Measured(
            types, rates, (), ("no measured rates: a synthetic program that fits the limits is simulated",)
        )
    kept, samples, notes = _restrict(types, read_performance(performance, workload), str(performance))
    return _Measured(kept, samples, samples, notes)


def _manager_usd_per_hour(experiment: Experiment, catalogue: PackagedCatalogue) -> float:
    name = experiment.job_manager.instance_type
    price = catalogue.on_demand_usd_per_hour(name)
    if price is None:
        raise InvalidInputError(f"job_manager.instance_type: {name} is not sold in {experiment.region}")
    return price


def build_scenario(
    experiment: Experiment,
    prices: Path | PriceLog,
    performance: Path | str | None = None,
    workload: str | None = None,
) -> Scenario:
    """Read and match everything; InvalidInputError names the file or field at fault.

    ``performance`` of None or ``"none"`` means that no rate is known: the world then plays a synthetic program.
    """
    log = prices if isinstance(prices, PriceLog) else read_price_log(prices)
    catalogue = PackagedCatalogue(experiment.region, as_of=log.start)
    zones = _zones(experiment, log)
    known = _measured(experiment, _buyable(experiment, log, zones, catalogue), performance, workload)
    experiment.check_quota(known.types.values())
    pools = _pools(experiment, log, known.types, zones)
    earliest, latest = _starts(pools, log, experiment.deadline_s)
    threads = experiment.program.workers_per_instance
    return Scenario(
        name=experiment.name,
        tasks_total=total_tasks(experiment),
        limits=experiment.domain_limits(),
        settings=experiment.domain_settings(),
        types=known.types,
        prices=pools,
        rates={sample.instance_type: sample for sample in known.rates},
        hazards={name: catalogue.interruptions_per_hour(name) or 0.0 for name in known.types},
        job_manager_usd_per_hour=_manager_usd_per_hour(experiment, catalogue),
        job_manager_volume_usd_per_hour=experiment.job_manager_volume_usd_per_hour,
        earliest=earliest,
        latest=latest,
        prices_end=log.end,
        metrics_s=experiment.rebalance.metrics_seconds,
        slots=None if threads is None else dict.fromkeys(known.types, threads),
        history=known.history,
        notes=(*log.notes, *_unpriced(experiment, pools), *known.notes),
    )
