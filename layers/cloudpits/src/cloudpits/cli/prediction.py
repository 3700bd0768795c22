"""What the planner is given on the command line: prices from wherever they are to be had, history, the task count."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from cloudpits.application.context import Assignment
from cloudpits.application.plan_experiment import planning_snapshot
from cloudpits.config.artefacts import modules_by_architecture, program_digest
from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import Market as PoolMarket
from cloudpits.domain.model import RateSample, Snapshot
from cloudpits.domain.planning.front import PlannedFront, plan
from cloudpits.domain.policies import registry
from cloudpits.domain.ports import Catalogue, Prices


@dataclass(frozen=True, slots=True)
class Market:
    """Where prices and instance types come from; ``source`` says it to a person."""

    catalogue: Catalogue
    prices: Prices
    now: float
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """A plan with what it rests on."""

    experiment: Experiment
    snapshot: Snapshot
    front: PlannedFront
    notes: tuple[str, ...]


def _recorded(experiment: Experiment, log_path: Path) -> Market:
    from cloudpits.simulation.prices import read_price_log
    from cloudpits.simulation.recorded import RecordedCatalogue, RecordedPrices

    log = read_price_log(log_path)
    if experiment.region not in log.regions:
        raise InvalidInputError(
            f"{log_path}: holds no price of region {experiment.region}; it holds {', '.join(log.regions)}"
        )
    catalogue = RecordedCatalogue(experiment.region, log)
    return Market(catalogue, RecordedPrices(log, catalogue), log.end, f"prices at the end of {log_path}", log.notes)


def _live_or_listed(experiment: Experiment) -> Market:
    import boto3

    from cloudpits.adapters.catalogue import PackagedCatalogue
    from cloudpits.adapters.catalogue.list_prices import ListPrices

    catalogue, now = PackagedCatalogue(experiment.region), time.time()
    if boto3.Session().get_credentials() is not None:
        from cloudpits.adapters.aws.prices import AwsPrices

        return Market(catalogue, AwsPrices(experiment.region, catalogue), now, "live prices from AWS")
    source = (
        "no AWS credentials: on-demand list prices, and spot prices estimated from the savings that Spot Advisor "
        "published in 2022; give --prices LOG for recorded ones"
    )
    return Market(catalogue, ListPrices(experiment.region, catalogue), now, source)


def _history(experiment: Experiment, performance: str | None, workload: str | None) -> tuple[RateSample, ...]:
    from cloudpits.simulation.performance import NO_PERFORMANCE, check_workload, read_performance

    check_workload(performance, workload)
    if performance == NO_PERFORMANCE:
        return ()
    if performance is not None:
        return read_performance(Path(performance), workload)
    from cloudpits.cli.database import open_books

    books = open_books()
    return () if books is None else tuple(books.rates(program_digest(experiment)))


def _tasks_total(experiment: Experiment) -> int:
    if experiment.program.tasks_total is not None:
        return experiment.program.tasks_total  # without loading the simulator
    from cloudpits.simulation.build import total_tasks

    return total_tasks(experiment)


def _architectures(experiment: Experiment) -> tuple[str, ...]:
    """Those the module exists for; a plan is possible before the module is built, and then takes x86_64."""
    if experiment.program.tasks_total is None:
        return tuple(modules_by_architecture(experiment))
    try:
        return tuple(modules_by_architecture(experiment))
    except InvalidInputError:
        module = experiment.program.module
        return ("x86_64",) if isinstance(module, str) else tuple(module)


def predict(experiment: Experiment, prices: Path | None, performance: str | None, workload: str | None) -> Prediction:
    """Plan ``experiment``; InvalidInputError and CloudError name what could not be read."""
    market = _live_or_listed(experiment) if prices is None else _recorded(experiment, prices)
    history = _history(experiment, performance, workload)
    policy = registry.get(experiment.rebalance.policy)
    assignment = Assignment(experiment, "plan", "plan", _architectures(experiment), policy)
    total = _tasks_total(experiment)
    snapshot = planning_snapshot(assignment, market.catalogue, market.prices, history, total, market.now)
    spot_wanted = PoolMarket.SPOT in experiment.workers.markets
    notes = (market.source, *market.notes, _measured(snapshot, history), *_without_spot(snapshot, spot_wanted))
    return Prediction(experiment, snapshot, plan(snapshot), notes)


def _measured(snapshot: Snapshot, history: tuple[RateSample, ...]) -> str:
    if not history:
        return "no measured rates: guessed from vCPUs and clock"
    usable = {pool.instance_type for pool in snapshot.offers}
    measured = len(usable & {sample.instance_type for sample in history})
    others = "" if measured == len(usable) else "; the others' are estimated from what was measured, vCPUs and clock"
    return f"measured rates of {measured} of the {len(usable)} usable types{others}"


def _without_spot(snapshot: Snapshot, wanted: bool) -> tuple[str, ...]:
    """Whoever allowed spot and gets none should know that no price was the reason."""
    if any(pool.market is PoolMarket.SPOT for pool in snapshot.offers) or not wanted:
        return ()
    return ("no spot price is known for any of these instance types: planned without spot",)
