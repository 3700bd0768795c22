"""Migrating a real database: from nothing, again, after a kill, and never over a changed history."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudpits.adapters.mysql.address import Address
from cloudpits.adapters.mysql.connection import Database
from cloudpits.adapters.mysql.migrations import migrate, read_migrations
from cloudpits.adapters.mysql.schema import dump_schema
from cloudpits.domain.errors import StorageError

DATABASES = Path(__file__).parents[3] / "databases"
ALL = sorted(path.name for path in (DATABASES / "migrations").glob("*.sql"))
ORIGINAL = {
    "data": ["iddata", "name", "hash"],
    "instance": ["name"],
    "parameters": ["idparameters", "aph", "apm", "window", "np", "gens"],
    "experiment": ["idperformance", "data_iddata", "parameters_idparameters", "instance_name"],
    "interpols": ["idinterpols", "parameters_idparameters", "data_iddata", "interpols", "datetime"],
    "interpsec": ["idinterpsec", "interpsec", "experiment_idperformance", "creationDate"],
}


@pytest.fixture
def empty(empty_database: Address) -> Iterator[Database]:
    with Database(empty_database) as opened:
        yield opened


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the migrations that a test may change."""
    return Path(shutil.copytree(DATABASES / "migrations", tmp_path / "migrations"))


def rows(database: Database, query: str) -> list[dict[str, Any]]:
    def work(cursor: Any) -> list[dict[str, Any]]:
        cursor.execute(query)
        return list(cursor.fetchall())

    return database.transaction(work)


def test_from_nothing_to_the_schema_in_the_repository(empty: Database) -> None:
    version = rows(empty, "SELECT VERSION() AS v")[0]["v"]
    if not version.startswith("10.11.") or "MariaDB" not in version:
        pytest.skip(f"schema.sql is MariaDB 10.11's description; this is {version}")
    assert migrate(empty, DATABASES / "migrations") == ALL
    assert dump_schema(empty) == (DATABASES / "schema.sql").read_text(encoding="utf-8"), (
        "renew it: python -m cloudpits.adapters.mysql.schema URL > databases/schema.sql"
    )


def test_the_tables_of_2019_have_exactly_their_columns(empty: Database) -> None:
    migrate(empty, DATABASES / "migrations")
    for table, columns in ORIGINAL.items():
        assert [row["Field"] for row in rows(empty, f"SHOW COLUMNS FROM `{table}`")] == columns


def test_migrating_again_changes_nothing(empty: Database) -> None:
    migrate(empty, DATABASES / "migrations")
    before = rows(empty, "SELECT * FROM schema_migration")
    assert migrate(empty, DATABASES / "migrations") == []
    assert rows(empty, "SELECT * FROM schema_migration") == before


@pytest.mark.parametrize("name", ALL)
def test_a_migration_killed_after_any_statement_is_simply_run_again(empty: Database, name: str) -> None:
    migrations = {migration.name: migration for migration in read_migrations(DATABASES / "migrations")}
    for statement in [s for earlier in ALL[: ALL.index(name)] for s in migrations[earlier].statements]:
        empty.transaction(lambda cursor, s=statement: cursor.execute(s))  # type: ignore[misc]  # bound now, not later
    for statement in migrations[name].statements[:-1]:
        empty.transaction(lambda cursor, s=statement: cursor.execute(s))  # type: ignore[misc]  # as above
    assert migrate(empty, DATABASES / "migrations") == ALL


def test_a_new_migration_alone_is_applied(empty: Database, directory: Path) -> None:
    migrate(empty, directory)
    (directory / "9000_more.sql").write_text(
        "CREATE TABLE IF NOT EXISTS more (id INT); -- one\nINSERT INTO more VALUES (7);\n", encoding="utf-8"
    )
    assert migrate(empty, directory) == ["9000_more.sql"]
    assert rows(empty, "SELECT id FROM more") == [{"id": 7}]


def test_an_applied_file_must_not_change(empty: Database, directory: Path) -> None:
    migrate(empty, directory)
    with (directory / ALL[0]).open("a", encoding="utf-8") as file:
        file.write("-- an afterthought\n")
    with pytest.raises(StorageError, match=f"^{ALL[0]} was changed after it was applied; .*new migration"):
        migrate(empty, directory)


def test_line_ends_of_windows_are_no_change(empty: Database, directory: Path) -> None:
    migrate(empty, directory)
    for path in directory.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(empty, directory) == []


def test_a_database_ahead_of_the_program_is_left_alone(empty: Database, directory: Path) -> None:
    migrate(empty, directory)
    (directory / ALL[-1]).unlink()
    with pytest.raises(StorageError, match=f"the database has migration {ALL[-1]}.*; update CloudPITS"):
        migrate(empty, directory)


def test_a_number_cannot_be_squeezed_in_later(empty: Database, directory: Path) -> None:
    migrate(empty, directory)
    (directory / "0000_late.sql").write_text("SELECT 1;\n", encoding="utf-8")
    with pytest.raises(StorageError, match=r"^0000_late\.sql is older than"):
        migrate(empty, directory)


def test_a_statement_that_fails_is_named_by_its_file_and_can_be_repaired(empty: Database, directory: Path) -> None:
    broken = directory / "9000_broken.sql"
    broken.write_text(
        "CREATE TABLE IF NOT EXISTS half (id INT);\nINSERT INTO half VALUE ('not a number');\n", encoding="utf-8"
    )
    with pytest.raises(StorageError, match=r"^9000_broken.sql: database .* refused: .*not a number"):
        migrate(empty, directory)
    assert [row["name"] for row in rows(empty, "SELECT name FROM schema_migration")] == ALL
    broken.write_text("CREATE TABLE IF NOT EXISTS half (id INT);\n", encoding="utf-8")
    assert migrate(empty, directory) == ["9000_broken.sql"]


def test_two_at_a_time_apply_everything_once(empty_database: Address) -> None:
    applied: list[list[str]] = []

    def one() -> None:
        with Database(empty_database) as database:
            applied.append(migrate(database, DATABASES / "migrations"))

    both = [threading.Thread(target=one) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(applied) == [[], ALL]


def test_one_that_hangs_is_not_waited_for_forever(empty: Database, empty_database: Address) -> None:
    with Database(empty_database) as other, pytest.MonkeyPatch.context() as patch:
        other.transaction(lambda cursor: cursor.execute("SELECT GET_LOCK(CONCAT('cloudpits.', MD5(DATABASE())), 0)"))
        patch.setattr("cloudpits.adapters.mysql.migrations.LOCK_TIMEOUT_S", 0)
        with pytest.raises(StorageError, match="another migration of this database is running"):
            migrate(empty, DATABASES / "migrations")
