"""The six tables of 2019: their columns, what a value of each may be, and how the rows of a dump are checked."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from cloudpits.adapters.mysql.sql_tokens import Token
from cloudpits.domain.errors import InvalidInputError

LARGEST_INT = 2**31 - 1
LARGEST_FLOAT = 3.4028234e38
LONGEST_TEXT = 45
NO_DATE = "0000-00-00"

Value = int | float | str | None


def _key(text: str) -> int:
    value = int(text)
    if not 1 <= value <= LARGEST_INT:
        raise ValueError(text)
    return value


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or abs(value) > LARGEST_FLOAT:
        raise ValueError(text)
    return value


def _text(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(text)
    return text


def _time(text: str) -> str | None:
    """The date as written; the server's "no date" becomes NULL, which today's servers take instead."""
    if text.startswith(NO_DATE):
        return None
    datetime.fromisoformat(text)  # a plain check: the text has no zone, and is stored as it stands
    return text


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column accepts, in words and as a function that raises ValueError for the rest."""

    parse: Callable[[str], Value]
    accepts: str
    required: bool = False


KEY = Kind(_key, f"a whole number from 1 to {LARGEST_INT}", required=True)
NAME = Kind(_text, f"text of at most {LONGEST_TEXT} characters", required=True)
TEXT = Kind(_text, f"NULL or text of at most {LONGEST_TEXT} characters")
NUMBER = Kind(_number, "NULL or a number")
TIME = Kind(_time, "NULL or a date and time such as '2019-05-31 10:00:00'")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns in order, the first being the key, and which column refers to which table."""

    name: str
    columns: Mapping[str, Kind]
    references: Mapping[str, str]

    @property
    def columns_in_order(self) -> tuple[str, ...]:
        return tuple(self.columns)

    @property
    def key(self) -> str:
        return self.columns_in_order[0]


class Row(NamedTuple):
    """A checked row: the line it stands on in the dump, and a value for every column of its table."""

    line: int
    values: Mapping[str, Value]


_OF_DATA_WITH_PARAMETERS = {"parameters_idparameters": "parameters", "data_iddata": "data"}

# In an order in which every row finds those that it refers to.
TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table("data", {"iddata": KEY, "name": TEXT, "hash": TEXT}, {}),
        Table("instance", {"name": NAME}, {}),
        Table(
            "parameters",
            {"idparameters": KEY, "aph": NUMBER, "apm": NUMBER, "window": NUMBER, "np": NUMBER, "gens": NUMBER},
            {},
        ),
        Table(
            "experiment",
            {"idperformance": KEY, "data_iddata": KEY, "parameters_idparameters": KEY, "instance_name": NAME},
            _OF_DATA_WITH_PARAMETERS,
        ),
        Table(
            "interpols",
            {
                "idinterpols": KEY,
                "parameters_idparameters": KEY,
                "data_iddata": KEY,
                "interpols": NUMBER,
                "datetime": TIME,
            },
            _OF_DATA_WITH_PARAMETERS,
        ),
        Table(
            "interpsec",
            {"idinterpsec": KEY, "interpsec": NUMBER, "experiment_idperformance": KEY, "creationDate": TIME},
            {"experiment_idperformance": "experiment"},
        ),
    )
}


def check_row(place: str, line: int, table: Table, columns: Sequence[str], words: Sequence[Token]) -> Row:
    """The row that ``words`` spell in the order of ``columns``; InvalidInputError names place, column and remedy.

    Columns that the table of 2019 did not have are left out; optional ones that the dump lacks are NULL.
    """
    if len(words) != len(columns):
        raise InvalidInputError(
            f"{place}: {table.name}: {len(words)} values for {len(columns)} columns; repair the row"
        )
    given = dict(zip(columns, words, strict=True))
    return Row(line, {name: _value(place, table, name, kind, given.get(name)) for name, kind in table.columns.items()})


def _value(place: str, table: Table, column: str, kind: Kind, word: Token | None) -> Value:
    if word is None or word.is_word("NULL"):
        if not kind.required:
            return None
        raise InvalidInputError(f"{place}: {table.name}.{column} is missing; expected {kind.accepts}")
    with contextlib.suppress(ValueError):
        if word.kind in ("string", "number"):
            return kind.parse(word.value)
    raise InvalidInputError(f"{place}: {table.name}.{column} is {word.text[:60]}; expected {kind.accepts}")


def check_references(source: str, rows: Mapping[str, Sequence[Row]]) -> None:
    """InvalidInputError for the first row whose key stands twice or that refers to a row which is not there."""
    keys = {name: _keys(source, table, rows[name]) for name, table in TABLES.items()}
    for name, table in TABLES.items():
        for column, target in table.references.items():
            for row in rows[name]:
                if row.values[column] not in keys[target]:
                    raise InvalidInputError(
                        f"{source}:{row.line}: {name}.{column} is {row.values[column]}, which {target} lacks; "
                        f"dump all six tables together"
                    )


def _keys(source: str, table: Table, rows: Iterable[Row]) -> set[Value]:
    seen: set[Value] = set()
    for row in rows:
        key = row.values[table.key]
        if key in seen:
            raise InvalidInputError(f"{source}:{row.line}: {table.name}.{table.key} {key} stands twice; remove one row")
        seen.add(key)
    return seen
