"""Reads performance tables (CSV): measured tasks/s per instance type, which stand in for the database's history."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from pathlib import Path

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import RateSample

REQUIRED = ("instance_type", "rate_mean", "rate_stdev", "samples")
ACCEPTED = f"expected the columns {','.join(REQUIRED)} and optionally workload"


def _number(place: str, row: Mapping[str, str | None], column: str, smallest: float) -> float:
    text = (row[column] or "").strip() or "0"
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= smallest):
        raise InvalidInputError(
            f"{place}: {column} {text!r} is not usable; write a finite number of at least {smallest:g}"
        )
    return value


def _sample(place: str, row: Mapping[str, str | None]) -> RateSample:
    name = (row["instance_type"] or "").strip()
    if "." not in name:
        raise InvalidInputError(f"{place}: instance_type {name!r} is not usable; write it like c5.large")
    mean = _number(place, row, "rate_mean", 0.0)
    if mean == 0.0:
        raise InvalidInputError(f"{place}: rate_mean must be above 0 tasks/s; remove the row if it was not measured")
    stdev = _number(place, row, "rate_stdev", 0.0)
    return RateSample(name, mean, stdev, int(_number(place, row, "samples", 1.0)))


def _rows(path: Path) -> list[tuple[int, dict[str, str | None]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or ()
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: no such performance table") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInputError(f"{path}: cannot be read as a performance table: {error}") from None
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise InvalidInputError(f"{path}: line 1: column {missing[0]!r} is missing; {ACCEPTED}")
    return rows


def _of_workload(
    path: Path, rows: list[tuple[int, dict[str, str | None]]], workload: str | None
) -> list[tuple[int, dict[str, str | None]]]:
    known = sorted({row.get("workload") or "" for _, row in rows})
    if workload is None and len(known) > 1:
        raise InvalidInputError(f"{path}: holds several workloads; choose one with --workload: {', '.join(known)}")
    if workload is not None and workload not in known:
        raise InvalidInputError(f"{path}: has no workload {workload!r}; it holds: {', '.join(known)}")
    return [(line, row) for line, row in rows if workload is None or row.get("workload") == workload]


def read_performance(path: Path | str, workload: str | None = None) -> tuple[RateSample, ...]:
    """Samples of one workload, sorted by type; InvalidInputError names file, line and column."""
    path = Path(path)
    samples: dict[str, RateSample] = {}
    for line, row in _of_workload(path, _rows(path), workload):
        sample = _sample(f"{path}: line {line}", row)
        if sample.instance_type in samples:
            raise InvalidInputError(
                f"{path}: line {line}: {sample.instance_type} appears twice for one workload; keep one row per type"
            )
        samples[sample.instance_type] = sample
    if not samples:
        raise InvalidInputError(f"{path}: the performance table has no rows; {ACCEPTED}")
    return tuple(samples[name] for name in sorted(samples))
