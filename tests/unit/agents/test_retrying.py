"""What is tried again, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from cloudpits.agents.retrying import ATTEMPTS, persistently
from cloudpits.domain.errors import AccessError, CloudError, ThrottledError


class Refusing:
    """Refuses ``times`` times with ``error``, then answers."""

    def __init__(self, times: int, error: CloudError) -> None:
        self.times, self.error, self.asked = times, error, 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.times:
            raise self.error
        return "answer"


def test_what_heals_is_waited_for(clock: Any) -> None:
    assert persistently(clock, Refusing(3, ThrottledError("busy"))) == "answer"
    assert clock.now() == 1000.0 + 5 + 10 + 20


def test_credentials_that_come_late_are_waited_for(clock: Any) -> None:
    assert persistently(clock, Refusing(1, AccessError("no credentials", "NoCredentialsError"))) == "answer"


def test_patience_ends(clock: Any) -> None:
    action = Refusing(100, ThrottledError("busy"))
    with pytest.raises(ThrottledError):
        persistently(clock, action)
    assert action.asked == ATTEMPTS


@pytest.mark.parametrize("error", [AccessError("denied", "AccessDenied"), CloudError("not there", "NoSuchKey")])
def test_what_never_heals_is_not_waited_for(clock: Any, error: CloudError) -> None:
    action = Refusing(100, error)
    with pytest.raises(type(error)):
        persistently(clock, action)
    assert (action.asked, clock.now()) == (1, 1000.0)
