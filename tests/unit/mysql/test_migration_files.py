"""How migration files are named, ordered and cut into statements."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudpits.adapters.mysql.migrations import Migration, read_migrations, repository_migrations
from cloudpits.domain.errors import InvalidInputError

REPOSITORY = Path(__file__).parents[3]


def test_files_are_ordered_by_number(tmp_path: Path) -> None:
    for name in ("0010_c.sql", "0002_b.sql", "0001_a.sql"):
        (tmp_path / name).write_text("SELECT 1;", encoding="utf-8")
    (tmp_path / "README.md").write_text("not a migration", encoding="utf-8")
    assert [migration.name for migration in read_migrations(tmp_path)] == ["0001_a.sql", "0002_b.sql", "0010_c.sql"]


@pytest.mark.parametrize("name", ["1_a.sql", "0001-a.sql", "0001_A.sql", "0001_.sql", "later.sql"])
def test_a_name_that_cannot_be_ordered_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("SELECT 1;", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=f"{name}: a migration is named NNNN_what.sql"):
        read_migrations(tmp_path)


def test_a_number_stands_for_one_file(tmp_path: Path) -> None:
    for name in ("0001_a.sql", "0001_b.sql"):
        (tmp_path / name).write_text("SELECT 1;", encoding="utf-8")
    with pytest.raises(InvalidInputError, match=r"0001_b\.sql: has the same number as 0001_a\.sql"):
        read_migrations(tmp_path)


def test_a_folder_without_migrations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="holds no migrations"):
        read_migrations(tmp_path)


def test_statements_end_at_a_semicolon_at_the_end_of_a_line() -> None:
    text = (
        "-- about; it\nCREATE TABLE a (  -- one; two\n  b VARCHAR(9) DEFAULT ';-',\n  c INT\n);\n\nSELECT 1; \n-- end\n"
    )
    assert Migration("0001_a.sql", text).statements == [
        "CREATE TABLE a (  \n  b VARCHAR(9) DEFAULT ';-',\n  c INT\n)",
        "SELECT 1",
    ]


def test_the_repositorys_own_statements_may_all_run_twice() -> None:
    directory = repository_migrations()
    assert directory is not None
    assert directory.resolve() == REPOSITORY / "databases" / "migrations"
    statements = [s for migration in read_migrations(directory) for s in migration.statements]
    assert statements
    assert [s for s in statements if not s.startswith("CREATE TABLE IF NOT EXISTS ")] == []
