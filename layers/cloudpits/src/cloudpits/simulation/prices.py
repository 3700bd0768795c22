"""Reads recorded spot price logs: tab separated ``timestamp region az instance_type os price``.

A row says: from this instant on, an hour of (zone, type) costs this much, until its next row. Logs may come
with or without a header, with CRLF, compressed with xz, unsorted, with duplicates, with other systems' rows mixed in
(dropped, counted and told) and with zone ids (``use1-az2``) instead of names: ids are taken as names of failure
domains, but one log must not mix both.
"""

from __future__ import annotations

import codecs
import lzma
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from cloudpits.domain.errors import InvalidInputError
from cloudpits.simulation.points import Points

COLUMNS = ("timestamp", "region", "az", "instance_type", "os", "price")
ACCEPTED = "expected tab separated: timestamp region az instance_type os price"
LINUX = ("Linux/UNIX", "Linux/UNIX (Amazon VPC)")
_ZONE_ID = re.compile(r"^[a-z]{2,5}\d-az\d+$")
# A spot hour outside this is a typing error: the cheapest and the dearest instance ever sold are well within it.
_LEAST_USD, _MOST_USD = 0.0001, 1000.0
_FIRST_SPOT_PRICE = datetime(2009, 12, 1, tzinfo=UTC).timestamp()  # the month in which spot instances began
_LAST_SPOT_PRICE = datetime(2100, 1, 1, tzinfo=UTC).timestamp()  # one such row would stretch a month to centuries
_LONGEST_QUOTE = 40  # characters of a wrong value that are told
_XZ = b"\xfd7zXZ\x00"
_TIMESTAMP = "%Y-%m-%dT%H:%M:%S%.fZ"


@dataclass(frozen=True, slots=True)
class PriceLog:
    """All Linux series of one log by (instance type, zone), and what was left out on the way in."""

    series: Mapping[tuple[str, str], Points]
    regions: tuple[str, ...]
    start: float
    end: float
    rows: int
    dropped: int = 0  # rows of other systems than Linux
    duplicates: int = 0
    region_of_zone: Mapping[str, str] = field(default_factory=dict)

    def of_region(self, region: str) -> Iterator[tuple[tuple[str, str], Points]]:
        """Series of the zones of ``region``."""
        return (item for item in self.series.items() if self.region_of_zone[item[0][1]] == region)

    @property
    def notes(self) -> tuple[str, ...]:
        """What people should know before they trust figures that rest on this log."""
        first, last = (datetime.fromtimestamp(at, UTC).date().isoformat() for at in (self.start, self.end))
        left_out = f"the price log's {self.dropped} rows of other systems than Linux were left out"
        repeated = f"{self.duplicates} rows of the price log repeat an instant: the last one counts"
        return (
            f"recorded prices from {first} to {last}",
            *([left_out] if self.dropped else []),
            *([repeated] if self.duplicates else []),
        )


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return lzma.decompress(content) if path.suffix == ".xz" or content.startswith(_XZ) else content
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: no such price log") from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read as a price log: {error.strerror}") from None
    except lzma.LZMAError as error:
        why = str(error).rstrip(".")
        raise InvalidInputError(f"{path}: cannot be read as a price log: {why}; give a whole .xz file") from None


def _table(path: Path) -> pl.DataFrame:
    """The rows as text with their line numbers; short and long rows are caught by the checks that follow."""
    content = _content(path).removeprefix(codecs.BOM_UTF8).rstrip()
    header = content[:9] == b"timestamp"
    if not content:
        raise InvalidInputError(f"{path}: the price log is empty; {ACCEPTED}")
    _check_widths(path, content)
    frame = pl.read_csv(
        content,
        separator="\t",
        has_header=False,
        skip_rows=int(header),
        schema=dict.fromkeys(COLUMNS, pl.String),
        quote_char=None,
        raise_if_empty=False,
        encoding="utf8-lossy",
    )
    if frame.is_empty():
        raise InvalidInputError(f"{path}: the price log has a header but no rows; {ACCEPTED}")
    return frame.with_row_index("line", offset=1 + header).with_columns(pl.col("price").str.strip_chars_end("\r "))


def _check_widths(path: Path, content: bytes) -> None:
    for number, line in enumerate(content.split(b"\n"), start=1):
        columns = line.count(b"\t") + 1
        if columns != len(COLUMNS):
            raise InvalidInputError(f"{path}: line {number}: {columns} columns; {ACCEPTED}")


def _reject(path: Path, frame: pl.DataFrame, bad: pl.Expr, column: str, remedy: str) -> None:
    found = frame.filter(bad.fill_null(True)).head(1)
    if found.height:
        line, value = found["line"][0], str(found[column][0] or "")[:_LONGEST_QUOTE]
        raise InvalidInputError(f"{path}: line {line}: {column} {value!r} is not usable; {remedy}")


def _checked(path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    parsed = frame.with_columns(
        at=pl.col("timestamp").str.to_datetime(_TIMESTAMP, strict=False, time_unit="ms").dt.epoch("ms") / 1000.0,
        usd=pl.col("price").cast(pl.Float64, strict=False),
    )
    timely = pl.col("at").is_between(_FIRST_SPOT_PRICE, _LAST_SPOT_PRICE)
    _reject(path, parsed, ~timely, "timestamp", "write it like 2021-03-02T01:39:04.000Z, later than 2009-12")
    usable = pl.col("usd").is_finite() & pl.col("usd").is_between(_LEAST_USD, _MOST_USD)
    _reject(path, parsed, ~usable, "price", f"USD per hour from {_LEAST_USD:g} to {_MOST_USD:g}")
    kind = r"^[a-z0-9\-]+\.[a-z0-9\-]+$"
    _reject(path, parsed, ~pl.col("instance_type").str.contains(kind), "instance_type", "write it like c5.large")
    _reject(
        path, parsed, ~pl.col("region").str.contains(r"^[a-z]{2}(-[a-z]+)+-\d+$"), "region", "write it like us-east-1"
    )
    zone = pl.col("az").str.strip_prefix(pl.col("region"))
    named = (zone != pl.col("az")) & zone.str.contains(r"^([a-z]|(-[a-z0-9]+)+)$")  # the latter: local zones
    within = named | pl.col("az").str.contains(_ZONE_ID.pattern)
    _reject(path, parsed, ~within, "az", "name a zone of the row's region, like us-east-1a, or its id, like use1-az2")
    return parsed


def _check_zones(path: Path, zones: Mapping[str, str]) -> None:
    ids = [zone for zone in zones if _ZONE_ID.match(zone)]
    if ids and len(ids) != len(zones):
        named = next(zone for zone in zones if zone not in ids)
        raise InvalidInputError(
            f"{path}: zone ids ({ids[0]}) and zone names ({named}) are mixed; they cannot be matched, use one kind"
        )


def read_price_log(path: Path | str) -> PriceLog:
    """Read and check a log; InvalidInputError names file and line. Of two rows for one instant, the last counts."""
    path = Path(path)
    rows = _checked(path, _table(path))
    linux = rows.filter(pl.col("os").is_in(LINUX))
    if linux.is_empty():
        raise InvalidInputError(f"{path}: no row of os {LINUX[0]!r}; only Linux prices are used")
    unique = linux.unique(["az", "instance_type", "at"], keep="last", maintain_order=True)
    groups = unique.sort("at", maintain_order=True).group_by(["instance_type", "az"], maintain_order=True)
    grouped = groups.agg(pl.col("at"), pl.col("usd"), pl.col("region").first()).sort("instance_type", "az")
    zones = dict(zip(grouped["az"].to_list(), grouped["region"].to_list(), strict=True))
    _check_zones(path, zones)
    return PriceLog(
        series={(kind, zone): list(zip(at, usd, strict=True)) for kind, zone, at, usd, _ in grouped.iter_rows()},
        regions=tuple(sorted(set(zones.values()))),
        start=float(unique["at"].min()),  # type: ignore[arg-type]  # polars types min() over all column kinds
        end=float(unique["at"].max()),  # type: ignore[arg-type]  # as above
        rows=rows.height,
        dropped=rows.height - linux.height,
        duplicates=linux.height - unique.height,
        region_of_zone=zones,
    )
