"""Takes the measurements of 2019 over from a dump of that database: ``cloudpits import-legacy DUMP``.

The dump is read, not executed: whatever else stands in it has no effect. Its rows go into temporary tables of the
same types and from there into the six tables, where they find rows that are there already; importing a dump again
therefore adds nothing, and a later dump of the same database adds what is new.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql.connection import Database
from cloudpits.adapters.mysql.legacy_dump import Dump, read_dump
from cloudpits.adapters.mysql.legacy_merge import merge
from cloudpits.adapters.mysql.legacy_tables import TABLES, check_references
from cloudpits.adapters.mysql.migrations import migrate, repository_migrations
from cloudpits.domain.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Imported:
    """How many rows of a table the dump holds, and how many of them were new."""

    table: str
    read: int
    added: int


def import_legacy(database: Database, path: Path) -> Sequence[Imported]:
    """Import a dump (plain or .gz), all of it or nothing; counts per table. Missing tables are created first.

    InvalidInputError names the file and line of the first thing that is wrong; StorageError if the database refuses.
    """
    dump = read_dump(str(path), _text(path))
    check_references(dump.source, dump.rows)
    if not any(dump.rows.values()):
        raise InvalidInputError(f"{path}: no row of {', '.join(TABLES)}; make the dump with mysqldump experimentos")
    if directory := repository_migrations():
        migrate(database, directory)
    added = database.transaction(lambda cursor: _load(cursor, dump))
    return tuple(Imported(name, len(dump.rows[name]), added[name]) for name in TABLES)


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except FileNotFoundError:
        raise InvalidInputError(f"{path}: no such file; make one with mysqldump experimentos > {path}") from None
    except (OSError, EOFError) as error:
        raise InvalidInputError(f"{path}: cannot be read: {error}") from None
    # PowerShell's ">" writes UTF-16, and says so in the first two bytes.
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InvalidInputError(f"{path}:{line}: not UTF-8 text; dump with --default-character-set=utf8mb4") from None


def _load(cursor: DictCursor, dump: Dump) -> dict[str, int]:
    for name, table in TABLES.items():
        columns = ", ".join(f"`{column}`" for column in table.columns)
        places = ", ".join(["%s"] * len(table.columns))
        cursor.execute(f"DROP TEMPORARY TABLE IF EXISTS dump_{name}")
        cursor.execute(f"CREATE TEMPORARY TABLE dump_{name} LIKE `{name}`")
        cursor.executemany(
            f"INSERT INTO dump_{name} ({columns}) VALUES ({places})",  # noqa: S608  names are constants of ours
            [tuple(row.values.values()) for row in dump.rows[name]],
        )
    return merge(cursor)
