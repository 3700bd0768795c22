"""Shared fixtures and the seeds that make every test repeatable."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from cloudpits.adapters.mysql.address import Address, parse_address
from cloudpits.adapters.mysql.connection import Database, connect
from cloudpits.adapters.mysql.migrations import migrate
from cloudpits.local.database import PrivateMariaDb

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

MIGRATIONS = Path(__file__).parents[1] / "databases" / "migrations"


@pytest.fixture(scope="session")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server: a private MariaDB, or the one that CLOUDPITS_DATABASE_URL names."""
    with PrivateMariaDb(tmp_path_factory.mktemp("mariadb")) as server:
        yield server.url


@pytest.fixture
def empty_database(database_url: str) -> Iterator[Address]:
    """An empty database of its own on the server; dropped after the test."""
    address = parse_address(database_url)
    mine = replace(address, database=f"cloudpits_test_{uuid4().hex}")
    with connect(database_url) as server:
        server.transaction(lambda cursor: cursor.execute(f"CREATE DATABASE {mine.database} CHARACTER SET utf8mb4"))
        yield mine
        server.transaction(lambda cursor: cursor.execute(f"DROP DATABASE {mine.database}"))


@pytest.fixture
def database(empty_database: Address) -> Iterator[Database]:
    """A connection to a migrated database without rows."""
    with Database(empty_database) as opened:
        migrate(opened, MIGRATIONS)
        yield opened
