"""Server errors in one line with a remedy."""

from __future__ import annotations

import pymysql
import pytest
from pymysql.err import IntegrityError, InterfaceError, OperationalError, ProgrammingError

from cloudpits.adapters.mysql.address import Address
from cloudpits.adapters.mysql.failures import is_duplicate, storage_error, worth_repeating

AT = Address("db", "ann", "hush")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OperationalError(2003, "Can't connect"), "database ann@db:3306/experimentos cannot be reached; "),
        (OperationalError(1045, "Access denied"), "refuses user or password; check the URL or the secret (error 1045)"),
        (OperationalError(2013, "Lost connection"), "connection lost; try again"),
        (InterfaceError(0, ""), "connection lost; try again"),
        (ProgrammingError(1146, "no such table"), "lacks a table"),
        (OperationalError(1290, "--read-only"), "is read-only; use the primary instance"),
        (ProgrammingError(1064, "You have an error\nnear 'x'"), "refused: You have an error (error 1064)"),
        (ProgrammingError("nan can not be used with MySQL"), "refused: nan can not be used with MySQL"),
        (OSError("socket closed"), "refused: socket closed"),
    ],
)
def test_every_error_is_one_line(error: Exception, message: str) -> None:
    said = str(storage_error(error, AT))
    assert message in said
    assert "\n" not in said
    assert "hush" not in said


@pytest.mark.parametrize("code", [0, 2006, 2013, 1053, 1205, 1213])
def test_a_lost_line_and_a_held_up_transaction_are_worth_another_try(code: int) -> None:
    assert worth_repeating(OperationalError(code, ""))


@pytest.mark.parametrize("error", [OperationalError(1045, ""), ProgrammingError(1064, ""), OSError(), ValueError(2013)])
def test_what_will_fail_again_is_not(error: Exception) -> None:
    assert not worth_repeating(error)


def test_only_an_equal_key_is_a_duplicate() -> None:
    assert is_duplicate(IntegrityError(1062, "Duplicate entry"))
    assert not is_duplicate(IntegrityError(1452, "a foreign key constraint fails"))
    assert issubclass(IntegrityError, pymysql.MySQLError)
