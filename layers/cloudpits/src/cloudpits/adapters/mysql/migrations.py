"""Brings the schema up to date from plain SQL files ``NNNN_what.sql``, each applied once and in order.

MySQL commits at every DDL statement, so a file cannot be applied as a whole or not at all. Instead every statement is
one that may run twice (``IF NOT EXISTS``): a migration killed half way is simply run again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymysql
from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql.address import Address
from cloudpits.adapters.mysql.connection import Database
from cloudpits.adapters.mysql.failures import storage_error
from cloudpits.domain.errors import InvalidInputError, StorageError

LOCK_TIMEOUT_S = 60
_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
_COMMENT = re.compile(r"--[ \t].*$", re.MULTILINE)
_LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migration (
  name       VARCHAR(128) NOT NULL,
  checksum   CHAR(64) NOT NULL,  -- SHA-256 of the file, line ends as LF
  applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (name)
) ENGINE=InnoDB DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its name, which orders it, and its text."""

    name: str
    text: str

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def statements(self) -> Sequence[str]:
        """The SQL statements, comments removed. A semicolon at the end of a line ends a statement."""
        bare = _COMMENT.sub("", self.text)
        return [statement.strip() for statement in re.split(r";[ \t]*$", bare, flags=re.MULTILINE) if statement.strip()]


def repository_migrations() -> Path | None:
    """``databases/migrations`` of the repository that we stand in or are installed from; None outside of one."""
    places = (Path("databases/migrations"), Path(__file__).parents[6] / "databases" / "migrations")
    return next((place for place in places if place.is_dir()), None)


def read_migrations(directory: Path) -> Sequence[Migration]:
    """The migrations in ``directory``, in order; InvalidInputError for a name or number that cannot be ordered."""
    paths = sorted(directory.glob("*.sql"))
    if not paths:
        raise InvalidInputError(f"{directory}: holds no migrations (NNNN_what.sql); name databases/migrations")
    for earlier, later in zip([None, *paths], paths, strict=False):
        if not _NAME.fullmatch(later.name):
            raise InvalidInputError(f"{later}: a migration is named NNNN_what.sql (digits, then a-z, 0-9 and _)")
        if earlier and earlier.name[:4] == later.name[:4]:
            raise InvalidInputError(f"{later}: has the same number as {earlier.name}; take the next free one")
    # Universal newlines: a checkout on Windows has the same checksum.
    return [Migration(path.name, path.read_text(encoding="utf-8")) for path in paths]


def migrate(database: Database, directory: Path) -> list[str]:
    """Apply what is missing and return its names, oldest first; [] when the schema is up to date.

    Only one migration runs at a time; others wait up to a minute. StorageError if a file that was applied has
    changed or is gone, or if the server refuses a statement (named by its file).
    """
    migrations = read_migrations(directory)

    def work(cursor: DictCursor) -> list[str]:
        _take_lock(cursor)
        try:
            return _apply_missing(cursor, migrations, database.address)
        finally:
            cursor.execute("SELECT RELEASE_LOCK(CONCAT('cloudpits.', MD5(DATABASE())))")

    # Not repeated on another connection: the lock belongs to this one.
    return database.transaction(work, repeat=False)


def _take_lock(cursor: DictCursor) -> None:
    cursor.execute("SELECT GET_LOCK(CONCAT('cloudpits.', MD5(DATABASE())), %s) AS taken", (LOCK_TIMEOUT_S,))
    row = cursor.fetchone()
    if not row or row["taken"] != 1:
        raise StorageError("another migration of this database is running; wait for its end, then try again")


def _apply_missing(cursor: DictCursor, migrations: Sequence[Migration], address: Address) -> list[str]:
    cursor.execute(_LEDGER)
    cursor.execute("SELECT name, checksum FROM schema_migration ORDER BY name")
    applied = {str(row["name"]): str(row["checksum"]) for row in cursor.fetchall()}
    missing = _missing(migrations, applied)
    for migration in missing:
        try:
            _apply(cursor, migration)
        except pymysql.MySQLError as error:
            raise StorageError(f"{migration.name}: {storage_error(error, address)}") from None
    return [migration.name for migration in missing]


def _apply(cursor: DictCursor, migration: Migration) -> None:
    for statement in migration.statements:
        cursor.execute(statement)
    cursor.execute(
        "INSERT INTO schema_migration (name, checksum) VALUES (%s, %s)", (migration.name, migration.checksum)
    )
    cursor.connection.commit()


def _missing(migrations: Iterable[Migration], applied: Mapping[str, str]) -> Sequence[Migration]:
    """What is still to be applied; StorageError when the files and the database's history do not fit together."""
    by_name = {migration.name: migration for migration in migrations}
    for name, checksum in applied.items():
        if name not in by_name:
            raise StorageError(f"the database has migration {name}, which this CloudPITS lacks; update CloudPITS")
        if by_name[name].checksum != checksum:
            raise StorageError(f"{name} was changed after it was applied; restore it and add a new migration instead")
    newest = max(applied, default="")
    missing = [migration for migration in by_name.values() if migration.name not in applied]
    if late := [migration.name for migration in missing if migration.name < newest]:
        raise StorageError(f"{late[0]} is older than {newest}, which was applied already; give it the next free number")
    return missing
