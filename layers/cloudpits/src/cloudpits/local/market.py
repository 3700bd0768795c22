"""Builds the emulated market of a run: instance types from the catalogue, prices from a recorded log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloudpits.adapters.catalogue import PackagedCatalogue
from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import SECONDS_PER_HOUR, InstanceType
from cloudpits.simulation.prices import PriceLog, read_price_log

MIB_PER_GIB = 1024
WARM_UP_S = 24 * SECONDS_PER_HOUR  # a log's series start at their first change; after a day nearly all have begun
# Without a recorded log prices are synthetic: constant, at the usual ratio of spot to on-demand prices of 2021.
SYNTHETIC_SPOT_SHARE = 0.35
SYNTHETIC_START = 1_767_225_600.0  # 2026-01-01


@dataclass(frozen=True, slots=True)
class Market:
    """Rows ``[at, zone, type, USD/hour]``, the types' facts, and where replaying starts."""

    prices: list[list[Any]]
    types: dict[str, InstanceType]
    origin: float
    recorded: bool

    def world(self) -> dict[str, Any]:
        """The market's part of the emulator's world."""
        return {"types": [_facts(kind) for kind in self.types.values()], "prices": self.prices}


def _facts(kind: InstanceType) -> dict[str, Any]:
    return {
        "name": kind.name,
        "vcpus": kind.vcpus,
        "cores": kind.cores or max(1, kind.vcpus // 2),
        "architecture": kind.architecture,
        "clock_ghz": kind.clock_ghz or 2.5,
        "memory_mib": int((kind.memory_gib or 4.0) * MIB_PER_GIB),
        "on_demand_usd_per_hour": kind.on_demand_usd_per_hour,
        "gpus": kind.gpus,
    }


def build_market(experiment: Experiment, log: Path | None, origin: float | None) -> Market:
    """The market that ``experiment`` may use; InvalidInputError if log and experiment have no pool in common."""
    catalogue = PackagedCatalogue(experiment.region, origin)
    patterns = (*experiment.workers.instance_types, experiment.job_manager.instance_type)
    types = dict(catalogue.types(patterns, ("x86_64", "arm64")))
    if log is None:
        return _synthetic(experiment, types, origin)
    recorded = read_price_log(log)
    start = recorded.start + WARM_UP_S if origin is None else origin
    if not recorded.start <= start <= recorded.end:
        raise InvalidInputError(f"{log}: starts_at lies outside the log's span")
    prices = _recorded(experiment, recorded, types)
    if not prices:
        raise InvalidInputError(f"{log}: has no price of any type and zone that the experiment allows")
    return Market(prices, types, start, recorded=True)


def _recorded(experiment: Experiment, log: PriceLog, types: dict[str, InstanceType]) -> list[list[Any]]:
    return [
        [at, zone, name, usd]
        for (name, zone), points in log.of_region(experiment.region)
        if name in types and _allowed(experiment, zone)
        for at, usd in points
    ]


def _synthetic(experiment: Experiment, types: dict[str, InstanceType], origin: float | None) -> Market:
    start = SYNTHETIC_START if origin is None else origin
    zones = PackagedCatalogue(experiment.region).zones(types)
    prices = [
        [start - WARM_UP_S, zone, kind.name, round(SYNTHETIC_SPOT_SHARE * (kind.on_demand_usd_per_hour or 0.1), 4)]
        for kind in types.values()
        for zone in zones[kind.name]
        if _allowed(experiment, zone)
    ]
    return Market(prices, types, start, recorded=False)


def _allowed(experiment: Experiment, zone: str) -> bool:
    return zone in (experiment.workers.availability_zones or (zone,))
