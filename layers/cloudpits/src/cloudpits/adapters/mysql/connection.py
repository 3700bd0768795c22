"""Connections to the database and transactions on them: opened once, renewed when lost, closed by the owner."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import pymysql
from pymysql.cursors import DictCursor

from cloudpits.adapters.mysql.address import Address, Tls, parse_address
from cloudpits.adapters.mysql.failures import storage_error, worth_repeating
from cloudpits.domain.errors import InvalidInputError, StorageError

CONNECT_TIMEOUT_S = 10
STATEMENT_TIMEOUT_S = 120
LOCK_TIMEOUT_S = 10  # of waiting for another transaction
ATTEMPTS = 3
# Whatever the server's default: values that do not fit are errors, backslashes in strings mean what the driver thinks.
SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"

Connection: TypeAlias = "pymysql.Connection[DictCursor]"  # generic for the type checker only
_Result = TypeVar("_Result")


class Database:
    """One connection. Not for use by several threads at a time."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Connect, unless connected; StorageError says why it cannot be done."""
        if self._connection is None:
            try:
                self._connection = _open(self.address)
            except (pymysql.MySQLError, OSError) as error:
                raise storage_error(error, self.address) from None
            except RuntimeError:  # how the driver says that this account's authentication needs encryption
                raise StorageError(f"database {self.address} wants TLS for this user; set tls=required") from None

    def close(self) -> None:
        """Let go of the connection; the next transaction opens another."""
        connection, self._connection = self._connection, None
        if connection:
            with contextlib.suppress(pymysql.MySQLError, OSError):
                connection.close()

    def transaction(self, work: Callable[[DictCursor], _Result], *, repeat: bool = True) -> _Result:
        """Run ``work`` in one transaction and return what it returns; all of it is stored, or nothing.

        A lost connection or a deadlock makes it run again from the start, three times at most (a single
        time if ``repeat`` is False), so ``work`` must touch nothing but the database. StorageError for what it refuses.
        """
        for attempts_left in reversed(range(ATTEMPTS if repeat else 1)):
            try:
                return self._attempt(work)
            except (pymysql.MySQLError, OSError) as error:
                if not attempts_left or not worth_repeating(error):
                    raise storage_error(error, self.address) from None
            self.close()
        raise AssertionError("the last attempt returns or raises")

    def _attempt(self, work: Callable[[DictCursor], _Result]) -> _Result:
        self.open()
        connection = self._connection
        assert connection is not None  # noqa: S101  tells the type checker what open() has just seen to
        try:
            with connection.cursor() as cursor:
                result = work(cursor)
            connection.commit()
        except UnicodeEncodeError:
            self._roll_back(connection)
            raise StorageError("text for the database is no valid Unicode (a lone surrogate); clean it first") from None
        except BaseException:
            self._roll_back(connection)
            raise
        return result

    def _roll_back(self, connection: Connection) -> None:
        try:
            connection.rollback()
        except (pymysql.MySQLError, OSError):
            self.close()  # the server rolls back what a lost connection has left open


def connect(source: str | Mapping[str, Any]) -> Database:
    """An open connection to the database at a URL or in a secret (see ``parse_address``); StorageError if it fails."""
    database = Database(parse_address(source))
    database.open()
    return database


def _open(address: Address) -> Connection:
    by_socket = address.unix_socket is not None and Path(address.unix_socket).exists()
    return pymysql.connect(
        host=address.host,
        port=address.port,
        unix_socket=address.unix_socket if by_socket else None,
        user=address.user,
        password=address.password.encode(),  # the driver would encode text as Latin-1
        database=address.database,
        charset="utf8mb4",
        sql_mode=SQL_MODE,
        init_command=f"SET time_zone = '+00:00', innodb_lock_wait_timeout = {LOCK_TIMEOUT_S}",
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=STATEMENT_TIMEOUT_S,
        write_timeout=STATEMENT_TIMEOUT_S,
        cursorclass=DictCursor,
        **_encryption(address),
    )


def _encryption(address: Address) -> dict[str, Any]:
    """The driver's TLS options; without any it encrypts where the server can."""
    if address.tls is Tls.DISABLED:
        return {"ssl_disabled": True}
    if address.tls is Tls.PREFERRED and address.ca is None:
        return {}
    try:
        context = ssl.create_default_context(cafile=address.ca)
    except (OSError, ssl.SSLError):
        raise InvalidInputError(f"{address.ca}: not a file of certificates (PEM); check the option ca") from None
    if address.ca is None:
        # Amazon signs RDS certificates with authorities of its own: without their file, encrypted but not verified.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}
