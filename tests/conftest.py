"""Shared fixtures and the seeds that make every test repeatable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql.address import Address
from cloudpits.adapters.mysql.connection import Database, connect
from cloudpits.adapters.mysql.migrations import migrate
from cloudpits.local.database import PrivateMariaDb
from cloudpits.local.loopback import loopback_network

# The same examples every time; HYPOTHESIS_PROFILE=thorough looks for new ones.
settings.register_profile("default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

MIGRATIONS = Path(__file__).parents[1] / "databases" / "migrations"


def pytest_configure(config: pytest.Config) -> None:
    """Keep groups of tests together when a run is spread: ``-n 4`` alone means what ``--dist loadgroup`` says."""
    if hasattr(config, "workerinput"):
        config.option.loadgroup = True
    elif config.getoption("dist", "no") == "load":
        config.option.dist = "loadgroup"


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server: a private MariaDB, or the one that CLOUDPITS_DATABASE_URL names."""
    with PrivateMariaDb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server.url


@pytest.fixture
def empty_database(database_url: str) -> Iterator[Address]:
    """An empty database of its own on the server; dropped after the test."""
    with _new_database(database_url) as address:
        yield address


@pytest.fixture(scope="session")
def _migrated(database_url: str) -> Iterator[Database]:
    with _new_database(database_url) as address, Database(address) as opened:
        migrate(opened, MIGRATIONS)
        yield opened


@pytest.fixture
def database(_migrated: Database) -> Database:
    """A connection to a migrated database without rows; the same for all tests, emptied before each."""
    _migrated.transaction(_empty_all_tables)
    return _migrated


@pytest.fixture(scope="session")
def network() -> Iterator[str]:
    """``127.x``, ours alone: on its addresses, test runs side by side may use the same ports."""
    with loopback_network() as network:
        yield network


@pytest.fixture(scope="session")
def addresses(network: str) -> Iterator[str]:
    """Loopback addresses, none given twice: nothing that a test leaves behind is in the way of another."""
    return (f"{network}.0.{host}" for host in range(2, 255))


@contextmanager
def _new_database(server_url: str) -> Iterator[Address]:
    name = f"cloudpits_test_{uuid4().hex}"
    with connect(server_url) as server:
        server.transaction(lambda cursor: cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        yield replace(server.address, database=name)
        server.transaction(lambda cursor: cursor.execute(f"DROP DATABASE {name}"))


def _empty_all_tables(cursor: DictCursor) -> None:
    cursor.execute("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()")
    names = [row["name"] for row in cursor.fetchall() if row["name"] != "schema_migration"]
    cursor.execute("SET FOREIGN_KEY_CHECKS = 0")
    for name in names:
        cursor.execute(f"DELETE FROM `{name}`")  # noqa: S608  # the server's own names
    cursor.execute("SET FOREIGN_KEY_CHECKS = 1")
