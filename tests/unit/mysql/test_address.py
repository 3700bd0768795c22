"""Addresses of a database: URLs and secrets, and messages that never repeat a password."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpits.adapters.mysql.address import Address, Tls, parse_address
from cloudpits.domain.errors import InvalidInputError


def test_a_whole_url() -> None:
    assert parse_address(
        "mysql://ann:s%2Fcret@db.example:3307/other?unix_socket=/run/x.sock&tls=required&ca=/ca.pem"
    ) == (Address("db.example", "ann", "s/cret", 3307, "other", "/run/x.sock", Tls.REQUIRED, "/ca.pem"))


def test_what_a_url_may_leave_out() -> None:
    assert parse_address("mariadb://ann@localhost") == Address("localhost", "ann", "", 3306, "experimentos")


def test_a_secret_as_rds_writes_it() -> None:
    secret = {
        "engine": "mysql", "host": "x.rds.amazonaws.com", "port": 3306, "username": "admin", "password": "p",
        "dbname": "experimentos", "dbInstanceIdentifier": "x",
    }  # fmt: skip
    assert parse_address(secret) == Address("x.rds.amazonaws.com", "admin", "p", tls=Tls.REQUIRED)


@pytest.mark.parametrize(
    ("host", "tls"),
    [
        ("a.us-east-1.rds.amazonaws.com", Tls.REQUIRED),
        ("a.cn-north-1.rds.amazonaws.com.cn", Tls.REQUIRED),
        ("rds.amazonaws.com.example", Tls.PREFERRED),
        ("127.0.0.1", Tls.PREFERRED),
    ],
)
def test_amazons_servers_are_never_talked_to_in_the_clear(host: str, tls: Tls) -> None:
    assert parse_address(f"mysql://u:p@{host}").tls is tls
    assert parse_address({"host": host, "username": "u", "password": "p"}).tls is tls


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.text(st.characters(exclude_categories=["Cs"])))
def test_any_user_and_password_can_be_written_in_a_url(user: str, password: str) -> None:
    address = parse_address(f"mysql://{quote(user, safe='')}:{quote(password, safe='')}@host:1/db")
    assert (address.user, address.password) == (user, password)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "scheme, host or user is missing"),
        ("postgres://u:hush@h/db", "scheme, host or user is missing"),
        ("mysql://:hush@h/db", "scheme, host or user is missing"),
        ("mysql://u:hush@/db", "scheme, host or user is missing"),
        ("mysql://u:hush@h:port/db", "host or port is malformed"),
        ("mysql://u:hush@h:99999/db", "host or port is malformed"),
        ("mysql://u:hush@[h/db", "host or port is malformed"),
        ("mysql://u:hush@h/db?ssl=1", "unknown option 'ssl'; accepted: unix_socket, tls, ca"),
        ("mysql://u:hush@h/db?tls=yes", "tls is 'yes'; accepted: required, preferred, disabled"),
        ({"host": "h", "password": "hush"}, "'username' is missing"),
        ({"username": "u", "password": "hush"}, "'host' is missing"),
        ({"host": "h", "username": "u"}, "'password' is missing"),
        ({"host": "h", "username": "u", "password": "hush", "port": "x"}, "'port' is not a number"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(source: str | dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        parse_address(source)
    assert problem in str(caught.value)
    assert "hush" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_printed_form_holds_the_password() -> None:
    address = parse_address("mysql://ann:hush@db.example/experimentos")
    assert str(address) == "ann@db.example:3306/experimentos"
    assert "hush" not in repr(address)
