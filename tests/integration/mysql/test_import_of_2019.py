"""Importing a dump of the 2019 database into a real server. All figures are synthetic."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudpits.adapters.mysql.address import Address
from cloudpits.adapters.mysql.connection import Database
from cloudpits.adapters.mysql.history import history, use_measurements_of_2019
from cloudpits.adapters.mysql.import_legacy import Imported, import_legacy
from cloudpits.adapters.mysql.migrations import migrate
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import RateSample
from tests.waiting import PATIENCE_S

MIGRATIONS = Path(__file__).parents[3] / "databases" / "migrations"
SYNTHETIC = Path(__file__).with_name("synthetic_dump_of_2019.sql")
NOTHING = {"data": 0, "instance": 0, "parameters": 0, "experiment": 0, "interpols": 0, "interpsec": 0}


@pytest.fixture
def own_database(empty_database: Address) -> Iterator[Database]:
    """A migrated database that the test may change the tables of."""
    with Database(empty_database) as opened:
        migrate(opened, MIGRATIONS)
        yield opened


def rows(database: Database, query: str, *values: object) -> list[dict[str, Any]]:
    def work(cursor: Any) -> list[dict[str, Any]]:
        cursor.execute(query, values)
        return list(cursor.fetchall())

    return database.transaction(work)


def added(imported: Any) -> dict[str, int]:
    return {each.table: each.added for each in imported}


def content(database: Database) -> list[dict[str, Any]]:
    """Everything that was measured, without keys."""
    return rows(
        database,
        "SELECT d.name, d.hash, p.aph, p.apm, p.`window`, p.np, p.gens, e.instance_name, m.interpsec, m.creationDate "
        "FROM interpsec m JOIN experiment e ON e.idperformance = m.experiment_idperformance "
        "JOIN data d ON d.iddata = e.data_iddata "
        "JOIN parameters p ON p.idparameters = e.parameters_idparameters "
        "ORDER BY d.name, e.instance_name, m.creationDate, m.interpsec",
    )


def test_all_rows_arrive_under_their_own_keys_in_an_empty_database(database: Database) -> None:
    assert list(import_legacy(database, SYNTHETIC)) == [
        Imported("data", 2, 2),
        Imported("instance", 3, 3),
        Imported("parameters", 2, 2),
        Imported("experiment", 3, 3),
        Imported("interpols", 3, 3),
        Imported("interpsec", 7, 7),
    ]
    assert rows(database, "SELECT * FROM data ORDER BY iddata") == [
        {"iddata": 11, "name": "synthetic-land", "hash": "0123456789abcdef0123456789abcdef"},
        {"iddata": 12, "name": 'it\'s; (tricky), \\ "sea"', "hash": None},
    ]
    (first, *_) = rows(database, "SELECT idinterpsec FROM interpsec WHERE idinterpsec >= 40001 ORDER BY 1")
    assert first == {"idinterpsec": 40001}
    assert rows(database, "SELECT `datetime` FROM interpols WHERE idinterpols = 63") == [{"datetime": None}]


def test_an_empty_database_gets_its_tables_first(empty_database: Address) -> None:
    with Database(empty_database) as empty:
        assert added(import_legacy(empty, SYNTHETIC))["interpsec"] == 7


def test_importing_again_adds_nothing(database: Database) -> None:
    import_legacy(database, SYNTHETIC)
    before = content(database)
    assert added(import_legacy(database, SYNTHETIC)) == NOTHING
    assert content(database) == before


def test_a_later_dump_adds_what_is_new(database: Database, tmp_path: Path) -> None:
    import_legacy(database, SYNTHETIC)
    later = tmp_path / "later.sql"
    later.write_text(
        SYNTHETIC.read_text(encoding="utf-8").replace(
            "(40007,0.0123,5003,'2019-05-31 10:00:00');",
            "(40007,0.0123,5003,'2019-05-31 10:00:00'),(40008,0.0123,5003,'2019-05-31 10:00:00');",
        ),
        encoding="utf-8",
    )
    assert added(import_legacy(database, later)) == NOTHING | {"interpsec": 1}


def test_rows_of_another_database_get_new_keys(database: Database, tmp_path: Path) -> None:
    import_legacy(database, SYNTHETIC)
    other = tmp_path / "other.sql"
    other.write_text(
        SYNTHETIC.read_text(encoding="utf-8").replace("synthetic-land", "another-land").replace("0.016", "0.064"),
        encoding="utf-8",
    )
    assert added(import_legacy(database, other)) == {
        "data": 1, "instance": 0, "parameters": 1, "experiment": 2, "interpols": 2, "interpsec": 6,
    }  # fmt: skip
    measured = [row for row in content(database) if row["name"] == "another-land"]
    assert [(row["instance_name"], row["interpsec"]) for row in measured if row["interpsec"]] == [
        ("c5.large", 1.5),
        ("c5.large", 2.5),
        ("c5.large", 2.5),
        ("m5.xlarge", 3.7),
    ]
    assert {row["window"] for row in measured} == {0.064}


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--skip-extended-insert",),
        ("--complete-insert", "--no-create-info"),
        ("--compact", "--skip-quote-names"),
        ("--replace", "--hex-blob", "--order-by-primary"),
        ("--insert-ignore", "--skip-add-locks", "--skip-comments"),
    ],
    ids=" ".join,
)
def test_whatever_options_it_was_dumped_with(database: Database, tmp_path: Path, options: tuple[str, ...]) -> None:
    tool = shutil.which("mariadb-dump") or shutil.which("mysqldump")
    if tool is None:
        pytest.skip("no dump tool on this machine")
    import_legacy(database, SYNTHETIC)
    before = content(database)
    at = database.address
    login = [f"--host={at.host}", f"--port={at.port}", f"--user={at.user}"]
    command = [tool, "--no-defaults", *login, *options, at.database, *NOTHING]
    dumped = tmp_path / "dumped.sql"
    with dumped.open("wb") as file:
        subprocess.run(command, check=True, stdout=file, env={"MYSQL_PWD": at.password}, timeout=PATIENCE_S)
    database.transaction(
        lambda cursor: [cursor.execute(f"DELETE FROM `{table}`") for table in reversed(NOTHING)]  # noqa: S608  # constants
    )
    assert added(import_legacy(database, dumped)) == {
        "data": 2, "instance": 3, "parameters": 2, "experiment": 3, "interpols": 3, "interpsec": 7,
    }  # fmt: skip
    assert content(database) == before


def test_a_compressed_dump_is_read(database: Database, tmp_path: Path) -> None:
    packed = tmp_path / "dump.sql.gz"
    packed.write_bytes(gzip.compress(SYNTHETIC.read_bytes()))
    assert added(import_legacy(database, packed))["interpsec"] == 7


def test_a_dump_from_powershell_is_read(database: Database, tmp_path: Path) -> None:
    redirected = tmp_path / "dump.sql"
    redirected.write_bytes(SYNTHETIC.read_text(encoding="utf-8").replace("\n", "\r\n").encode("utf-16"))
    assert added(import_legacy(database, redirected))["interpsec"] == 7


def test_nothing_in_a_dump_is_executed(database: Database, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.sql"
    statements = (
        "DROP TABLE run;",
        "\\! touch /tmp/pwned",
        ";DELETE FROM schema_migration;",
        "INSERT INTO `run` VALUES (1);",
        "USE mysql;",
        "INSERT INTO `data` VALUES (77,'of another database',NULL);",
        "INSERT INTO `mysql`.`user` VALUES ('x');",
    )
    hostile.write_text("\n".join([SYNTHETIC.read_text(encoding="utf-8"), *statements]), encoding="utf-8")
    import_legacy(database, hostile)
    assert rows(database, "SELECT COUNT(*) AS n FROM run") == [{"n": 0}]
    assert rows(database, "SELECT COUNT(*) AS n FROM schema_migration") == [{"n": 3}]
    assert rows(database, "SELECT COUNT(*) AS n FROM data") == [{"n": 2}]


def test_a_bad_row_is_named_and_nothing_is_imported(database: Database, tmp_path: Path) -> None:
    bad = tmp_path / "bad.sql"
    bad.write_text(
        SYNTHETIC.read_text(encoding="utf-8").replace("(40006,3.7e0,5002", "(40006,'fast',5002"), encoding="utf-8"
    )
    line = next(n for n, text in enumerate(bad.read_text(encoding="utf-8").splitlines(), 1) if "'fast'" in text)
    with pytest.raises(InvalidInputError) as caught:
        import_legacy(database, bad)
    assert str(caught.value) == f"{bad}:{line}: interpsec.interpsec is 'fast'; expected NULL or a number"
    assert content(database) == []


def test_measurements_of_2019_become_history_of_a_program(database: Database) -> None:
    import_legacy(database, SYNTHETIC)
    rates = use_measurements_of_2019(database, "digest", "seismic", parameters_id=41, data_id=11)
    # c5.large: 1.5, 2.5, 2.5; the zero and the NULL are no measurements
    assert [(sample.instance_type, sample.samples) for sample in rates] == [("c5.large", 3), ("m5.xlarge", 1)]
    assert rates[0].mean == pytest.approx(6.5 / 3)
    assert rates[0].stdev == pytest.approx((2 / 9) ** 0.5)
    assert rates[1] == RateSample("m5.xlarge", pytest.approx(3.7), 0.0, 1)


def test_measurements_that_do_not_exist_are_refused_with_those_that_do(database: Database) -> None:
    with pytest.raises(InvalidInputError, match="import a dump first"):
        use_measurements_of_2019(database, "digest", "seismic", parameters_id=41, data_id=11)
    import_legacy(database, SYNTHETIC)
    with pytest.raises(InvalidInputError, match="there are: 41/11, 42/12"):
        use_measurements_of_2019(database, "digest", "seismic", parameters_id=41, data_id=12)


def test_history_shows_them_and_who_uses_them(database: Database) -> None:
    import_legacy(database, SYNTHETIC)
    use_measurements_of_2019(database, "digest", "seismic", parameters_id=41, data_id=11)
    land, sea = history(database).of_2019
    assert (land.data_name, land.tasks, land.used_by) == ("synthetic-land", 1100.0, ("digest",))
    assert land.parameters == {
        "aph": pytest.approx(0.1), "apm": 200.0, "window": 0.016, "np": 30.0, "gens": 50.0,
    }  # fmt: skip
    assert (sea.parameters_id, sea.data_id, sea.used_by) == (42, 12, ())
    assert [sample.instance_type for sample in sea.rates] == ["c5.large"]


def test_a_dump_restored_by_the_servers_own_client_is_used_too(own_database: Database) -> None:
    tool = shutil.which("mariadb") or shutil.which("mysql")
    if tool is None:
        pytest.skip("no client on this machine")
    at = own_database.address
    command = [tool, "--no-defaults", f"--host={at.host}", f"--port={at.port}", f"--user={at.user}", at.database]
    restore = SYNTHETIC.read_text(encoding="utf-8").partition("DELIMITER")[0].replace("'0000-00-00 00:00:00'", "NULL")
    subprocess.run(command, check=True, input=restore.encode(), env={"MYSQL_PWD": at.password}, timeout=PATIENCE_S)
    rates = use_measurements_of_2019(own_database, "digest", "seismic", parameters_id=42, data_id=12)
    assert [sample.instance_type for sample in rates] == ["c5.large"]
