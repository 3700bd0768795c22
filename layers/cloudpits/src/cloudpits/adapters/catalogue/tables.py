"""Reads the packaged CSV files, each once per process."""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources

from cloudpits.domain.model import InstanceType

_DATA = resources.files("cloudpits.adapters.catalogue") / "data"


@dataclass(frozen=True, slots=True)
class DatedPrice:
    """An on-demand price (USD per hour) as published at an instant."""

    at: float
    usd_per_hour: float


def _lines(name: str) -> list[str]:
    content = (_DATA / name).read_bytes()
    if name.endswith(".xz"):
        content = lzma.decompress(content)
    return content.decode("utf-8").splitlines()


def _rows(lines: Iterable[str]) -> Iterator[dict[str, str]]:
    return csv.DictReader(lines)


def _of_region(name: str, region: str) -> Iterator[dict[str, str]]:
    """Rows of one region: others are skipped before they are parsed, which keeps a cold start short."""
    lines = _lines(name)
    prefix = f"{region},"
    return _rows([lines[0], *(line for line in lines if line.startswith(prefix))])


def _optional(text: str) -> float | None:
    return float(text) if text else None


def _instance_type(row: Mapping[str, str]) -> InstanceType:
    cores = _optional(row["cores"])
    return InstanceType(
        name=row["instance_type"],
        vcpus=int(row["vcpus"]),
        architecture=row["architecture"],
        clock_ghz=_optional(row["clock_ghz"]),
        cores=None if cores is None else int(cores),
        memory_gib=_optional(row["memory_gib"]),
        gpus=int(_optional(row["gpus"]) or 0),
    )


@cache
def instance_types() -> Mapping[str, InstanceType]:
    """Every known type by name, without prices."""
    return {row["instance_type"]: _instance_type(row) for row in _rows(_lines("types.csv.xz"))}


def _instant(day: str) -> float:
    return datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()


@cache
def on_demand_prices(region: str) -> Mapping[str, tuple[DatedPrice, ...]]:
    """Published on-demand prices per type in ``region``, oldest first; empty for an unknown region."""
    prices: dict[str, tuple[DatedPrice, ...]] = {}
    for row in _of_region("prices.csv.xz", region):
        dated = {day: value for day, value in row.items() if value and day[:1].isdigit()}
        prices[row["instance_type"]] = tuple(DatedPrice(_instant(day), float(usd)) for day, usd in dated.items())
    return prices


@cache
def advisor_buckets(region: str) -> Mapping[str, int]:
    """Spot Advisor's interruption bucket (0 … 4) per type in ``region``."""
    return {row["instance_type"]: int(row["bucket"]) for row in _of_region("advisor.csv.xz", region)}


@cache
def spot_savings() -> Mapping[tuple[str, str], float]:
    """Share of the on-demand price that spot saved on average, by (region, type), as Spot Advisor published it."""
    rows = _rows(_lines("advisor.csv.xz"))
    return {(row["region"], row["instance_type"]): float(row["savings_pct"]) / 100.0 for row in rows}


@cache
def zone_letters(region: str) -> str:
    """Letters of the region's availability zones; ``abc`` where nothing better is known."""
    return next((row["letters"] for row in _of_region("zones.csv", region)), "abc")
