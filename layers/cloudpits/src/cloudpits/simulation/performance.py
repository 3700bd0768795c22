"""Reads performance tables (CSV): measured tasks/s per instance type, which stand in for the database's history."""

from __future__ import annotations

import csv
import math
import re
from pathlib import Path

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import RateSample

Row = dict[str | None, str | None]  # under None: cells beyond the header
NO_PERFORMANCE = "none"  # instead of a file: no history at all
REQUIRED = ("instance_type", "rate_mean", "rate_stdev", "samples")
OPTIONAL = ("workload", "unit")
# Tasks/s outside this range, or a spread this many times the mean, are typing errors: 1e-9 is a task in 30 years.
_SMALLEST_RATE, _LARGEST_RATE = 1e-9, 1e9
_WIDEST_SPREAD = 3.0
_LONGEST_QUOTE = 40  # characters of a wrong value that are told
# A unit such as "jobs per hour" or "steps/min" names its time; one that names none is taken to be per second.
_TIME = re.compile(r"(?:/|\bper)\s*(min|h)(?:\b|r\b|in|our|ute)", re.IGNORECASE)
_SECONDS = {"min": 60.0, "h": 3600.0}
_TYPE = re.compile(r"[a-z0-9-]+\.[a-z0-9-]+")
ACCEPTED = f"expected the columns {','.join(REQUIRED)} and optionally {' and '.join(OPTIONAL)}"


def _number(place: str, row: Row, column: str, accepted: tuple[float, float], empty: str = "") -> float:
    text = (row[column] or "").strip() or empty
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    smallest, largest = accepted
    if not smallest <= value <= largest:
        given = text[:_LONGEST_QUOTE]
        raise InvalidInputError(
            f"{place}: {column} {given!r} is not usable; write a number from {smallest:g} to {largest:g}"
        )
    return value


def _count(place: str, row: Row) -> int:
    value = _number(place, row, "samples", (1.0, 1e9))
    if value != int(value):
        raise InvalidInputError(f"{place}: samples {value:g} is not usable; write a whole number")
    return int(value)


def _sample(place: str, row: Row) -> RateSample:
    if None in row:
        raise InvalidInputError(f"{place}: has more cells than the header; write decimals with a point")
    name = (row["instance_type"] or "").strip()
    if not _TYPE.fullmatch(name):
        raise InvalidInputError(
            f"{place}: instance_type {name[:_LONGEST_QUOTE]!r} is not usable; write it like c5.large"
        )
    mean = _number(place, row, "rate_mean", (_SMALLEST_RATE, _LARGEST_RATE))
    stdev = _number(place, row, "rate_stdev", (0.0, _WIDEST_SPREAD * mean), empty="0")
    seconds = _seconds_of(row.get("unit") or "")
    return RateSample(name, mean / seconds, stdev / seconds, _count(place, row))


def _seconds_of(unit: str) -> float:
    """Seconds of the time that a unit counts tasks in."""
    named = _TIME.search(unit)
    return _SECONDS[named.group(1).lower()] if named else 1.0


def _rows(path: Path) -> list[tuple[int, Row]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = tuple(reader.fieldnames or ())
            rows = [(reader.line_num, row) for row in reader]
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: no such performance table") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise InvalidInputError(f"{path}: cannot be read as a performance table: {why}; {ACCEPTED}") from None
    missing = [column for column in REQUIRED if column not in columns]
    if missing:
        raise InvalidInputError(f"{path}: line 1: column {missing[0]!r} is missing; {ACCEPTED}")
    repeated = [column for column in (*REQUIRED, *OPTIONAL) if columns.count(column) > 1]
    if repeated:
        raise InvalidInputError(f"{path}: line 1: column {repeated[0]!r} appears twice; keep the one that counts")
    return rows


def _of_workload(path: Path, rows: list[tuple[int, Row]], workload: str | None) -> list[tuple[int, Row]]:
    if workload is not None and rows and "workload" not in rows[0][1]:
        raise InvalidInputError(f"{path}: has no column workload; leave --workload {workload} out")
    known = sorted({row.get("workload") or "" for _, row in rows})
    if workload is None and len(known) > 1:
        raise InvalidInputError(f"{path}: holds several workloads; choose one with --workload: {', '.join(known)}")
    if workload is not None and workload not in known:
        raise InvalidInputError(f"{path}: has no workload {workload!r}; it holds: {', '.join(known)}")
    return [(line, row) for line, row in rows if workload is None or row.get("workload") == workload]


def check_workload(performance: Path | str | None, workload: str | None) -> None:
    """A workload can only be chosen from a performance table (InvalidInputError)."""
    if workload is not None and str(performance) in {"None", NO_PERFORMANCE}:
        raise InvalidInputError(f"--workload: {workload} needs the table that measured it; give --performance FILE")


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
