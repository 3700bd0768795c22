"""Server and driver errors as one line that says what to do; the only place that knows their numbers."""

from __future__ import annotations

import pymysql
from pymysql.constants import CR, ER

from cloudpits.adapters.mysql.address import Address
from cloudpits.domain.errors import StorageError

# The connection is gone, or was chosen as a deadlock's victim: the same transaction may well succeed now.
LOST = frozenset({0, CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST, ER.SERVER_SHUTDOWN, 1927, 4031})
WORTH_REPEATING = LOST | {ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK}

_REMEDIES = {
    CR.CR_CONNECTION_ERROR: "cannot be reached; is it running, and does the firewall let us in?",
    CR.CR_CONN_HOST_ERROR: "cannot be reached; is it running, and does the security group let us in?",
    CR.CR_SSL_CONNECTION_ERROR: "offers no acceptable TLS; check the option ca, or the server's certificate",
    ER.ACCESS_DENIED_ERROR: "refuses user or password; check the URL or the secret",
    ER.DBACCESS_DENIED_ERROR: "does not allow this user into the database; grant it the privileges",
    ER.BAD_DB_ERROR: "does not exist; create it: CREATE DATABASE experimentos",
    ER.NO_SUCH_TABLE: "lacks a table; deploy CloudPits-Shared, which migrates it",
    ER.BAD_FIELD_ERROR: "lacks a column; deploy CloudPits-Shared, which migrates it",
    ER.CON_COUNT_ERROR: "has no connection left; wait, or raise max_connections",
    ER.TABLEACCESS_DENIED_ERROR: "does not allow this statement; grant the user the privileges",
    ER.OPTION_PREVENTS_STATEMENT: "is read-only; use the primary instance",
    ER.DATA_TOO_LONG: "has no room for a value of this length; shorten it",
    ER.LOCK_WAIT_TIMEOUT: "is busy with another transaction; try again",
    ER.LOCK_DEADLOCK: "is busy with another transaction; try again",
    ER.DISK_FULL: "has no disk space left; free some",
    ER.RECORD_FILE_FULL: "has no disk space left; free some",
}


def code_of(error: Exception) -> int:
    """The error's number; 0 for the driver's own ones (which stand for a connection that is closed)."""
    code = error.args[0] if error.args else 0
    return code if isinstance(code, int) else -1


def is_duplicate(error: pymysql.err.IntegrityError) -> bool:
    """Whether a row with the same key exists already."""
    return code_of(error) == ER.DUP_ENTRY


def worth_repeating(error: Exception) -> bool:
    """Whether the same transaction on a new connection may succeed."""
    return isinstance(error, pymysql.err.OperationalError | pymysql.err.InterfaceError) and (
        code_of(error) in WORTH_REPEATING
    )


def storage_error(error: Exception, address: Address) -> StorageError:
    """The failure in one line. Only the server's own words are repeated: they hold no password."""
    code = code_of(error)
    if code in LOST:
        return StorageError(f"database {address}: connection lost; try again, or see the server's log")
    if remedy := _REMEDIES.get(code):
        return StorageError(f"database {address} {remedy} (error {code})")
    said = str(error.args[-1] if error.args else error).strip().partition("\n")[0]
    return StorageError(f"database {address} refused: {said} (error {code})")
