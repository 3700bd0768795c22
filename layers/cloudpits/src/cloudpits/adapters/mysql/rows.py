"""Statements and values that several tables share: pools, JSON, and inserts that update what is there already."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cloudpits.domain.errors import StorageError
from cloudpits.domain.model import Market, Pool

Row = Mapping[str, Any]


def insert_or_update(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """An INSERT that overwrites the row with the same ``key``. Names are ours; every value is a placeholder."""
    values = ", ".join(["%s"] * len(columns))
    # VALUES(column) is what MySQL and MariaDB both understand; MySQL's row alias is unknown to MariaDB.
    updates = ", ".join(f"{column} = VALUES({column})" for column in columns if column not in key)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}) "  # noqa: S608  names are constants of ours
        f"ON DUPLICATE KEY UPDATE {updates}"
    )


def pool_of(row: Row) -> Pool:
    """The pool in the columns ``instance_type``, ``availability_zone`` and ``market``."""
    return Pool(row["instance_type"], row["availability_zone"], Market(row["market"]))


def pool_values(pool: Pool | None) -> tuple[str | None, str | None, str | None]:
    """The values of those columns."""
    return (None, None, None) if pool is None else (pool.instance_type, pool.availability_zone, pool.market.value)


def to_json(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """JSON text; StorageError if the value has no JSON form (NaN included)."""
    try:
        return json.dumps(value, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise StorageError(f"not storable as JSON: {error}") from None


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):  # a read-only view, which json does not take for a dict
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
