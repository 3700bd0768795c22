"""Where the database is and how to log in, from a URL or from an RDS secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from cloudpits.domain.errors import InvalidInputError

DEFAULT_DATABASE = "experimentos"
DEFAULT_PORT = 3306
SHAPE = "mysql://USER:PASSWORD@HOST:PORT/DATABASE"
_SCHEMES = ("mysql", "mariadb")
_OPTIONS = ("unix_socket", "tls", "ca")
_RDS_SUFFIXES = (".rds.amazonaws.com", ".rds.amazonaws.com.cn")


class Tls(StrEnum):
    """Whether the connection is encrypted: always, if the server can, or never."""

    REQUIRED = "required"
    PREFERRED = "preferred"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Address:
    """A database and an account on it. The password is left out of every printed form."""

    host: str
    user: str
    password: str = field(repr=False)
    port: int = DEFAULT_PORT
    database: str = DEFAULT_DATABASE
    unix_socket: str | None = None  # used instead of host and port where it exists
    tls: Tls = Tls.PREFERRED
    ca: str | None = None  # file of certificates that the server's must be signed by

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.database}"


def parse_address(source: str | Mapping[str, Any]) -> Address:
    """An address from a URL or from a secret as RDS writes it.

    URL: ``mysql://user:password@host:port/database?unix_socket=…&tls=required|preferred|disabled&ca=FILE``, with
    reserved characters percent-encoded. Secret: ``host``, ``port``, ``username``, ``password``, ``dbname`` and
    optionally ``tls`` and ``ca``. InvalidInputError names what is missing and never repeats the password.
    """
    return _from_url(source) if isinstance(source, str) else _from_secret(source)


def _from_url(url: str) -> Address:
    parts, port = _split(url)
    options = dict(parse_qsl(parts.query))
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise InvalidInputError(f"database URL: unknown option {unknown[0]!r}; accepted: {', '.join(_OPTIONS)}")
    host = parts.hostname or ""
    return Address(
        host=host,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        port=port or DEFAULT_PORT,
        database=unquote(parts.path.strip("/")) or DEFAULT_DATABASE,
        unix_socket=options.get("unix_socket"),
        tls=_tls(options.get("tls"), host),
        ca=options.get("ca"),
    )


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise InvalidInputError(f"database URL: host or port is malformed; expected {SHAPE}") from None
    if parts.scheme not in _SCHEMES or not parts.hostname or not parts.username:
        raise InvalidInputError(f"database URL: scheme, host or user is missing; expected {SHAPE}")
    return parts, port


def _from_secret(secret: Mapping[str, Any]) -> Address:
    if missing := [name for name in ("host", "username", "password") if not secret.get(name)]:
        raise InvalidInputError(f"database secret: {missing[0]!r} is missing; expected host, username and password")
    host = str(secret["host"])
    try:
        port = int(secret.get("port") or DEFAULT_PORT)
    except ValueError:
        raise InvalidInputError("database secret: 'port' is not a number; expected for example 3306") from None
    return Address(
        host=host,
        user=str(secret["username"]),
        password=str(secret["password"]),
        port=port,
        database=str(secret.get("dbname") or DEFAULT_DATABASE),
        tls=_tls(secret.get("tls"), host),
        ca=secret.get("ca"),
    )


def _tls(asked: str | None, host: str) -> Tls:
    """As asked; else required on RDS, which always offers it, and preferred elsewhere."""
    if asked is None:
        return Tls.REQUIRED if host.endswith(_RDS_SUFFIXES) else Tls.PREFERRED
    if asked not in tuple(Tls):
        raise InvalidInputError(f"database address: tls is {asked!r}; accepted: {', '.join(Tls)}")
    return Tls(asked)
