"""Transactions on a real server: whole or not at all, repeated when the connection is lost, errors in one line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cloudpits.adapters.mysql.address import Address, Tls
from cloudpits.adapters.mysql.connection import Database, connect
from cloudpits.domain.errors import InvalidInputError, StorageError


def value(database: Database, query: str) -> Any:
    def work(cursor: Any) -> Any:
        cursor.execute(query)
        return next(iter(cursor.fetchone().values()))

    return database.transaction(work)


def kill(address: Address, connection_id: int) -> None:
    with Database(address) as other:
        other.transaction(lambda cursor: cursor.execute("KILL %s", (connection_id,)))


def test_a_failure_undoes_the_whole_transaction(database: Database) -> None:
    def work(cursor: Any) -> None:
        cursor.execute("INSERT INTO program (digest) VALUES ('half')")
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        database.transaction(work)
    assert value(database, "SELECT COUNT(*) FROM program") == 0


def test_a_lost_connection_is_renewed_and_the_transaction_repeated(database: Database) -> None:
    connections = []

    def work(cursor: Any) -> None:
        cursor.execute("SELECT CONNECTION_ID() AS id")
        connections.append(cursor.fetchone()["id"])
        if len(connections) == 1:
            kill(database.address, connections[0])
        cursor.execute("INSERT INTO program (digest) VALUES ('once')")

    database.transaction(work)
    assert len(set(connections)) == 2
    assert value(database, "SELECT COUNT(*) FROM program") == 1


def test_a_connection_lost_twice_is_an_error(database: Database) -> None:
    def work(cursor: Any) -> None:
        cursor.execute("SELECT CONNECTION_ID() AS id")
        kill(database.address, cursor.fetchone()["id"])
        cursor.execute("SELECT 1")

    with pytest.raises(StorageError, match="connection lost; try again"):
        database.transaction(work)


def test_a_transaction_that_others_held_up_is_repeated(database: Database) -> None:
    database.transaction(lambda cursor: cursor.execute("INSERT INTO program (digest) VALUES ('a')"))
    attempts = []
    with Database(database.address) as holder, Database(database.address) as waiting:
        holder.open()
        held = holder._connection
        assert held is not None
        held.cursor().execute("UPDATE program SET label = 'held' WHERE digest = 'a'")

        def work(cursor: Any) -> None:
            attempts.append(1)
            if len(attempts) == 2:
                holder.close()
            cursor.execute(f"SET innodb_lock_wait_timeout = {1 if len(attempts) == 1 else 100}")
            cursor.execute("UPDATE program SET label = 'won' WHERE digest = 'a'")

        waiting.transaction(work)
    assert len(attempts) == 2
    assert value(database, "SELECT label FROM program WHERE digest = 'a'") == "won"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "s3cr3t-wrong"}, "refuses user or password; check the URL or the secret"),
        ({"port": 1}, "cannot be reached; is it running"),
        ({"database": "nowhere"}, "does not exist; create it"),
    ],
    ids=["password", "port", "database"],
)
def test_why_a_connection_fails_is_one_line_without_the_password(
    database_url: str, change: dict[str, Any], message: str
) -> None:
    with connect(database_url) as opened:
        wrong = replace(opened.address, unix_socket=None, **change)
    with pytest.raises(StorageError) as caught:
        Database(wrong).open()
    said = str(caught.value)
    assert message in said
    assert "\n" not in said
    assert wrong.password not in said
    assert caught.value.__suppress_context__


def test_a_missing_table_says_to_migrate(empty_database: Address) -> None:
    with (
        Database(empty_database) as database,
        pytest.raises(StorageError, match="lacks a table; deploy CloudPits-Shared"),
    ):
        database.transaction(lambda cursor: cursor.execute("SELECT * FROM run"))


def test_values_that_do_not_fit_are_refused_not_cut(database: Database) -> None:
    with pytest.raises(StorageError, match="no room for a value of this length"):
        database.transaction(lambda cursor: cursor.execute("INSERT INTO program (digest) VALUES (%s)", ("x" * 129,)))


def test_text_that_is_no_unicode_is_refused(database: Database) -> None:
    with pytest.raises(StorageError, match="no valid Unicode"):
        database.transaction(lambda cursor: cursor.execute("INSERT INTO program (digest) VALUES (%s)", ("\ud800",)))
    assert value(database, "SELECT COUNT(*) FROM program") == 0


def test_the_servers_clock_is_read_in_utc(database: Database) -> None:
    assert value(database, "SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())") == 0


def test_encryption_that_is_required_is_not_done_without(database_url: str) -> None:
    with connect(database_url) as opened:
        address = replace(opened.address, unix_socket=None)
        has_tls = value(opened, "SELECT @@have_ssl") == "YES"
    required = Database(replace(address, tls=Tls.REQUIRED))
    if has_tls:
        assert value(required, "SHOW STATUS LIKE 'Ssl_cipher'")
    else:
        with pytest.raises(StorageError, match=r"TLS|SSL"):
            required.open()
    assert value(Database(replace(address, tls=Tls.DISABLED)), "SELECT 1") == 1


def test_a_file_that_holds_no_certificates_is_named(database_url: str) -> None:
    with connect(database_url) as opened:
        wrong = replace(opened.address, ca="/etc/hostname")
    with pytest.raises(InvalidInputError, match="/etc/hostname: not a file of certificates"):
        Database(wrong).open()
