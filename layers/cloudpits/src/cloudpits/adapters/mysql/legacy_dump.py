"""Rows of the six tables of 2019 in a dump made by mysqldump or mariadb-dump, whatever options it was made with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from cloudpits.adapters.mysql.legacy_tables import TABLES, Row, Table, check_row
from cloudpits.adapters.mysql.sql_tokens import Token, tokens
from cloudpits.domain.errors import InvalidInputError

DATABASE = "experimentos"
_NO_COLUMNS = ("PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "CONSTRAINT", "FOREIGN", "CHECK", "PERIOD")


@dataclass
class Dump:
    """Checked rows per table, each with the line it stands on."""

    source: str
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in TABLES})


def read_dump(source: str, text: str) -> Dump:
    """Read a whole dump. InvalidInputError names the line of what cannot be a row of its table.

    Statements about other tables and other databases are passed over, so that a dump of a whole server will do.
    """
    return _Reader(source).read(text)


class _Reader:
    def __init__(self, source: str) -> None:
        self._dump = Dump(source)
        self._columns = {name: table.columns_in_order for name, table in TABLES.items()}
        self._elsewhere = False  # inside another database of the same dump

    def read(self, text: str) -> Dump:
        for statement in _statements(self._dump.source, tokens(self._dump.source, text)):
            self._take(statement)
        return self._dump

    def _take(self, statement: Sequence[Token]) -> None:
        first = statement[0]
        if first.is_word("USE") and len(statement) > 1:
            self._elsewhere = statement[1].value != DATABASE
        elif first.is_word("INSERT", "REPLACE"):
            self._take_insert(_Cursor(self._dump.source, statement))
        elif first.is_word("CREATE") and len(statement) > 1 and statement[1].is_word("TABLE"):
            self._take_definition(_Cursor(self._dump.source, statement))

    def _take_definition(self, cursor: _Cursor) -> None:
        """Remember the order of columns: a dump without column names means this one."""
        cursor.skip_words()
        table = self._table(cursor)
        if table and cursor.accept("("):
            self._columns[table.name] = tuple(_defined_columns(cursor.rest()))

    def _take_insert(self, cursor: _Cursor) -> None:
        cursor.skip_words("INSERT", "REPLACE", "LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE", "INTO")
        table = self._table(cursor)
        if table is None:
            return
        columns = self._columns[table.name]
        if cursor.accept("("):
            columns = tuple(token.value for token in cursor.until_closed() if token.text != ",")
        if not cursor.accept_word("VALUES", "VALUE"):
            raise cursor.error(f"INSERT INTO {table.name} without VALUES; dump the tables with mysqldump")
        self._dump.rows[table.name].extend(self._rows(cursor, table, columns))

    def _rows(self, cursor: _Cursor, table: Table, columns: Sequence[str]) -> Iterator[Row]:
        while cursor.accept("("):
            line = cursor.line
            values = [token for token in cursor.until_closed() if token.text != ","]
            yield check_row(f"{self._dump.source}:{line}", line, table, columns, values)
            cursor.accept(",")
        if not cursor.at_end:
            raise cursor.error(f"{cursor.here!r} is not a row of {table.name}; dump the tables with mysqldump")

    def _table(self, cursor: _Cursor) -> Table | None:
        """The table named next, if it is one of the six; its database may stand before it."""
        name = cursor.next_value()
        elsewhere = self._elsewhere
        if cursor.accept("."):
            elsewhere = name != DATABASE
            name = cursor.next_value()
        return None if elsewhere else TABLES.get(name)


class _Cursor:
    """Where in a statement the reader is."""

    def __init__(self, source: str, statement: Sequence[Token]) -> None:
        self._source = source
        self._tokens = statement
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._tokens)

    @property
    def here(self) -> str:
        """The next token as written; empty at the end."""
        return "" if self.at_end else self._tokens[self._at].text

    @property
    def line(self) -> int:
        """The line of the token last taken."""
        return self._tokens[max(0, self._at - 1)].line

    def error(self, problem: str) -> InvalidInputError:
        return InvalidInputError(f"{self._source}:{self.line}: {problem}")

    def accept(self, mark: str) -> bool:
        found = self.here == mark
        self._at += found
        return found

    def accept_word(self, *words: str) -> bool:
        found = not self.at_end and self._tokens[self._at].is_word(*words)
        self._at += found
        return found

    def skip_words(self, *words: str) -> None:
        """Pass over these keywords; without any named, over those of CREATE TABLE."""
        while self.accept_word(*(words or ("CREATE", "TABLE", "IF", "NOT", "EXISTS"))):
            pass

    def next_value(self) -> str:
        if self.at_end:
            raise self.error("the statement ends too early; is the dump cut off?")
        self._at += 1
        return self._tokens[self._at - 1].value

    def until_closed(self) -> Iterator[Token]:
        """The tokens up to the closing bracket, which is taken too."""
        while not self.accept(")"):
            if self.at_end or self.here == "(":
                raise self.error("a row holds an expression or has no end; dump the tables with mysqldump")
            self._at += 1
            yield self._tokens[self._at - 1]

    def rest(self) -> Sequence[Token]:
        return self._tokens[self._at :]


def _statements(source: str, stream: Iterable[Token]) -> Iterator[Sequence[Token]]:
    statement: list[Token] = []
    for token in stream:
        if token.text != ";":
            statement.append(token)
        elif statement:
            yield statement
            statement = []
    if statement:
        raise InvalidInputError(f"{source}:{statement[-1].line}: the last statement has no end; is the dump cut off?")


def _defined_columns(definition: Sequence[Token]) -> Iterator[str]:
    """Names of the columns in what follows the opening bracket of CREATE TABLE."""
    depth, starts = 0, True
    for token in definition:
        if starts and not token.is_word(*_NO_COLUMNS):
            yield token.value
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth < 0:
            return
        starts = depth == 0 and token.text == ","
