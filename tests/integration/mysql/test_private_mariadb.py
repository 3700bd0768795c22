"""A private MariaDB: starts where nothing runs, keeps its data, and never outlives its starter."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pymysql
import pytest

from cloudpits.adapters.mysql.connection import connect
from cloudpits.domain.errors import StorageError
from cloudpits.local.database import PrivateMariaDb
from tests.waiting import running, until

NOTHING_NAMED: dict[str, str] = {}


@pytest.fixture
def server(tmp_path: Path) -> PrivateMariaDb:
    return PrivateMariaDb(tmp_path / "db", NOTHING_NAMED)


def test_data_survive_a_stop_and_a_new_start(server: PrivateMariaDb) -> None:
    with server, connect(server.url) as database:
        database.transaction(lambda cursor: cursor.execute("CREATE TABLE kept (word VARCHAR(8)) SELECT 'yes' AS word"))
    with server, connect(server.url) as database:
        database.transaction(lambda cursor: cursor.execute("SELECT word FROM kept"))
        pid = server.pid
        assert pid is not None
        assert running(pid)
    assert not running(pid)
    server.stop()  # once more is harmless


def test_it_ends_when_its_starter_is_killed(tmp_path: Path) -> None:
    script = (
        "import signal, sys; from pathlib import Path; from cloudpits.local.database import PrivateMariaDb\n"
        "server = PrivateMariaDb(Path(sys.argv[1]), {}); server.start(); print(server.pid, flush=True); signal.pause()"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert running(pid)
        starter.send_signal(signal.SIGKILL)
    until(lambda: not running(pid))


def test_the_password_is_needed_and_stays_with_its_owner(server: PrivateMariaDb) -> None:
    with server:
        with pytest.raises(pymysql.err.OperationalError, match="Access denied"):
            pymysql.connect(host="127.0.0.1", port=server.port, user="cloudpits", password="guess")  # noqa: S106  # a wrong one
        secret = Path(server.socket).with_name("password")
        assert secret.stat().st_mode & 0o077 == 0
        assert secret.read_text(encoding="utf-8") == server.password


def test_a_password_file_that_was_left_empty_is_filled(server: PrivateMariaDb) -> None:
    server.log.parent.mkdir()
    (server.log.parent / "password").touch()
    with server:
        assert len(server.password) >= 32


def test_a_deep_folder_gets_its_socket_elsewhere(tmp_path: Path) -> None:
    server = PrivateMariaDb(tmp_path / ("deep" * 25) / "db", NOTHING_NAMED)
    with server, connect(server.url) as database:
        database.open()
        elsewhere = server.socket.parent
        assert elsewhere.is_dir()
    assert not elsewhere.exists()


def test_its_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "mein Ordner für 'alles' * "
    with PrivateMariaDb(folder, NOTHING_NAMED) as server, connect(server.url) as database:
        database.transaction(lambda cursor: cursor.execute("CREATE TABLE kept (word VARCHAR(8))"))
    assert (folder / "data" / "experimentos" / "kept.frm").exists()


def test_a_server_named_in_the_environment_is_used_instead(tmp_path: Path) -> None:
    named = "mysql://someone:secret@db.example:3306/experimentos"
    with PrivateMariaDb(tmp_path / "db", {"CLOUDPITS_DATABASE_URL": named}) as server:
        assert server.url == named
        assert server.pid is None
    assert not (tmp_path / "db").exists()


def test_without_mariadb_one_line_says_what_to_do(server: PrivateMariaDb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_args, **_kwargs: None)
    with pytest.raises(StorageError, match=r"not found: install MariaDB .* or set CLOUDPITS_DATABASE_URL"):
        server.start()


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "db").write_text("not a folder", encoding="utf-8")
    with pytest.raises(StorageError, match=r"db: cannot hold a database .*; choose another folder"):
        PrivateMariaDb(tmp_path / "db", NOTHING_NAMED).start()


def test_a_server_that_cannot_start_says_why_and_leaves_nothing(server: PrivateMariaDb) -> None:
    server.start()
    server.stop()
    (server.log.parent / "data" / "ibdata1").write_bytes(b"broken")
    with pytest.raises(StorageError, match=r"MariaDB did not start: .*; see .*mariadb\.log"):
        server.start()
    assert server.pid is None or not running(server.pid)


def test_an_installation_that_fails_names_the_first_reason_and_the_log(tmp_path: Path) -> None:
    server = PrivateMariaDb(tmp_path / "db", NOTHING_NAMED)
    server.log.parent.mkdir()
    (server.log.parent / "data.new").write_text("no folder", encoding="utf-8")
    with pytest.raises(
        StorageError, match=r"failed \(.*data\.new.*\); see .*mariadb\.log, free disk space or choose another"
    ):
        server.start()
    assert "data.new" in server.log.read_text(encoding="utf-8")
